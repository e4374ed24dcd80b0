//! How many series a target and a version have.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use gotracer::export::prometheus::{Encoding, Format, encode};
use gotracer::export::{Metrics, Settings};
use gotracer::labels::Labels;
use gotracer::rules::RULES;

use crate::busy::{everything, requests};
use crate::fixtures::{distribution, releases, report};

/// The samples of the recorded target.
pub(crate) fn samples(exporter: &Metrics) -> Vec<String> {
    let text = String::from_utf8(encode(exporter, Encoding::of(Format::Text)).unwrap()).unwrap();
    let samples = text.lines().filter(|l| l.contains("job=\"api"));
    samples.map(str::to_owned).collect()
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
    let labels = Arc::new(Labels::new().with("job", "api"));
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
