"""Dashboard Overview: all programs, worst first."""

from custom import worst_services
from panels import (REPORTS, SEVERITY_COLOURS, TARGET, bars, coloured, dashboard, firing, instant, lines, link, query, row,
                    service_links, stat, steps, table, targets, to_service)
from rules import by_observed

SERVICE = "namespace, job, service, version"


def findings(severity, by="", over="$__range"):
    by = f"by ({by}) " if by else ""
    return f'sum {by}(increase(gotrace_findings_total{{{TARGET}, severity="{severity}"}}[{over}]))'


def traces(by=""):
    by = f"by ({by}) " if by else ""
    return f"sum {by}(increase(gotracer_traces_total{{{TARGET}}}[$__range]))"


def worst_of(rule):
    expr = f"topk(5, {rule.worst('job, service')} > 0)"
    described = (f"{rule.summary} The five worst services; each value is the upper bound of the worst measurement's "
                 f"bucket. The lines are the thresholds of the preset service. Fix: {rule.advice}")
    return lines(rule.name, described, [query(expr, "{{job}} {{service}}")], rule.grafana_unit, (6, 7), rule.steps(),
                 log=True, links=service_links())


def overview(rules, alerts):
    exporter = link("Why", "/d/gotracer-exporter?${datasource:queryparam}&${__url_time_range}")
    panels = [
        stat("Programs", "Go programs that gotracer knows. Fewer than expected: see the dashboard Exporter.",
             instant(f"count(gotrace_observed_seconds_total{{{TARGET}}})")),
        stat("Traces", "Traces analyzed in the selected time range. None: see the dashboard Exporter.",
             instant(traces()), decimals=0, thresholds=steps(base="text"), links=[exporter]),
        stat("Errors", "Findings of severity error, one per place and trace. The table below lists their "
             "services.", instant(findings("error")), decimals=0, thresholds=steps(error=0.5), links=[REPORTS]),
        stat("Warnings", "Findings of severity warn. They are work for office hours, not a reason to page "
             "someone.", instant(findings("warn")), decimals=0, thresholds=steps(warn=0.5), links=[REPORTS]),
        stat("Alerts", "Firing alerts of gotracer; each has a runbook. Always 0 if the rules in "
             "config/prometheus are not loaded.",
             instant(f"count({firing(alerts)}) or vector(0)"), decimals=0, thresholds=steps(error=1)),
        stat("Failures", "Traces that could not be captured or read in the selected time range. Click for the reasons.",
             instant(f"sum(increase(gotracer_trace_failures_total{{{TARGET}}}[$__range]))"), decimals=0,
             thresholds=steps(warn=0.5), links=[exporter]),
        row("Worst services"),
        table(
            "Services, worst first",
            "Values for the selected time range. Start with the first row: click on its service. A trace has one finding "
            "per place.",
            [
                ("Errors", findings("error", SERVICE), "short", steps(error=0.5, base="text")),
                ("Warnings", findings("warn", SERVICE), "short", steps(warn=0.5, base="text")),
                ("Traces", traces(SERVICE), "short", None),
                ("Observed", f"sum by ({SERVICE}) (increase(gotrace_observed_seconds_total{{{TARGET}}}[$__range]))", "s",
                 None),
                ("Stopped by the GC", by_observed("gotrace_gc_pause_seconds_sum", SERVICE, over="$__range"),
                 "percentunit", steps(0.01, 0.05, base="text")),
                ("Goroutines", f"sum by ({SERVICE}) (gotrace_goroutines{{{TARGET}}})", "short", None),
                ("Live heap", f"sum by ({SERVICE}) (gotrace_heap_live_bytes{{{TARGET}}})", "bytes", None),
            ],
            ["namespace", "job", "service", "version"], (16, 9), "Errors",
            {"service": to_service(), "job": to_service()},
        ),
        bars("Which rules find most", "Warnings and errors in the selected time range. `gotracer rules NAME` and the "
             "runbook explain the rule.",
             instant(f'sort_desc(sum by (rule) (increase(gotrace_findings_total{{{TARGET}, severity=~"warn|error"}}'
                     "[$__range])))", "{{rule}}"), size=(8, 9), thresholds=steps(warn=0.5)),
        lines("Findings by severity", "Findings over time. If a step coincides with a release, see the dashboard Releases.",
              [query(f"sum by (severity) (increase(gotrace_findings_total{{{TARGET}}}[$__rate_interval]))",
                     "{{severity}}")], "short", (12, 7), bars=True, stacked=True,
              overrides=coloured(SEVERITY_COLOURS)),
        lines("Findings by rule", "Findings over time by rule. Rules that begin together often share a cause: during a stop-the-world pause, "
              "goroutines also wait to be scheduled, and for locks.",
              [query(f'sum by (rule) (increase(gotrace_findings_total{{{TARGET}, severity=~"warn|error"}}'
                     "[$__rate_interval])) > 0", "{{rule}}")], "short", (12, 7), bars=True, stacked=True),
        row("Worst measurement of each rule by service"),
        *(worst_of(rule) for rule in rules),
        *worst_services(),
    ]
    return dashboard(
        "gotracer-overview", "Go traces / Overview",
        "Findings in the traces of Go programs by service, rule and time. The dashboard Service has the details of "
        "one service.",
        targets(), panels, alerts)
