"""All that the traces of one service tell."""

from panels import (REPORTS, TARGET, dashboard, heatmap, instant, lines, link, matching, query, row, stat, states, steps,
                    targets)
from rules import by_observed, by_reason, gained

QUANTILES = ((0.5, "p50"), (0.9, "p90"), (0.99, "p99"), (1, "worst"))


def third(rule):
    """What belongs beside a rule's distribution."""
    sum_over_time = query(rule.per_second("instance"), "{{instance}}")
    match rule.name:
        case "GCPauseSpike":
            return lines("Stop-the-world by reason", "Share of time in which all of the program stands still, for the "
                         "collector and for others. Reasons other than GC: somebody calls ReadMemStats, takes goroutine "
                         "profiles or changes GOMAXPROCS; make them call it less often.",
                         [query(by_reason("gotrace_stop_the_world_seconds_sum"), "{{reason}}")], "percentunit",
                         stacked=True)
        case "HighSchedulingLatency":
            return lines("Waits by how they began", "Goroutines waiting for a processor at any time, by how they became "
                         "runnable. Mostly preempted: too many of them compute at once. Mostly woken: the processors are "
                         "busy with others; compare with GOMAXPROCS and the CPU limit.",
                         [query(by_reason("gotrace_sched_latency_by_reason_seconds_sum"), "{{reason}}")], "short",
                         stacked=True)
        case "GoroutineLeakGrowth":
            return lines("Goroutines", "At the end of each trace, the peak within it, and what is gained each second. A "
                         "line that only rises is a leak: look in the reports for the place that creates them.",
                         [query(f"sum by (instance) (gotrace_goroutines{{{TARGET}}})", "{{instance}}"),
                          query(f"sum by (instance) (gotrace_goroutines_peak{{{TARGET}}})", "{{instance}} peak"),
                          query(gained("instance"), "{{instance}} gained each second")], "short",
                         overrides=[matching("gained", custom__axisPlacement="right", unit="none")])
        case "HeapGrowthSpike":
            return lines("Heap: floor, goal and peak", "What is live after a collection, the size at which the collector "
                         "means to be done, and the most that was held. A floor that only rises is a leak; a peak over "
                         "the goal means that the collector can not keep up.",
                         [query(f"sum by (instance) (gotrace_heap_live_bytes{{{TARGET}}})", "{{instance}} floor"),
                          query(f"sum by (instance) (gotrace_heap_goal_bytes{{{TARGET}}})", "{{instance}} goal"),
                          query(f"sum by (instance) (gotrace_heap_peak_bytes{{{TARGET}}})", "{{instance}} peak")], "bytes")
        case "ProcessorStarvation":
            return lines("Processors idle beside work", "Processors that stand idle while a goroutine could run, on "
                         "average, and GOMAXPROCS. More than a few hundredths: compare with CPU throttling of the "
                         "container.",
                         [sum_over_time, query(f"max by (instance) (gotrace_gomaxprocs_threads{{{TARGET}}})",
                                               "{{instance}} GOMAXPROCS")], "short", log=True)
        case _:
            return lines(rule.sum_is[0].upper() + rule.sum_is[1:], f"On average: {rule.sum_is} at any time. One that is "
                         "steadily over 1 costs as much as a whole goroutine that does nothing else.",
                         [sum_over_time], rule.sum_unit)


def section(rule):
    described = f"{rule.summary} Why it matters: {rule.why} What to do: {rule.advice}"
    quantiles = [query(rule.quantile(q), name) for q, name in QUANTILES]
    links = [REPORTS, link("Runbook", "https://github.com/gotracer/gotracer/blob/main/docs/runbooks/"
                           f"{rule.name}.md", new_tab=True)]
    buckets = f"sum by (le) (increase({rule.metric}_bucket{{{TARGET}}}[$__rate_interval]))"
    return [
        row(rule.name),
        heatmap(f"{rule.name}: distribution", described, buckets, rule.unit),
        lines(f"{rule.name}: quantiles", "Two humps in the distribution are two causes: quantiles hide that. The lines "
              f"are warn and error of the preset service; others may hold for this one. {rule.advice}", quantiles,
              rule.unit, thresholds=rule.steps(), log=True, links=links, legend="table", calcs=["lastNotNull", "max"]),
        third(rule),
    ]


def service(rules):
    def found(severities):
        selected = f'gotrace_findings_total{{{TARGET}, severity=~"{severities}"}}'
        return f"(max by (rule) (increase({selected}[$__rate_interval])) > bool 0)"

    panels = [
        stat("Errors", "Findings of severity error in the time chosen. Click for the reports: place, stack, cause and fix "
             "of each.",
             instant(f'sum(increase(gotrace_findings_total{{{TARGET}, severity="error"}}[$__range]))'), decimals=0,
             thresholds=steps(error=0.5), links=[REPORTS]),
        stat("Warnings", "Findings of severity warn in the time chosen. For whoever works on the service next.",
             instant(f'sum(increase(gotrace_findings_total{{{TARGET}, severity="warn"}}[$__range]))'), decimals=0,
             thresholds=steps(warn=0.5), links=[REPORTS]),
        stat("Stopped by the GC", "Share of time in which the collector stood in the way of all goroutines. Above 1 % "
             "requests feel it.", instant(by_observed("gotrace_gc_pause_seconds_sum", over="$__range")), "percentunit",
             thresholds=steps(0.01, 0.05), decimals=2),
        stat("Goroutines", "Of all instances chosen, as their last traces told. Where they come from, the reports say.",
             instant(f"sum(gotrace_goroutines{{{TARGET}}})")),
        stat("Live heap", "Of all instances chosen, after their last collection. GOMEMLIMIT and the container have to leave room for about twice as much.",
             instant(f"sum(gotrace_heap_live_bytes{{{TARGET}}})"), "bytes", decimals=0),
        stat("Observed", "Share of the time chosen that traces cover, by instance on average. What is rarer than one "
             "trace in a thousand needs more than an hour of them: more `seconds` or a shorter `scrape_interval`.",
             instant(f"avg(increase(gotrace_observed_seconds_total{{{TARGET}}}[$__range])) / $__range_s"), "percentunit",
             decimals=1),
        row("Findings"),
        states("When each rule found something", "Read across: what began together has one cause more often than not. "
               "Click for the reports.", query(f"{found('error')} + {found('warn|error')}", "{{rule}}"),
               {0: ("ok", "green"), 1: ("warn", "orange"), 2: ("error", "red")}, links=[REPORTS]),
    ]
    for rule in rules:
        panels += section(rule)
    return dashboard(
        "gotracer-service", "Go traces / Service",
        "For one service, what each rule of gotracer saw, found or not: distributions over time, and what belongs "
        "beside them. Choose a service above.",
        targets(), panels)
