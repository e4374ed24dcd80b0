//! The whole exposition, compared with files in tests/golden. To accept a
//! change: UPDATE_GOLDEN=1 cargo test --test exposition
#![cfg(feature = "daemon")]

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, SystemTime};

use gotracer::evidence::{Lost, Stats};
use gotracer::export::catalog::server::ServerStats;
use gotracer::export::prometheus::{Encoding, Escaping, Format, encode};
use gotracer::export::{Metrics, Settings};
use gotracer::labels::Labels;
use gotracer::releases::Releases;
use gotracer::report::{
    Creations, Distribution, Finding, Frame, Gc, GoroutineGroup, Goroutines, Life,
    MinimumUtilization, Pressure, Program, Region, Report, Request, RuleReport, Severity, Status,
    Task, TraceInfo,
};
use gotracer::rules::{RULES, Rule};
use gotracer::timeline::{State, StateVector};
use prometheus_client::encoding::prometheus_protobuf::prometheus_data_model::MetricFamily;
use proptest::prelude::*;
use prost::Message;

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
        thresholds: None,
        status: Status::Ok,
        reason: None,
        measurement: distribution(values),
        spread: None,
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
        worst_at_ns: 250_000_000,
        worst_for_ns: 6_000_000,
        total: 9_000_000,
        threshold: 5_000_000,
        first_ns: 0,
        last_ns: 1,
        first_time: Some("2026-11-23T10:00:00.25Z".parse().unwrap()),
        worst_time: Some("2026-11-23T10:00:00.5Z".parse().unwrap()),
        message: String::new(),
        suggestion: String::new(),
        goroutines: vec![1],
        stack: vec![place.clone()],
        place,
        phase: None,
        places: Vec::new(),
        more_places: 0,
        cause: None,
    }
}

fn creations(function: &str, created: u64, exited: u64) -> Creations {
    Creations {
        place: Frame {
            function: format!("example.com/api.{function}"),
            file: "/src/server.go".into(),
            line: 7,
        },
        created,
        exited,
    }
}

/// Goroutines that wait for the network for so long.
fn group(function: &str, ns: u64) -> GoroutineGroup {
    let mut states = [0; State::ALL.len()];
    states[State::Network.index()] = ns;
    states[State::Running.index()] = ns / 8;
    GoroutineGroup {
        function: format!("example.com/api.{function}"),
        system: false,
        count: 1,
        alive: 1,
        life: Life::default(),
        time: StateVector::from_values(states, 0, [0; 3]),
        worst: None,
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
            warning: None,
        },
        program: Program {
            goroutines: Goroutines {
                start: 10,
                end: 12,
                peak: 99,
                created: 1_000,
                exited: 998,
                places: vec![creations("leak", 5, 0), creations("serve", 995, 994)],
            },
            heap_live_bytes: Some(60 << 20),
            heap_goal_bytes: Some(120 << 20),
            heap_peak_bytes: Some(130 << 20),
            time: StateVector::default(),
            sched_pressure: Some(Pressure {
                some_ns: 1_500_000_000,
                full_ns: 250_000_000,
            }),
            gc: Some(Gc {
                cpu_ratio: 0.125,
                cpu_ratio_with_idle: 0.25,
                minimum_utilization: [(1, 0.0), (10, 0.25), (100, 0.5), (1000, 0.75)]
                    .map(|(ms, ratio)| MinimumUtilization {
                        window_ns: ms * 1_000_000,
                        ratio,
                    })
                    .into(),
                ..Gc::default()
            }),
        },
        waits: Vec::new(),
        goroutines: vec![group("serve", 3_000_000_000), group("poll", 2_000_000_000)],
        rules: RULES.into_iter().map(rule_report).collect(),
        suppressed: Vec::new(),
        tasks: Vec::new(),
        regions: Vec::new(),
        requests: Vec::new(),
        cpu_samples: None,
        known: 0,
        evidence: None,
        findings: vec![
            finding("GCPauseSpike", Severity::Warn),
            finding("MutexContention", Severity::Error),
        ],
        course: None,
        moments: Vec::new(),
    }
}

