//! The whole exposition, compared with files in tests/golden. To accept a
//! change: UPDATE_GOLDEN=1 cargo test --test exposition
#![cfg(feature = "daemon")]

mod busy;
mod fixtures;
mod scraper;
mod series;

use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use gotracer::export::prometheus::{Encoding, Format, encode};
use gotracer::export::{Metrics, Settings};
use gotracer::labels::Labels;
use prometheus_client::encoding::prometheus_protobuf::prometheus_data_model::MetricFamily;
use prost::Message;

use crate::fixtures::{exporter, report};
use crate::series::samples;

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
pub(crate) fn protobuf(exporter: &Metrics) -> Vec<MetricFamily> {
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
