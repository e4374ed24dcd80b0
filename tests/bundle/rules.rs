//! The rules for Prometheus and their runbooks: that they fit to gotracer's own
//! rules and to each other, and what promtool says of them.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use gotracer::rules::{Preset, RULES, Rule};
use regex::Regex;
use serde_json::Value;

use crate::boards::list;
use crate::support::daemon::{installed, program, prometheus_3};
use crate::{read, repository};

pub(crate) const FILES: [&str; 2] = [
    "config/prometheus/recording.yml",
    "config/prometheus/alerts.yml",
];

/// What a runbook has to tell, in this order.
const CHAPTERS: [&str; 4] = ["## What it means", "## Confirm", "## Fix", "## Silence"];

/// A rule of one of the files.
pub(crate) struct PrometheusRule {
    /// Of the alert or of the recorded series.
    pub name: String,
    pub alert: bool,
    pub expr: String,
    json: Value,
}

/// All rules of both files.
pub(crate) fn all() -> Vec<PrometheusRule> {
    let mut rules = Vec::new();
    for file in FILES {
        let parsed: Value = serde_saphyr::from_str(&read(file)).unwrap();
        for rule in list(&parsed["groups"])
            .iter()
            .flat_map(|g| list(&g["rules"]))
        {
            let alert = rule["alert"].as_str();
            let name = alert.or(rule["record"].as_str()).unwrap();
            rules.push(PrometheusRule {
                name: name.into(),
                alert: alert.is_some(),
                expr: rule["expr"].as_str().unwrap().into(),
                json: rule.clone(),
            });
        }
    }
    rules
}

fn alerts() -> impl Iterator<Item = PrometheusRule> {
    all().into_iter().filter(|rule| rule.alert)
}

fn alert(name: &str) -> PrometheusRule {
    let found = alerts().find(|alert| alert.name == name);
    found.unwrap_or_else(|| panic!("no alert {name}"))
}

/// Runs the promtool of Prometheus 3, or the one in PATH.
pub(crate) fn promtool(arguments: &[&str], files: &[PathBuf]) {
    if let Some(promtool) = program("promtool") {
        run(&promtool, arguments, files);
    }
}

fn run(promtool: &Path, arguments: &[&str], files: &[PathBuf]) {
    let output = Command::new(promtool)
        .args(arguments)
        .args(files)
        .output()
        .unwrap();
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    assert!(output.status.success(), "{said}");
    assert!(
        said.contains("SUCCESS") && !said.contains("FAILED"),
        "{said}"
    );
}

#[test]
fn promtool_takes_the_rules() {
    promtool(
        &["check", "rules", "--lint=all", "--lint-fatal"],
        &FILES.map(repository),
    );
}

/// alerts.yml says that 2.42 is enough; Debian's promtool is that version.
#[test]
fn the_oldest_promtool_takes_the_rules() {
    let Some(promtool) = installed("promtool") else {
        return;
    };
    run(&promtool, &["check", "rules"], &FILES.map(repository));
    let cases = repository("tests/bundle/alerts/rules.yml");
    run(&promtool, &["test", "rules"], &[cases]);
}

#[test]
fn each_alert_is_pending_fires_and_resolves() {
    let tests = fs::read_dir(repository("tests/bundle/alerts")).unwrap();
    let tests: Vec<_> = tests.map(|file| file.unwrap().path()).collect();
    let mut fires = BTreeSet::new();
    let mut quiet = BTreeSet::new();
    for file in &tests {
        let parsed: Value = serde_saphyr::from_str(&fs::read_to_string(file).unwrap()).unwrap();
        for case in list(&parsed["tests"])
            .iter()
            .flat_map(|t| list(&t["alert_rule_test"]))
        {
            let name = case["alertname"].as_str().unwrap().to_owned();
            let several = if list(&case["exp_alerts"]).is_empty() {
                &mut quiet
            } else {
                &mut fires
            };
            several.insert(name);
        }
    }
    let names: BTreeSet<_> = alerts().map(|alert| alert.name).collect();
    assert_eq!(fires, names);
    assert_eq!(quiet, names);
    // Samples of native histograms are new in promtool 3.
    let old = prometheus_3("promtool").is_none();
    let tests = tests.into_iter();
    let known = tests.filter(|path| !old || !path.ends_with("native.yml"));
    promtool(&["test", "rules"], &known.collect::<Vec<_>>());
}

