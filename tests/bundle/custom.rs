//! Alerts of custom rules, as `gotracer rules --format prometheus` writes them, on promtool.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::repository;
use crate::rules::promtool;
use crate::support::daemon::Scratch;

/// A rule for each kind of value. The summary has what YAML and Prometheus's templates give a meaning.
const CONFIG: &str = r#"
custom_rules:
- name: SlowCheckout
  on: task
  match: {type: 'POST /checkout'}
  warn: 50ms
  summary: "Checkouts: 'slow', \"{{ sometimes }}\" # and\n often."
- {name: ChargeLock, on: wait, match: {reason: lock}, value: share, warn: 100%}
- {name: ManyLogs, on: log, value: count_per_second, warn: 5}
"#;

/// A custom rule of the configuration.
struct Case {
    name: &'static str,
    /// Series of its measurement, with their values.
    series: &'static [(&'static str, &'static str)],
    /// End of its alert's description.
    end: &'static str,
}

const CASES: [Case; 3] = [
    Case {
        name: "SlowCheckout",
        series: &[
            (
                r#"gotrace_custom_rule_seconds_bucket{LABELS,le="1"}"#,
                "0+9x240",
            ),
            (
                r#"gotrace_custom_rule_seconds_bucket{LABELS,le="2"}"#,
                "0+10x240",
            ),
            (
                r#"gotrace_custom_rule_seconds_bucket{LABELS,le="+Inf"}"#,
                "0+10x240",
            ),
        ],
        end: "Checkouts: 'slow', \"{{ sometimes }}\" # and often. The worst took up to 2s.",
    },
    Case {
        name: "ChargeLock",
        series: &[("gotrace_custom_rule_share_ratio{LABELS}", "1.25x240")],
        end: "Custom rule on the share of waits. In the last trace, the share was 125%.",
    },
    Case {
        name: "ManyLogs",
        series: &[("gotrace_custom_rule_rate{LABELS}", "7.5x240")],
        end: "Custom rule on the count_per_second of logs. In the last trace, the rate was 7.5 per second.",
    },
];

const TARGET: &str =
    r#"job="api",instance="bad:6060",service="cart",version="1.2",namespace="shop""#;

/// Writes the alerts of the configuration to a file.
fn alerts(directory: &Path) -> PathBuf {
    let config = directory.join("gotracer.yml");
    fs::write(&config, CONFIG).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_gotracer"));
    command.args(["rules", "--format", "prometheus", "--config"]);
    let output = command.arg(config).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let alerts = directory.join("custom.yml");
    fs::write(&alerts, output.stdout).unwrap();
    alerts
}

/// Returns the promtool test of a rule. From minute 10 to 59, the rule finds something in every trace. A share of a quarter
/// is exceeded from minute 13, over the last hour, to minute 69, over the last quarter of an hour.
fn case(case: &Case) -> String {
    let Case { name, series, end } = case;
    let mut text = format!(
        "- name: {name}
  interval: 1m
  input_series:
  - {{series: 'gotracer_traces_total{{{TARGET}}}', values: 0+1x240}}
  - {{series: 'gotrace_findings_total{{{TARGET},rule=\"{name}\",severity=\"error\"}}', values: 0x9 1+2x49 99x180}}
"
    );
    for (series, values) in *series {
        let series = series.replace("LABELS", &format!("{TARGET},rule=\"{name}\""));
        text += &format!("  - {{series: '{series}', values: {values}}}\n");
    }
    text += &format!(
        "  alert_rule_test:
  - {{eval_time: 21m, alertname: {name}}}
  - eval_time: 25m
    alertname: {name}
    exp_alerts:
    - exp_labels: {{severity: warning, custom_rule: 'true', rule: {name}, job: api, instance: 'bad:6060', service: cart, \
         version: '1.2', namespace: shop}}
      exp_annotations:
        summary: {name} has findings in shop/cart
        description: >-
          In 64% of the latest traces of shop/cart (job api, instance bad:6060, version 1.2),
          the custom rule {name} had findings (severity error).
          {end}
        runbook_url: https://github.com/gotracer/gotracer/blob/main/docs/custom-rules.md
  promql_expr_test:
"
    );
    let firing = format!("count(ALERTS{{alertname='{name}',alertstate='firing'}})");
    for (minute, samples) in [(69, "{value: 1}"), (185, "{value: 1}"), (195, "")] {
        text += &format!(
            "  - {{expr: \"{firing}\", eval_time: {minute}m, exp_samples: [{samples}]}}\n"
        );
    }
    text
}

#[test]
fn the_alert_of_a_custom_rule_fires_and_keeps_firing() {
    let scratch = Scratch::new();
    let alerts = alerts(scratch.path());
    let recording = repository("config/prometheus/recording.yml");
    let lint = ["check", "rules", "--lint=all", "--lint-fatal"];
    promtool(&lint, &[recording.clone(), alerts.clone()]);
    let tests = scratch.path().join("tests.yml");
    let cases: String = CASES.iter().map(case).collect();
    let text = format!(
        "rule_files: {:?}
evaluation_interval: 1m
group_eval_order: [gotracer.findings.rare, gotracer.findings, gotracer.versions, gotracer.custom_rules]
tests:
{cases}",
        [recording, alerts]
    );
    fs::write(&tests, text).unwrap();
    promtool(&["test", "rules"], &[tests]);
}
