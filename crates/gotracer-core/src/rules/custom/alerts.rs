//! Prometheus alerts of custom rules, in the form of those that gotracer ships for its own.

use std::fmt::Write;

use crate::rules::{Rule, Unit};

/// Place of a program: cluster and namespace.
const PLACE: &str = "{{ with $labels.cluster }}{{ . }}/{{ end }}\
    {{ with $labels.namespace }}{{ . }}/{{ end }}";
/// Name of a program.
const PROGRAM: &str = "{{ or $labels.service $labels.instance }}";
/// Labels that identify a program. In queries, a label that an alert lacks is the empty string.
const IDENTITY: [&str; 6] = [
    "job",
    "instance",
    "service",
    "version",
    "namespace",
    "cluster",
];
/// Documentation of custom rules.
const DOCS: &str = concat!(
    env!("CARGO_PKG_REPOSITORY"),
    "/blob/main/docs/custom-rules.md"
);

/// Returns a file of alerts for Prometheus. It needs the recording rules of `config/prometheus/recording.yml`.
pub fn alerts(rules: &[&Rule]) -> String {
    let mut file = String::from(
        "# Alerts of custom_rules, by `gotracer rules --format prometheus`. They need config/prometheus/recording.yml.\n\
         groups:\n  - name: gotracer.custom_rules\n    rules:\n",
    );
    for rule in rules {
        // Writing to a string does not fail.
        let _ = alert(&mut file, rule);
    }
    file
}

fn alert(file: &mut String, rule: &Rule) -> std::fmt::Result {
    let (name, share) = (rule.name, f64::from(rule.alert.percent) / 100.0);
    let summary = format!("{name} has findings in {PLACE}{PROGRAM}");
    let description = format!(
        "In {{{{ $value | humanizePercentage }}}} of the latest traces of {PLACE}{PROGRAM} (job \
         {{{{ $labels.job }}}}{{{{ with $labels.instance }}}}, instance {{{{ . }}}}{{{{ end }}}}\
         {{{{ with $labels.version }}}}, version {{{{ . }}}}{{{{ end }}}}), the custom rule {name} \
         had findings (severity {{{{ $labels.severity }}}}). {}{}",
        escaped(rule.summary),
        worst(rule),
    );
    writeln!(file, "      - alert: {name}")?;
    writeln!(file, "        expr: |")?;
    let ratio = "target_rule:gotrace_findings:trace_ratio";
    writeln!(file, "          {ratio}_long{{rule=\"{name}\"}} > {share}")?;
    writeln!(file, "            and")?;
    writeln!(file, "          {ratio}_short{{rule=\"{name}\"}} > {share}")?;
    writeln!(file, "        for: {}", rule.alert.hold)?;
    writeln!(file, "        keep_firing_for: 2h")?;
    writeln!(file, "        labels:")?;
    let severity = "{{ if eq $labels.severity \"error\" }}warning{{ else }}info{{ end }}";
    writeln!(file, "          severity: '{severity}'")?;
    writeln!(file, "        annotations:")?;
    writeln!(file, "          summary: {}", quoted(&summary))?;
    writeln!(file, "          description: {}", quoted(&description))?;
    writeln!(file, "          runbook_url: {DOCS}")
}

/// Returns the sentence with the worst value, and its query.
fn worst(rule: &Rule) -> String {
    let labels: String = IDENTITY.map(|l| format!(" $labels.{l}")).concat();
    let select: Vec<_> = IDENTITY.iter().map(|l| format!("{l}=%q")).collect();
    let select = format!("rule=\"{}\",{}", rule.name, select.join(","));
    let (query, times, form) = match rule.unit {
        Unit::Share => (
            format!("max(gotrace_custom_rule_share_ratio{{{select}}})"),
            1,
            "humanizePercentage",
        ),
        Unit::Rate => (
            format!("max(gotrace_custom_rule_rate{{{select}}})"),
            1,
            "humanize",
        ),
        _ => {
            let metric = "gotrace_custom_rule_seconds";
            let of =
                |name: &str| format!("histogram_quantile(1, increase({name}{{{select}}}[1h]))");
            let (native, classic) = (of(metric), of(&format!("{metric}_bucket")));
            (
                format!("max({native} or {classic}) > 0"),
                2,
                "humanizeDuration",
            )
        }
    };
    let query = query.replace('"', "\\\"");
    let labels = labels.repeat(times);
    format!(
        "{{{{ with printf \"{query}\"{labels} | query }}}} The worst was {{{{ . | first | value | \
         {form} }}}}.{{{{ end }}}}"
    )
}

/// Text of the configuration, which is no template.
fn escaped(text: &str) -> String {
    text.replace("{{", "{{ \"{{\" }}")
}

/// A string of YAML: every string of JSON is one.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