#[test]
fn each_rule_of_gotracer_has_its_alert() {
    for rule in RULES {
        let alert = alert(rule.name);
        let selected = format!("rule=\"{}\"", rule.name);
        assert_eq!(alert.expr.matches(&selected).count(), 2, "{}", rule.name);
    }
    // And no alert asks for a rule that there is not.
    let named = Regex::new("rule=\"([^\"]+)\"").unwrap();
    for alert in alerts() {
        for name in named.captures_iter(&alert.expr) {
            assert!(Rule::find(&name[1]).is_some(), "{}", alert.name);
        }
    }
}

#[test]
fn trends_have_the_thresholds_of_their_rules() {
    // The numbers behind the comparisons, in their order.
    let limit = |alert: &PrometheusRule, nth: usize| -> f64 {
        let behind = alert.expr.split(" > ").nth(nth + 1).unwrap();
        let factors = behind.lines().next().unwrap().split('*');
        factors.map(|f| f.trim().parse::<f64>().unwrap()).product()
    };
    for (name, rule) in [
        ("GoroutineLeakTrend", "GoroutineLeakGrowth"),
        ("HeapGrowthTrend", "HeapGrowthSpike"),
    ] {
        let alert = alert(name);
        let warn = Rule::find(rule).unwrap().thresholds[Preset::Service as usize].warn;
        assert_eq!(limit(&alert, 0), warn.value as f64, "{name}");
        // The rule on the heap has none; its trend takes that of goroutines.
        let percent = warn.percent.unwrap_or(25.0);
        assert_eq!(limit(&alert, 1), 1.0 + percent / 100.0, "{name}");
    }
}

#[test]
fn each_alert_says_what_a_person_needs() {
    for alert in alerts() {
        let name = &alert.name;
        let said = |path: &str| {
            alert
                .json
                .pointer(path)
                .and_then(Value::as_str)
                .unwrap_or_default()
        };
        assert!(!said("/for").is_empty(), "{name} has no for");
        let severity = said("/labels/severity");
        let known = severity.contains("warning") || severity == "info";
        assert!(known, "{name}: {severity}");
        assert!(said("/annotations/summary").len() > 10, "{name}");
        let description = said("/annotations/description");
        // All have a value to tell but the one without a series and the one whose
        // value is 0.
        let told = description.contains("{{ $value") || description.contains("| value |");
        let without = ["GotracerAbsent", "GotracerDirectoryDown", "ExtremeFinding"];
        assert!(
            told || without.contains(&name.as_str()),
            "{name} does not tell the value"
        );
        let runbook = said("/annotations/runbook_url");
        assert!(
            runbook.ends_with(&format!("/docs/runbooks/{name}.md")),
            "{name}: {runbook}"
        );
    }
}

#[test]
fn each_alert_has_its_runbook_and_each_runbook_its_alert() {
    let names: BTreeSet<_> = alerts().map(|alert| format!("{}.md", alert.name)).collect();
    let files = fs::read_dir(repository("docs/runbooks")).unwrap();
    let files = files.map(|file| file.unwrap().file_name().into_string().unwrap());
    let mut books: BTreeSet<_> = files.collect();
    assert!(books.remove("README.md"));
    assert_eq!(books, names);
    let index = read("docs/runbooks/README.md");
    let links = Regex::new(r"\]\(([^):#]+)").unwrap();
    for book in &books {
        assert!(
            index.contains(&format!("]({book})")),
            "README.md lacks {book}"
        );
        let text = read(&format!("docs/runbooks/{book}"));
        assert!(!text.contains("TODO"), "{book} is not written yet");
        let name = book.trim_end_matches(".md");
        assert!(text.starts_with(&format!("# {name}\n")), "{book}");
        let chapters: Vec<_> = text.lines().filter(|l| l.starts_with("## ")).collect();
        assert_eq!(chapters, CHAPTERS, "{book}");
        for link in links.captures_iter(&text) {
            let to = repository("docs/runbooks").join(&link[1]);
            assert!(to.exists(), "{book}: {}", &link[1]);
        }
    }
}
