"""Dashboard Service: the measurements of every rule for one service."""

import custom
from address import RUNBOOKS
from panels import (REPORTS, TARGET, dashboard, heatmap, instant, lines, link, matching, query, row, stat, states, steps,
                    table, targets)
from rules import buckets, by_observed, by_own

QUANTILES = ((0.5, "p50"), (0.9, "p90"), (0.99, "p99"), (1, "worst"))

# Columns of the table of start functions, and their states. The first is all states.
START_FUNCTIONS = (
    ("Goroutines", ""), ("Running", "running"), ("Runnable", "runnable"), ("System calls", "syscall"), ("Locks", "lock"),
    ("Channels", "chan_send|chan_receive|select"), ("Network", "network"),
)


def beside(rule):
    """The panel beside a rule's distribution."""
    of_sum = rule.per_second("instance")
    panel = rule.panel["beside"]
    if panel == "sum":
        what = rule.panel["sum"]
        return lines(what[0].upper() + what[1:], f"Average of {what}. A value of 1 is the time of one "
                     "goroutine.", [query(of_sum, "{{instance}}")],
                     rule.panel["sum_unit"])
    [(kind, panel)] = panel.items()
    title, description = panel["title"], panel["description"]
    if kind == "by_reason":
        return lines(title, description, [query(by_own("reason", f"{rule.by_reason}_sum"), "{{reason}}")],
                     rule.panel["sum_unit"], stacked=True)

    def filled(expr):
        return expr.replace("$sum", of_sum).replace("$target", TARGET).replace("$over", "$__rate_interval")

    series = [query(filled(line["expr"]), f"{{{{instance}}}} {line['legend']}".strip()) for line in panel["lines"]]
    right = [matching(line["legend"], custom__axisPlacement="right", unit=line["right"])
             for line in panel["lines"] if line["right"]]
    return lines(title, description, series, panel["unit"], log=panel["log"], overrides=right)


def section(rule):
    described = f"{rule.summary} Why it matters: {rule.why} Fix: {rule.advice}"
    quantiles = [query(rule.quantile(q), name) for q, name in QUANTILES]
    links = [REPORTS, link("Runbook", f"{RUNBOOKS}/{rule.name}.md", new_tab=True)]
    return [
        row(rule.name),
        heatmap(f"{rule.name}: distribution", described, buckets(rule.metric), rule.grafana_unit),
        lines(f"{rule.name}: quantiles", "The horizontal lines are the thresholds of the preset "
              f"service. {rule.advice}", quantiles,
              rule.grafana_unit, thresholds=rule.steps(), log=True, links=links, legend="table", calcs=["lastNotNull", "max"]),
        beside(rule),
    ]


def service(rules, alerts):
    def found(severities):
        selected = f'gotrace_findings_total{{{TARGET}, severity=~"{severities}"}}'
        return f"(max by (rule) (increase({selected}[$__rate_interval])) > bool 0)"

    def made(what):
        return by_own("place", f"gotrace_goroutine_{what}_by_place_total", over="$__range")

    def in_state(states, over="$__range"):
        only = f', state=~"{states}"' if states else ""
        return by_own("function", "gotrace_goroutine_by_function_seconds_total", over=over, only=only)

    panels = [
        stat("Errors", "Findings of severity error in the selected time range. Click for the reports with place, stack, cause and "
             "fix.",
             instant(f'sum(increase(gotrace_findings_total{{{TARGET}, severity="error"}}[$__range]))'), decimals=0,
             thresholds=steps(error=0.5), links=[REPORTS]),
        stat("Warnings", "Findings of severity warn in the selected time range. Work for office hours.",
             instant(f'sum(increase(gotrace_findings_total{{{TARGET}, severity="warn"}}[$__range]))'), decimals=0,
             thresholds=steps(warn=0.5), links=[REPORTS]),
        stat("Stopped by the GC", "Share of time in which the collector stopped all goroutines. Above 1 %, "
             "requests are slower.", instant(by_observed("gotrace_gc_pause_seconds_sum", over="$__range")), "percentunit",
             thresholds=steps(0.01, 0.05), decimals=2),
        stat("Goroutines", "Goroutines of all selected instances at the end of their last traces. The reports list their creators.",
             instant(f"sum(gotrace_goroutines{{{TARGET}}})")),
        stat("Live heap", "Live heap of all selected instances after the last collection. With GOGC=100, a program needs about twice as much memory.",
             instant(f"sum(gotrace_heap_live_bytes{{{TARGET}}})"), "bytes", decimals=0),
        stat("Observed", "Share of the selected time range that traces cover, averaged over instances. To see rarer "
             "problems, raise `seconds` or shorten `scrape_interval`.",
             instant(f"avg(increase(gotrace_observed_seconds_total{{{TARGET}}}[$__range])) / $__range_s"), "percentunit",
             decimals=1),
        row("Time"),
        lines("Where the time goes", "Goroutines in each state on average. At any time a goroutine is in exactly one "
              "state. See docs/time.md for the states; `gotracer goroutines` shows them by function.",
              [query(by_own("state", "gotrace_goroutine_seconds_total"), "{{state}}")], "short", size=(16, 8), stacked=True),
        lines("Scheduler pressure", "Share of time in which a goroutine was runnable and not running (some), and in "
              "which none ran meanwhile (full). Batch jobs reach 100 % by design. In a service, compare with GOMAXPROCS "
              "and the CPU limit.",
              [query(by_own("kind", "gotrace_sched_pressure_seconds_total"), "{{kind}}")], "percentunit"),
        table("Start functions", "Goroutines by start function and state, on average. A state beyond the six with most time of a "
              "function is not told apart. The key goroutine_functions of gotracer.yml enables the table.",
              [(title, f"topk(20, {in_state(states)})", "none", None) for title, states in START_FUNCTIONS],
              ["function"], (16, 8), "Goroutines"),
        lines("Running, by start function", "Goroutines that run, by start function: who takes the CPU. The key "
              "goroutine_functions of gotracer.yml enables the panel.",
              [query(f"topk(10, {in_state('running', '$__rate_interval')})", "{{function}}")], "short", stacked=True),
        row("Findings"),
        states("When each rule found something", "Rules that begin together often share a cause. "
               "Click for the reports.", query(f"{found('error')} + {found('warn|error')}", "{{rule}}"),
               {0: ("ok", "green"), 1: ("warn", "orange"), 2: ("error", "red")}, links=[REPORTS]),
        row("Places"),
        table("Places that create goroutines", "Goroutines by the place that creates them, per observed second. "
              "A place with steady gain is a leak; see the runbook GoroutineLeakGrowth. The key goroutine_places of "
              "gotracer.yml enables the table.",
              [(title, f"topk(20, {expr})", "none", None) for title, expr in (
                  ("Gained", f"{made('creations')} - {made('exits')}"),
                  ("Created", made("creations")), ("Ended", made("exits")))],
              ["place"], (24, 8), "Gained"),
    ]
    for rule in rules:
        panels += section(rule)
    panels += custom.section()
    return dashboard(
        "gotracer-service", "Go traces / Service",
        "Measurements of every rule for one service, whether or not they crossed a threshold. "
        "Choose a service above.",
        targets(), panels, alerts)