/// A version after another, the second of which leaks.
fn releases() -> Releases {
    let releases = Releases::default();
    releases.configure(gotracer::releases::Settings {
        warmup: Duration::ZERO,
        // What is compared was captured long ago.
        current_for: Duration::from_secs(u32::MAX.into()),
        ..Default::default()
    });
    for (version, leak) in [("1.2.2", 0), ("1.3.0", 40)] {
        let target = Labels::new()
            .with("service", "shop \"x\"")
            .with("version", version);
        for minute in 0..10 {
            let mut report = report();
            report.program.goroutines.end += leak * minute;
            let after = Duration::from_secs(60 * minute + 600 * u64::from(leak > 0));
            let at = SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_428_000) + after;
            releases.record(&target, &report, at);
        }
    }
    releases.settle(|_| gotracer::rules::Settings::default());
    releases
}

fn exporter() -> Metrics {
    let releases = releases();
    let kept = Stats::default();
    kept.on.store(true, Ordering::Relaxed);
    kept.kept.store(3, Ordering::Relaxed);
    kept.lose(Lost::Quota, 1);
    kept.waiting_bytes.store(20_000, Ordering::Relaxed);
    let server = ServerStats::default();
    server.connections.store(5, Ordering::Relaxed);
    server.evicted.store(2, Ordering::Relaxed);
    let exporter = Metrics::new(&["not_a_trace", "broke_off"])
        .with_server(Arc::new(server))
        .with_evidence(Arc::new(kept));
    let exporter = exporter.with_releases(move || releases.running());
    let api = Labels::new()
        .with("job", "api \"v\\1\"")
        .with("version", "1.2.3")
        .with("rule", "theirs")
        .with("__address__", "hidden:6060");
    let at = SystemTime::UNIX_EPOCH + Duration::from_millis(1_795_428_000_250);
    exporter.configure(Settings {
        goroutine_places: 1,
        goroutine_functions: 1,
        ..Settings::default()
    });
    exporter.add(&Labels::new());
    exporter.record(&api, &report(), Duration::from_millis(40), at);
    exporter.failed(&api, "broke_off");
    exporter.set_queue_length(2);
    exporter.set_memory(512 << 20, 64 << 20);
    exporter.set_shard(2, 3);
    exporter
}

fn compare(name: &str, format: Format) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden")
        .join(name);
    let found = String::from_utf8(encode(&exporter(), Encoding::of(format)).unwrap()).unwrap();
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

/// All families of the protobuf exposition.
fn protobuf(exporter: &Metrics) -> Vec<MetricFamily> {
    let body = encode(exporter, Encoding::of(Format::Protobuf)).unwrap();
    let mut rest = &body[..];
    let mut families = Vec::new();
    while !rest.is_empty() {
        families.push(MetricFamily::decode_length_delimited(&mut rest).unwrap());
    }
    families
}

