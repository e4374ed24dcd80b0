"""Dashboard Releases: versions of a service compared."""

from panels import choice, dashboard, instant, link, lines, query, row, stat, states, steps, table, targets
from rules import by_observed, gained

# All versions of the service, whichever are chosen to be compared.
PLACE = 'cluster=~"$cluster", namespace=~"$namespace"'
ANY = PLACE + ', job=~"$job", service=~"$service", version!="", instance=~"$instance"'
CHOSEN = PLACE + ', job=~"$job", service=~"$service", version=~"$version|$baseline", instance=~"$instance"'
NEW, OLD = (PLACE + f', job=~"$job", service=~"$service", version="{v}", instance=~"$instance"' for v in ("$version", "$baseline"))

# gotrace_release_* metrics have no labels job and instance of a program. If several gotracers share the targets, the
# worst value counts.
RUNNING = PLACE + ', service=~"$service"'
JUDGED = PLACE + ', service=~"$service", version="$version"'
BOTH = PLACE + ', service=~"$service", version=~"$version|$baseline"'
ALL = link("Releases, with the places that create goroutines", "${gotracer}/releases", new_tab=True)

FOUND = ', severity=~"warn|error"'
# Captures of one version differ by some percent.
WORSE = steps(1.25, 2)
NOTHING = [{"type": "special", "options": {"match": "nan", "result": {"text": "none in either", "index": 0}}},
           {"type": "special", "options": {"match": "null", "result": {"text": "no data", "index": 1}}},
           {"type": "value", "options": {"Infinity": {"text": "new", "color": "red", "index": 2}}}]


def compared(title, what, of):
    """Quotient of a value of the new version and of the baseline."""
    described = (f"{what}: $version divided by $baseline, in the selected time range. Above 1.25, check the line of that "
                 "name below; above 2, stop the roll-out.")
    return stat(title, described, instant(f"({of(NEW)}) / ({of(OLD)})"), "suffix:×", (3, 4), WORSE, 2, mappings=NOTHING)


