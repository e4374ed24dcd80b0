//! How often alerts notify if findings come and go: promtool evaluates the
//! shipped rules over a day of captures.

use std::fmt::Write;
use std::fs;
use std::process::Command;

use gotracer::rules::{RULES, Rule};

use crate::repository;
use crate::support::daemon::{Scratch, program};
use crate::support::random::Random;

/// Captures, one a minute for a day.
const CAPTURES: u32 = 24 * 60;
/// The most notifications.
const MOST: u32 = 4;

/// Captures in which something is found, `percent` of all at random; the same
/// ones in each run.
fn findings(percent: u64) -> impl Iterator<Item = bool> {
    let mut random = Random(0x9E37_79B9_7F4A_7C15);
    (0..CAPTURES).map(move |_| (random.next() >> 33) % 100 < percent)
}

/// A promtool test of all rules: how often each alert began to fire. `percent` of a rule's captures have its finding.
fn cases(percent: impl Fn(&Rule) -> u64) -> String {
    let files = ["recording", "alerts"].map(|f| repository(&format!("config/prometheus/{f}.yml")));
    let mut text = format!(
        "rule_files: {files:?}\nevaluation_interval: 1m\ntests:\n- interval: 1m\n  input_series:\n"
    );
    let target = r#"job="api",instance="a:6060""#;
    let mut series = |name: &str, labels: &str, values: &str| {
        writeln!(
            text,
            "  - {{series: '{name}{{{target}{labels}}}', values: {values}}}"
        )
        .unwrap();
    };
    series("gotracer_traces_total", "", &format!("0+1x{CAPTURES}"));
    for rule in RULES {
        let mut samples = String::new();
        let mut found = 0;
        for finding in findings(percent(rule)) {
            found += u32::from(finding);
            write!(samples, "{found} ").unwrap();
        }
        let labels = format!(r#",rule="{}",severity="warn""#, rule.name);
        series("gotrace_findings_total", &labels, &samples);
    }
    text += "  promql_expr_test:\n";
    for rule in RULES {
        let firing = format!("ALERTS{{alertname='{}',alertstate='firing'}}", rule.name);
        let begins = format!("count_over_time(({firing} unless {firing} offset 1m)[1d:1m])");
        writeln!(
            text,
            "  - {{expr: \"sum({begins} or vector(0)) <= bool {MOST}\", eval_time: 1d, exp_samples: [{{value: 1}}]}}"
        )
        .unwrap();
    }
    text
}

#[test]
fn alerts_notify_at_most_four_times_a_day() {
    let Some(promtool) = program("promtool") else {
        return;
    };
    let scratch = Scratch::new();
    let runs = [
        ("15 %", cases(|_| 15)),
        ("30 %", cases(|_| 30)),
        // There the condition of an alert comes and goes most often.
        ("its own share", cases(|rule| rule.alert.percent.into())),
    ];
    for (percent, cases) in runs {
        let path = scratch.path().join("cases.yml");
        fs::write(&path, cases).unwrap();
        let output = Command::new(&promtool)
            .args(["test", "rules"])
            .arg(&path)
            .output()
            .unwrap();
        let text = [output.stdout, output.stderr].concat();
        assert!(
            output.status.success(),
            "{percent}: {}",
            String::from_utf8_lossy(&text)
        );
    }
}
