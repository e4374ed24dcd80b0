"""The alerts on rules in config/prometheus/alerts.yml."""

import region

RUNBOOKS = "https://github.com/gotracer/gotracer/blob/main/docs/runbooks"
PROGRAM = "{{ $labels.instance }}"


def value(rule, alert):
    """The sentence that states how bad it is, with its query."""
    gauge = alert["gauge"]
    if gauge is None:
        query = f"histogram_quantile(1, increase({rule.metric}_bucket{{job=%q,instance=%q}}[1h]))"
        query = f"max({query}) > 0"
        text = "The worst took up to {{ . | first | value | humanizeDuration }}."
    else:
        query = f"max({gauge['metric']}{{job=%q,instance=%q}})"
        form = "{{ . | first | value | humanize1024 }}B" if rule.unit == "bytes" else '{{ . | first | value | printf "%.0f" }}'
        text = gauge["text"].replace("{}", form)
    return f'{{{{- with printf "{query}" $labels.job $labels.instance | query }}}}\n            {text}{{{{ end }}}}'


def alert(rule):
    alert = rule.alert
    share = alert["percent"] / 100
    return f"""\
      - alert: {rule.name}
        expr: |
          target_rule:gotrace_findings:trace_ratio1h{{rule="{rule.name}"}} > {share:g}
            and
          target_rule:gotrace_findings:trace_ratio15m{{rule="{rule.name}"}} > {share:g}
        for: {alert["hold"]}
        labels:
          severity: '{{{{ if eq $labels.severity "error" }}}}warning{{{{ else }}}}info{{{{ end }}}}'
        annotations:
          summary: '{alert["summary"].replace("{program}", PROGRAM)}'
          description: >-
            In {{{{ $value | humanizePercentage }}}} of the last hour's traces of {{{{ $labels.job }}}}
            {{{{ $labels.instance }}}}{{{{ with $labels.version }}}} (version {{{{ . }}}}){{{{ end }}}}
            {alert["happened"]} (severity {{{{ $labels.severity }}}}).
            {value(rule, alert)}
          runbook_url: {RUNBOOKS}/{rule.name}.md
"""


def alerts(text, rules):
    return region.replace(text, "\n".join(alert(rule) for rule in rules))
