"""Panels of custom rules. The configuration defines these, so the label `rule` of their metrics names them."""

from panels import REPORTS, TARGET, lines, matching, query, row, service_links
from rules import by_own, quantile

DURATION = "gotrace_custom_rule_seconds"
SHARE = f"gotrace_custom_rule_share_ratio{{{TARGET}}}"
RATE = f"gotrace_custom_rule_rate{{{TARGET}}}"
EMPTY = "Empty without custom_rules in gotracer.yml; see docs/custom-rules.md."


def shares_and_rates(by, legend, most, **more):
    """Panel of the rules whose value is share or count_per_second."""
    return lines(
        "Custom rules: shares and rates", f"Shares of the observed time, and occurrences per second (right axis), in "
        f"the last traces. {EMPTY}",
        [query(most.format(f"max by ({by}) ({SHARE})"), f"{legend} share"),
         query(most.format(f"max by ({by}) ({RATE})"), f"{legend} rate")],
        "percentunit", overrides=[matching("rate$", custom__axisPlacement="right", unit="cps")], **more)


def section():
    """Panels of the dashboard Service."""
    quantiles = [query(quantile(DURATION, q, "rule"), f"{{{{rule}}}} {name}") for q, name in ((0.5, "p50"), (0.99, "p99"), (1, "worst"))]
    return [
        row("Custom rules"),
        lines("Custom rules: quantiles", f"Durations that the rules on duration and cpu measure. {EMPTY}", quantiles, "s",
              log=True, links=[REPORTS], legend="table", calcs=["lastNotNull", "max"]),
        lines("Custom rules: time", "Time that the rules on duration and cpu measure, per observed second. A value of 1 is "
              f"one occurrence at any time. {EMPTY}", [query(by_own("rule", f"{DURATION}_sum"), "{{rule}}")], "short"),
        shares_and_rates("instance, rule", "{{instance}} {{rule}}", "{}"),
    ]


def worst_services():
    """Panels of the dashboard Overview."""
    by, legend = "job, service, rule", "{{job}} {{service}} {{rule}}"
    worst = f"topk(5, {quantile(DURATION, 1, by)} > 0)"
    return [
        lines("Custom rules: durations", "The five worst services and rules on duration or cpu; each value is the upper bound "
              f"of the worst measurement's bucket. {EMPTY}", [query(worst, legend)], "s", (6, 7), log=True, links=service_links()),
        shares_and_rates(by, legend, "topk(5, {} > 0)", size=(6, 7), links=service_links()),
    ]