#[test]
fn protobuf_has_what_the_text_has_and_when_it_began() {
    let exporter = exporter();
    let text = encode(&exporter, Encoding::of(Format::Text)).unwrap();
    let text = String::from_utf8(text).unwrap();
    let kinds = ["counter", "gauge", "summary", "untyped", "histogram"];
    let heads: Vec<_> = protobuf(&exporter)
        .iter()
        .map(|f| format!("# TYPE {} {}", f.name, kinds[f.r#type as usize]))
        .collect();
    let wanted: Vec<_> = text.lines().filter(|l| l.starts_with("# TYPE")).collect();
    assert_eq!(heads, wanted);
    let (mut lines, mut began) = (0, 0);
    for metric in protobuf(&exporter).iter().flat_map(|f| &f.metric) {
        lines += 1;
        if let Some(counter) = &metric.counter {
            assert!(counter.start_timestamp.is_some(), "{metric:?}");
            began += 1;
        }
        if let Some(histogram) = &metric.histogram {
            assert!(histogram.start_timestamp.is_some(), "{metric:?}");
            began += 1;
            lines += histogram.bucket.len() + 1;
        }
    }
    let samples = text.lines().filter(|l| !l.starts_with('#'));
    assert_eq!(lines, samples.count());

    // In OpenMetrics each is a line, if it is asked for.
    let created = |exporter: &Metrics| {
        let body = encode(exporter, Encoding::of(Format::OpenMetrics)).unwrap();
        let text = String::from_utf8(body).unwrap();
        text.lines().filter(|l| l.contains("_created")).count()
    };
    assert_eq!(created(&exporter), 0);
    exporter.configure(Settings {
        created_series: true,
        goroutine_places: 1,
        goroutine_functions: 1,
        ..Settings::default()
    });
    assert_eq!(created(&exporter), began);
}

#[test]
fn a_clock_that_is_ahead_freezes_no_gauges() {
    let exporter = Metrics::new(&[]);
    let labels = Labels::new();
    let at = SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_428_000);
    for (goroutines, made) in [
        (1, "2026-11-23T09:00:00Z"),
        (2, "2036-11-23T09:00:00Z"),
        (3, "2026-11-23T09:30:00Z"),
    ] {
        let mut report = report();
        report.trace.start_time = Some(made.parse().unwrap());
        report.program.goroutines.end = goroutines;
        exporter.record(&labels, &report, Duration::ZERO, at);
        let text = encode(&exporter, Encoding::of(Format::Text)).unwrap();
        let text = String::from_utf8(text).unwrap();
        assert!(text.contains(&format!("\ngotrace_goroutines {goroutines}\n")));
    }
}

type Pairs = Vec<(String, String)>;

/// A sample's name, labels and the rest of its line.
fn sample(line: &str) -> Option<(&str, Pairs, &str)> {
    let end = line.find(['{', ' '])?;
    let (name, mut rest) = line.split_at(end);
    let mut labels = Vec::new();
    if let Some(inner) = rest.strip_prefix('{') {
        rest = inner;
        loop {
            let (label, after) = match rest.starts_with('"') {
                true => quoted(rest)?,
                false => {
                    let (name, _) = rest.split_once('=')?;
                    let legacy = name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
                    if !legacy || name.is_empty() || name.as_bytes()[0].is_ascii_digit() {
                        return None;
                    }
                    (name.to_owned(), &rest[name.len()..])
                }
            };
            let (value, after) = quoted(after.strip_prefix('=')?)?;
            labels.push((label, value));
            rest = &after[1..];
            match after.as_bytes()[0] {
                b',' => {}
                b'}' => break,
                _ => return None,
            }
        }
    }
    Some((name, labels, rest.strip_prefix(' ')?))
}

/// A text in quotes, and what follows it.
fn quoted(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut chars = text.strip_prefix('"')?.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Some((value, &text[at + 2..])),
            '\n' => return None,
            '\\' => value.push(match chars.next()?.1 {
                'n' => '\n',
                c @ ('"' | '\\') => c,
                _ => return None,
            }),
            c => value.push(c),
        }
    }
    None
}