def releases(rules, alerts):
    by_name = {rule.name: rule for rule in rules}
    times = {name: lambda where, r=rule: r.per_second(where=where, over="$__range") for name, rule in by_name.items()}
    gc, sched, locks, calls, assist, starved = (by_name[n] for n in (
        "GCPauseSpike", "HighSchedulingLatency", "MutexContention", "BlockedOnSyscall", "GCAssist", "ProcessorStarvation"))

    def average(gauge):
        return lambda where: f"avg(avg_over_time({gauge}{{{where}}}[$__range]))"

    def over_time(title, description, expr, unit, log=False, calcs=("mean", "max")):
        return lines(title, description, [query(expr, "{{version}}")], unit, (8, 8), log=log, legend="table", calcs=calcs)

    def worst(metric, by, where, what="max"):
        return f"{what} by ({by}) ({metric}{{{where}}})"

    panels = [
        row("gotracer's comparison of running releases"),
        table(
            "Running versions",
            "All captures of each version, including those before a restart of gotracer. Worse by: rules by which the version is "
            "significantly worse than the previous one; empty while there are too few captures. The link on a service "
            "leads to the places that create goroutines.",
            [
                ("Worse by", "sum by (namespace, service, version) (max by (namespace, service, version, rule) "
                 f"(gotrace_release_regression{{{RUNNING}}}))", "short", steps(warn=1, base="green")),
                ("Since", "1000 * " + worst("gotrace_release_first_seen_timestamp_seconds", "namespace, service, version", RUNNING, "min"),
                 "dateTimeAsIso", None),
                ("Captures", worst("gotrace_release_captures_total", "namespace, service, version", RUNNING, "sum"), "short", None),
                ("Observed", worst("gotrace_release_observed_seconds_total", "namespace, service, version", RUNNING, "sum"), "s", None),
                ("Instances", worst("gotrace_release_instances", "namespace, service, version", RUNNING, "sum"), "short", None),
                ("Goroutines a second", worst("gotrace_release_goroutines_per_second", "namespace, service, version",
                                              RUNNING + ', quantity="trend"'), "none", steps(0.03, 1, base="text")),
                ("Live heap", worst("gotrace_release_heap_live_bytes", "namespace, service, version", RUNNING), "bytes", None),
            ],
            ["namespace", "service", "version"], (24, 7), "Since", links={"service": ALL}),
        states("$version is worse than the version before", "By rule, once both have enough captures. Red for more than 15 "
               "minutes fires an alert; docs/releases.md has the rate of false alarms.",
               query(worst("gotrace_release_regression", "namespace, service, version, rule", JUDGED), "{{rule}}"),
               {0: ("no worse", "green"), 1: ("worse", "red")}, (12, 9), links=[ALL]),
        lines("$version against the version before", "Quotient of each quantity; 1 is no change. A small constant "
              "on both sides damps tiny values. Differences that are not red on the left can be chance.",
              [query(worst("gotrace_release_change_ratio", "rule, quantity", JUDGED), "{{rule}} {{quantity}}")],
              "suffix:×", (12, 9), log=True, links=[ALL]),
        lines("Goroutines gained each second, from trace to trace", "Growth of a typical instance over its last captures. It shows leaks that "
              "are too slow for a single trace.",
              [query(worst("gotrace_release_goroutines_per_second", "version", BOTH + ', quantity="trend"'), "{{version}}")],
              "none", links=[ALL]),
        lines("Floor of the live heap", "Live heap of a typical instance over its last captures. Higher but level is the price of a "
              "feature.", [query(worst("gotrace_release_heap_live_bytes", "version", BOTH), "{{version}}")], "bytes", links=[ALL]),
        lines("99th percentiles", "99th percentile of each rule's measurements, for a typical instance over its last captures. Traces with few "
              "waits have none.", [query(worst("gotrace_release_wait_seconds", "version, rule", BOTH + ', quantity="p99"'),
                                        "{{version}} {{rule}}")], "s", log=True, links=[ALL]),
        row("$version against $baseline, 1 is the same"),
        compared("Goroutines", "Goroutines of an instance on average", average("gotrace_goroutines")),
        compared("Live heap", "The live heap of an instance on average", average("gotrace_heap_live_bytes")),
        compared("GC pauses", "Share of time in which the collector stops the program", times["GCPauseSpike"]),
        compared("Scheduling latency", "Goroutines waiting for a processor", times["HighSchedulingLatency"]),
        compared("Lock waits", "Goroutines waiting for a lock", times["MutexContention"]),
        compared("System calls", "Goroutines in system calls", times["BlockedOnSyscall"]),
        compared("Starvation", "Processors idle beside work", times["ProcessorStarvation"]),
        compared("GC assists", "Goroutines working for the collector", times["GCAssist"]),
        row("All versions"),
        table(
            "Versions, newest first",
            "Values for the selected time range. Compare versions under the same load and with enough observed time. "
            "A steady gain of goroutines is a leak.",
            [
                ("Observed", f"sum by (version) (increase(gotrace_observed_seconds_total{{{ANY}}}[$__range]))", "s", None),
                ("Findings a minute", "60 * " + by_observed("gotrace_findings_total", "version", ANY, "$__range", FOUND),
                 "none", None),
                ("Goroutines gained", gained("version", ANY, "$__range"), "none", steps(1, 10, base="text")),
                ("Goroutines", f"avg by (version) (avg_over_time(gotrace_goroutines{{{ANY}}}[$__range]))", "short", None),
                ("Live heap", f"avg by (version) (avg_over_time(gotrace_heap_live_bytes{{{ANY}}}[$__range]))", "bytes", None),
                ("GC pause p99", gc.quantile(0.99, "version", ANY, "$__range"), "s", gc.steps()),
                ("Stopped by the GC", gc.per_second("version", ANY, "$__range"), "percentunit", None),
                ("Scheduling p99", sched.quantile(0.99, "version", ANY, "$__range"), "s", None),
                ("Waiting for a lock", locks.per_second("version", ANY, "$__range"), "none", None),
            ],
            ["version"], (24, 6), "version"),
        row("Side by side"),
        over_time("Goroutines of an instance", "If the line of a release rises while the others are level, it leaks. "
                  "Then see GoroutineLeakGrowth on the dashboard Service.",
                  f"avg by (version) (gotrace_goroutines{{{CHOSEN}}})", "short"),
        over_time("Goroutines gained each second", "Created minus ended, within traces. It should be about 0; a steady "
                  "gain is a leak, long before the number is high.", gained("version", CHOSEN), "none"),
        over_time("Live heap of an instance", "After collections. A floor that is higher and steady is the price of a "
                  "feature; one that rises is a leak.", f"avg by (version) (gotrace_heap_live_bytes{{{CHOSEN}}})", "bytes"),
        over_time("GC pause p99", "Higher with the same heap: something can not be stopped quickly, a long loop in "
                  "assembly or a large copy; the reports name it.", gc.quantile(0.99, "version", CHOSEN), "s", log=True),
        over_time("Stopped by the GC", "Share of time. More collections, or longer ones: see the distribution on the "
                  "dashboard Service.", gc.per_second("version", CHOSEN), "percentunit"),
        over_time("GC assists", "Goroutines working for the collector at any time. More: the release allocates faster than "
                  "the collector marks.", assist.per_second("version", CHOSEN), "none"),
        over_time("Scheduling latency p99", "What requests feel as waiting for a processor. Higher under the same load: the release computes more, or in "
                  "longer stretches.",
                  sched.quantile(0.99, "version", CHOSEN), "s", log=True),
        over_time("Waiting for a lock", "Goroutines at any time. More: a lock is held for longer, or taken more often; the "
                  "reports name who holds it.", locks.per_second("version", CHOSEN), "none"),
        over_time("Findings a minute", "Warnings and errors for each minute that traces cover. What is new in a release, the reports of its "
                  "instances name.",
                  "60 * " + by_observed("gotrace_findings_total", "version", CHOSEN, only=FOUND), "none"),
        over_time("In system calls", "Goroutines, and so threads, at any time. More: files, DNS or C code on the way of requests.", calls.per_second("version", CHOSEN), "none"),
        over_time("Processors idle beside work", "On average. More: the release is throttled, or wakes goroutines in a way "
                  "that the scheduler does not see at once.", starved.per_second("version", CHOSEN), "none"),
        over_time("Observed", "Seconds of traces for each second. Where the lines are far apart, the shorter one is the less "
                  "certain one.", f"sum by (version) (rate(gotrace_observed_seconds_total{{{CHOSEN}}}[$__rate_interval]))",
                  "percentunit"),
    ]
    known = 'gotrace_observed_seconds_total{' + PLACE + ', job=~"$job", service=~"$service"'
    version = [
        choice("version", "Version", "label_values(" + known + '}, version)', "The release in question.", False, 8),
        choice("baseline", "Baseline", "label_values(" + known + ', version!="$version"}, version)',
               "The release to compare it with.", False, 8),
    ]
    made = dashboard(
        "gotracer-releases", "Go traces / Releases",
        "Did this release make it worse? What the traces of two versions of a service tell, side by side. Versions are the "
        "label version of the programs.",
        targets(version=version), panels, alerts)
    made["time"]["from"] = "now-24h"
    return made
