//! How often alerts notify if findings come and go: promtool evaluates the
//! shipped rules over days of captures.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::fs;
use std::process::Command;

use gotracer::rules::{RULES, Rule};

use crate::repository;
use crate::support::daemon::{Scratch, program};
use crate::support::random::Random;

const DAYS: u32 = 2;
/// Captures, one a minute.
const CAPTURES: u32 = DAYS * 24 * 60;
/// The most notifications a day.
const MOST: u32 = 4;

/// Captures in which something is found, `percent` of all at random; the same
/// ones in each run.
fn findings(percent: u64) -> impl Iterator<Item = bool> {
    let mut random = Random(0x9E37_79B9_7F4A_7C15);
    (0..CAPTURES).map(move |_| (random.next() >> 33) % 100 < percent)
}

/// A promtool test of rules: how often each alert began to fire.
fn cases(percent: u64, rules: &[&Rule]) -> String {
    let files = ["recording", "alerts"].map(|f| repository(&format!("config/prometheus/{f}.yml")));
    let mut text = format!(
        "rule_files: {files:?}\nevaluation_interval: 1m\ntests:\n- interval: 1m\n  input_series:\n"
    );
    let mut samples = String::new();
    let mut found = 0;
    for finding in findings(percent) {
        found += u32::from(finding);
        write!(samples, "{found} ").unwrap();
    }
    let target = r#"job="api",instance="a:6060""#;
    let mut series = |name: &str, labels: &str, values: &str| {
        writeln!(
            text,
            "  - {{series: '{name}{{{target}{labels}}}', values: {values}}}"
        )
        .unwrap();
    };
    series("gotracer_traces_total", "", &format!("0+1x{CAPTURES}"));
    for rule in rules {
        let labels = format!(r#",rule="{}",severity="warn""#, rule.name);
        series("gotrace_findings_total", &labels, &samples);
    }
    text += "  promql_expr_test:\n";
    for rule in rules {
        let firing = format!("ALERTS{{alertname='{}',alertstate='firing'}}", rule.name);
        let begins = format!("count_over_time(({firing} unless {firing} offset 1m)[{DAYS}d:1m])");
        writeln!(
            text,
            "  - {{expr: \"sum({begins} or vector(0)) <= bool {}\", eval_time: {DAYS}d, exp_samples: [{{value: 1}}]}}",
            MOST * DAYS
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
    let all: Vec<_> = RULES.into_iter().collect();
    let mut runs = vec![(15, all.clone()), (30, all.clone())];
    // At its share of captures, the condition of an alert comes and goes most often.
    let shares: BTreeSet<_> = all.iter().map(|rule| rule.alert.percent).collect();
    for share in shares {
        let of = all.iter().filter(|rule| rule.alert.percent == share);
        runs.push((u64::from(share), of.copied().collect()));
    }
    for (percent, rules) in runs {
        let path = scratch.path().join(format!("{percent}.yml"));
        fs::write(&path, cases(percent, &rules)).unwrap();
        let output = Command::new(&promtool)
            .args(["test", "rules"])
            .arg(&path)
            .output()
            .unwrap();
        let text = [output.stdout, output.stderr].concat();
        assert!(
            output.status.success(),
            "{percent} %: {}",
            String::from_utf8_lossy(&text)
        );
    }
}
