//! The whole exposition, compared with files in tests/golden. To accept a
//! change: UPDATE_GOLDEN=1 cargo test --test exposition
#![cfg(feature = "daemon")]

use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use gotracer::export::prometheus::{Exporter, Format};
use gotracer::labels::Labels;
use gotracer::report::{
    Distribution, Finding, Frame, Report, RuleReport, Severity, Status, TraceInfo,
};
use gotracer::rules::{RULES, Rule};

fn distribution(values: &[u64]) -> Distribution {
    let mut distribution = Distribution::default();
    values.iter().for_each(|&v| distribution.record(v));
    distribution
}

fn rule_report(rule: &'static Rule) -> RuleReport {
    let (values, by_reason): (&[u64], &[(&str, &[u64])]) = match rule.name {
        "GCPauseSpike" => (
            &[20_000, 6_000_000],
            &[
                ("GC mark termination", &[6_000_000]),
                ("GC sweep termination", &[20_000]),
                ("read mem stats", &[0, 1]),
            ],
        ),
        "MutexContention" => (&[1 << 20, (1 << 20) + 1, 70_000_000_000], &[]),
        "HeapGrowthSpike" => (&[120 << 20], &[]),
        "GoroutineLeakGrowth" => (&[1, 130], &[]),
        _ => (&[], &[]),
    };
    RuleReport {
        rule,
        status: Status::Ok,
        reason: None,
        measurement: distribution(values),
        by_reason: by_reason
            .iter()
            .map(|(reason, values)| (reason.to_string(), distribution(values)))
            .collect(),
    }
}

fn finding(rule: &str, severity: Severity) -> Finding {
    let place = Frame {
        function: "example.com/api.(*Server).handle".into(),
        file: "server.go".into(),
        line: 42,
    };
    Finding {
        id: "3f2a".into(),
        rule: Rule::find(rule).unwrap(),
        severity,
        count: 3,
        open: 0,
        worst: 6_000_000,
        total: 9_000_000,
        threshold: 5_000_000,
        first_ns: 0,
        last_ns: 1,
        first_time: Some("2026-11-23T10:00:00.5Z".parse().unwrap()),
        message: String::new(),
        suggestion: String::new(),
        goroutines: vec![1],
        stack: vec![place.clone()],
        place,
        cause: None,
    }
}

fn report() -> Report {
    Report {
        trace: TraceInfo {
            source: "a.trace".into(),
            go_version: Some("1.26".into()),
            start_time: None,
            duration_ns: 5_000_000_000,
            generations: 5,
            events: 1000,
            bytes: 20_000,
            lost_bytes: 17,
            gomaxprocs: Some(4),
            error: None,
        },
        rules: RULES.into_iter().map(rule_report).collect(),
        findings: vec![
            finding("GCPauseSpike", Severity::Warn),
            finding("MutexContention", Severity::Error),
        ],
    }
}

fn exporter() -> Exporter {
    let exporter = Exporter::new(&["not_a_trace", "broke_off"]);
    let api = Labels::new()
        .with("job", "api \"v\\1\"")
        .with("version", "1.2.3")
        .with("rule", "theirs")
        .with("__address__", "hidden:6060");
    let at = SystemTime::UNIX_EPOCH + Duration::from_millis(1_795_428_000_250);
    exporter.add(&Labels::new());
    exporter.record(&api, &report(), Duration::from_millis(40), at);
    exporter.failed(&api, "broke_off");
    exporter.set_queue_length(2);
    exporter
}

fn compare(name: &str, format: Format) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden")
        .join(name);
    let found = String::from_utf8(exporter().encode(format).unwrap()).unwrap();
    let version = format!("version=\"{}\"", env!("CARGO_PKG_VERSION"));
    let found = found.replace(&version, "version=\"X\"");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, &found).unwrap();
    }
    let wanted = std::fs::read_to_string(&path).unwrap_or_default();
    for (i, (found, wanted)) in found.lines().zip(wanted.lines()).enumerate() {
        assert_eq!(found, wanted, "{name}:{}", i + 1);
    }
    assert_eq!(found.len(), wanted.len(), "{name}");
}

#[test]
fn prometheus_text() {
    compare("metrics.txt", Format::Text);
}

#[test]
fn openmetrics_text() {
    compare("metrics.openmetrics.txt", Format::OpenMetrics);
}

#[test]
fn a_forgotten_target_is_gone() {
    let exporter = exporter();
    let series = |e: &Exporter| {
        let text = String::from_utf8(e.encode(Format::Text).unwrap()).unwrap();
        text.lines()
            .filter(|l| l.contains("version=\"1.2.3\""))
            .count()
    };
    assert!(series(&exporter) > 100);
    for labels in exporter.known() {
        exporter.forget(&labels);
    }
    assert_eq!(series(&exporter), 0);
}