/// Reads a text as strictly as a scraper.
fn read(text: &str, escaping: Escaping) {
    let mut all = HashSet::new();
    for line in text.split_terminator('\n').filter(|l| !l.starts_with('#')) {
        let (name, mut labels, value) = sample(line).unwrap_or_else(|| panic!("{line:?}"));
        let number = value.split(' ').next().unwrap();
        assert!(number.parse::<f64>().is_ok(), "{line:?}");
        labels.sort();
        for pair in labels.windows(2) {
            assert_ne!(pair[0].0, pair[1].0, "{line:?}");
        }
        for (name, _) in &labels {
            let plain = escaping == Escaping::AllowUtf8 || !line.contains(&format!("\"{name}\"="));
            assert!(plain && !name.starts_with("__"), "{line:?}");
        }
        assert!(all.insert((name.to_owned(), labels)), "twice: {line:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    /// Labels come from files, servers, clusters and file names of others.
    #[test]
    fn any_labels_make_an_exposition_that_scrapers_read(
        targets in proptest::collection::vec(
            proptest::collection::btree_map(
                "[a-b._:-]{0,3}|rule|le|quantile|(exported_){1,2}(rule|le)|__name__|U__a|\\PC{0,4}|[\\x00-\\x20\"\\\\]{1,3}",
                "[a-b]{0,1}|\\PC{0,4}|[\\x00-\\x20\"\\\\]{1,3}",
                0..6,
            ),
            1..5,
        )
    ) {
        let exporter = Metrics::new(&["broke_off"]);
        exporter.configure(Settings {
            goroutine_places: 2,
            created_series: true,
            disabled_families: vec!["gotrace_*_seconds".into()],
            ..Settings::default()
        });
        for labels in targets {
            let labels: Labels = labels.into_iter().collect();
            exporter.record(&labels, &report(), Duration::ZERO, SystemTime::UNIX_EPOCH);
        }
        for escaping in [
            Escaping::AllowUtf8,
            Escaping::Underscores,
            Escaping::Dots,
            Escaping::Values,
        ] {
            for format in [Format::Text, Format::OpenMetrics] {
                let body = encode(&exporter, Encoding { format, escaping }).unwrap();
                read(std::str::from_utf8(&body).unwrap(), escaping);
            }
        }
        let mut all = HashSet::new();
        for family in protobuf(&exporter) {
            for metric in family.metric {
                let mut labels: Vec<_> = metric.label.into_iter().map(|l| (l.name, l.value)).collect();
                labels.sort();
                prop_assert!(labels.windows(2).all(|pair| pair[0].0 != pair[1].0));
                prop_assert!(all.insert((family.name.clone(), labels)));
            }
        }
    }
}

#[test]
fn a_forgotten_target_is_gone() {
    let exporter = exporter();
    let series = |e: &Metrics| {
        let text = String::from_utf8(encode(e, Encoding::of(Format::Text)).unwrap()).unwrap();
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

/// The samples of the recorded target.
fn samples(exporter: &Metrics) -> Vec<String> {
    let text = String::from_utf8(encode(exporter, Encoding::of(Format::Text)).unwrap()).unwrap();
    let samples = text.lines().filter(|l| l.contains("job=\"api"));
    samples.map(str::to_owned).collect()
}

#[test]
fn releases_can_be_told_apart_in_everything_that_a_target_has() {
    let samples = samples(&exporter());
    assert!(samples.len() > 200);
    for sample in samples {
        assert!(sample.contains("version=\"1.2.3\""), "{sample}");
    }
}

#[test]
fn what_is_switched_off_is_gone_and_the_rest_is_as_it_was() {
    let exporter = exporter();
    let before = samples(&exporter);
    exporter.configure(Settings {
        disabled_families: vec!["gotrace_*_seconds".into(), "gotracer_traces_total".into()],
        goroutine_places: 1,
        goroutine_functions: 1,
        ..Settings::default()
    });
    let after = samples(&exporter);
    let off = |sample: &&String| {
        let histogram = sample.starts_with("gotrace_") && sample.contains("_seconds_");
        histogram && !sample.contains("_seconds_total")
            || sample.starts_with("gotracer_traces_total")
    };
    let wanted: Vec<_> = before.iter().filter(|s| !off(s)).collect();
    assert!(wanted.len() < before.len() * 2 / 3);
    assert_eq!(after.iter().collect::<Vec<_>>(), wanted);
    for format in [Format::OpenMetrics, Format::Protobuf] {
        let body = encode(&exporter, Encoding::of(format)).unwrap();
        let body = String::from_utf8_lossy(&body);
        assert!(!body.contains("gotrace_gc_pause") && body.contains("gotrace_heap_growth"));
    }
}

#[test]
fn a_target_has_no_more_series_than_allowed() {
    let exporter = Metrics::new(&["broke_off"]);
    let settings = Settings {
        series_limit: 350,
        series_soft_limit: 0,
        goroutine_places: 5,
        ..Settings::default()
    };
    settings.check().unwrap();
    exporter.configure(settings);
    let labels = Labels::new().with("job", "api");
    let mut report = report();
    let many = (0..100).map(|i| (format!("reason {i}"), distribution(&[i])));
    report.rules[0].by_reason = many.collect();
    for _ in 0..2 {
        exporter.record(&labels, &report, Duration::ZERO, SystemTime::UNIX_EPOCH);
    }
    let samples = samples(&exporter);
    assert!(samples.len() <= 350, "{}", samples.len());
    let find = |name: &str| samples.iter().find(|s| s.starts_with(name));
    let kept = find("gotrace_stop_the_world_seconds_count{job=\"api\",reason=\"reason 0\"}");
    assert!(kept.unwrap().ends_with(" 2"), "{kept:?}");
    let dropped = find("gotracer_dropped_series_total").unwrap();
    assert!(!dropped.ends_with(" 0"), "{dropped}");
}

#[test]
fn a_target_has_at_most_450_classic_series_by_default() {
    let labels = Labels::new().with("job", "api");
    let recorded = |soft: usize, reasons: usize| {
        let metrics = Metrics::new(&REASONS);
        metrics.configure(Settings {
            series_soft_limit: soft,
            ..Settings::default()
        });
        metrics.add(&labels);
        let start = samples(&metrics).len();
        let report = everything(reasons);
        metrics.record(&labels, &report, Duration::ZERO, SystemTime::UNIX_EPOCH);
        let all = samples(&metrics);
        println!(
            "{start} series at start, {} with {reasons} reasons",
            all.len()
        );
        let dropped = "gotracer_dropped_series_total{job=\"api\"} 0";
        assert!(all.iter().any(|s| s == dropped));
        all
    };
    let values = |samples: &[String], family: &str| {
        let count = format!("{family}_seconds_count{{");
        samples.iter().filter(|s| s.starts_with(&count)).count()
    };
    let others = |samples: &[String]| {
        let of = samples.iter().filter(|s| s.contains("=\"other\"}"));
        of.filter(|s| s.contains("_count{") && !s.contains("gotrace_wait"))
            .count()
    };
    let soft = Settings::default().series_soft_limit;
    // A service with as many reasons as busy ones have, and one with all that there can be.
    for reasons in [8, 40] {
        let samples = recorded(soft, reasons);
        assert!((200..=450).contains(&samples.len()), "{}", samples.len());
        assert_eq!(values(&samples, "gotrace_region"), 0);
    }
    let samples = recorded(soft, 8);
    for (family, least) in [
        ("gotrace_stop_the_world", 8),
        ("gotrace_sched_latency_by_reason", 8),
        ("gotrace_task", 2),
        ("gotrace_request", 11),
    ] {
        assert!(values(&samples, family) >= least, "{family}");
    }
    assert_eq!(others(&samples), 2);
    assert_eq!(others(&recorded(soft, 40)), 4);
    // With more room the first 10 types have series.
    let samples = recorded(2_000, 8);
    assert_eq!(values(&samples, "gotrace_task"), 11);
    assert_eq!(values(&samples, "gotrace_request"), 11);
}

#[test]
fn start_functions_have_series_only_on_request_and_within_the_limit() {
    let labels = Labels::new().with("job", "api");
    let recorded = |goroutine_functions: usize, series_limit: usize| {
        let metrics = Metrics::new(&REASONS);
        metrics.configure(Settings {
            goroutine_functions,
            series_limit,
            ..Settings::default()
        });
        metrics.record(
            &labels,
            &everything(8),
            Duration::ZERO,
            SystemTime::UNIX_EPOCH,
        );
        let all = samples(&metrics);
        let of = |s: &&String| s.starts_with("gotrace_goroutine_by_function_seconds_total{");
        let functions = all.iter().filter(of).cloned().collect::<Vec<_>>();
        (all, functions)
    };
    let (without, none) = recorded(0, 2_000);
    assert!(none.is_empty(), "{none:?}");
    // Two states of each function.
    let (all, functions) = recorded(3, 2_000);
    assert_eq!(functions.len(), 2 * 4, "{functions:?}");
    assert_eq!(all.len(), without.len() + functions.len());
    for label in ["example.com/api.f0", "example.com/api.f2", "other"] {
        let label = format!("function=\"{label}\"");
        assert!(
            functions.iter().any(|s| s.contains(&label)),
            "{functions:?}"
        );
    }
    let (all, functions) = recorded(20, 460);
    assert!(all.len() <= 460 && !functions.is_empty(), "{}", all.len());
    let dropped = all
        .iter()
        .find(|s| s.starts_with("gotracer_dropped_series_total"));
    assert!(!dropped.unwrap().ends_with(" 0"), "{dropped:?}");
}

#[test]
fn types_that_are_silent_for_a_day_give_their_series_back() {
    let metrics = Metrics::new(&[]);
    metrics.configure(Settings {
        series_soft_limit: 0,
        series_limit: 600,
        ..Settings::default()
    });
    let labels = Labels::new().with("job", "api");
    // Ten types a day: without the room of yesterday's, the second week would have none.
    for day in 0..20_u32 {
        let mut report = report();
        report.requests = requests(&format!("day {day}"));
        let at = SystemTime::UNIX_EPOCH + Duration::from_secs(2 * 86_400) * day;
        metrics.record(&labels, &report, Duration::ZERO, at);
        let named = format!("handler=\"day {day} 9\"");
        assert!(
            samples(&metrics).iter().any(|s| s.contains(&named)),
            "{day}"
        );
    }
    let dropped = "gotracer_dropped_series_total{job=\"api\"} 0";
    assert!(samples(&metrics).iter().any(|s| s == dropped));
}

/// A report of a busy program: findings of every rule and severity, reasons, waits, tasks, regions
/// and requests.
fn everything(reasons: usize) -> Report {
    let mut report = report();
    report.findings = RULES
        .into_iter()
        .flat_map(|rule| Severity::ALL.map(|severity| finding(rule.name, severity)))
        .collect();
    for rule in &mut report.rules {
        rule.measurement = distribution(&[1, 1 << 20, 1 << 40]);
        if rule.rule.metric.by_reason.is_some() {
            let reasons = (0..reasons as u64).map(|i| (format!("reason {i}"), distribution(&[i])));
            rule.by_reason = reasons.collect();
        }
    }
    report.waits = State::ALL
        .map(|state| (state, distribution(&[1 << 20])))
        .to_vec();
    let time = StateVector::from_values(std::array::from_fn(|i| i as u64 + 1), 0, [0; 3]);
    report.program.time = time;
    report.tasks = (0..20)
        .map(|i| Task {
            name: format!("task {i}"),
            duration: distribution(&[1 << 20]),
            time,
            ..Task::default()
        })
        .collect();
    report.goroutines = (0..20).map(|i| group(&format!("f{i}"), 1 << 30)).collect();
    report.regions = (0..20)
        .map(|i| Region {
            name: format!("region {i}"),
            duration: distribution(&[1 << 20]),
            time,
            ..Region::default()
        })
        .collect();
    report.requests = requests("handler");
    report
}

fn requests(name: &str) -> Vec<Request> {
    let all = (0..20).map(|i| Request {
        handler: format!("{name} {i}"),
        duration: distribution(&[1 << 20]),
        ..Request::default()
    });
    all.collect()
}

/// As many reasons for failures as the daemon has.
const REASONS: [&str; 20] = [
    "a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l", "m", "n", "o", "p", "q", "r", "s",
    "t",
];

#[test]
fn a_version_has_fewer_than_60_series() {
    let releases = releases();
    let metrics = Metrics::new(&[]).with_releases(move || releases.running());
    let text = encode(&metrics, Encoding::of(Format::Text)).unwrap();
    let text = String::from_utf8(text).unwrap();
    let of = |line: &&str| line.contains("version=\"1.3.0\"");
    let series = text.lines().filter(of).count();
    // Every rule has a verdict, and each quantity that is exposed changed.
    assert!(text.contains("gotrace_release_regression{"), "{text}");
    let times = RULES.iter().filter(|r| r.unit.name() == "ns").count();
    let others = RULES.len() - times;
    println!("{series} series; {times} rules on times, {others} others");
    assert!(series < 60, "{series}");
}
