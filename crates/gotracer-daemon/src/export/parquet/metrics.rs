//! Table of metrics: one row per trace and series. Its rows follow from the catalogue of metrics, as `/probe` does.

use std::sync::LazyLock;
use std::time::{Duration, SystemTime};

use super::column::{Column, decimal, labels, list, maybe_decimal, maybe_number, number};
use super::column::{signed, structs, text};
use super::trace::{self, Of};
use crate::export::births::Births;
use crate::export::catalog::{self, Desc, Kind, Metric, Point, Value};
use crate::export::settings::Settings;
use crate::export::totals::{Limits, Totals};
use crate::labels::Labels;
use crate::report::Report;
use crate::rules::Distribution;

/// Settings that leave nothing out.
static SETTINGS: LazyLock<Settings> = LazyLock::new(|| Settings {
    series_limit: 0,
    series_soft_limit: 0,
    goroutine_places: usize::MAX,
    goroutine_functions: usize::MAX,
    regions: true,
    ..Settings::default()
});
static LIMITS: LazyLock<Limits<'static>> = LazyLock::new(|| catalog::limits(&SETTINGS));
/// Metrics of a trace with their names.
static METRICS: LazyLock<Vec<(&'static Metric<Totals>, String)>> = LazyLock::new(|| {
    let all = catalog::probed();
    all.map(|metric| (metric, metric.desc.exposed())).collect()
});

/// A series of a trace.
pub(super) struct Series {
    /// Exposed name of the metric.
    name: &'static str,
    desc: &'static Desc,
    /// Labels beside those of the target.
    labels: Labels,
    /// Value, in the metric's unit; nothing for a histogram.
    value: Option<f64>,
    distribution: Option<Distribution>,
}

/// A series, and whose it is.
pub(super) type Row<'a> = (Of<'a>, Series);

/// Returns all series of a report. Counters of 0 and histograms without values are left out.
pub(super) fn series(report: &Report) -> Vec<Series> {
    let births = Births::default();
    let mut totals = Totals::new(&[], births.beforehand(), &births);
    totals.record(report, Duration::ZERO, SystemTime::UNIX_EPOCH, &LIMITS);
    let mut all = Vec::new();
    for (metric, name) in METRICS.iter() {
        metric.read(&totals, &mut |point: Point<'_>| {
            if metric.desc.counts() && point.value.number() == 0.0 {
                return;
            }
            let (value, distribution) = match point.value {
                Value::Distribution(values) => (None, Some(values.clone())),
                value => (Some(value.number()), None),
            };
            all.push(Series {
                name,
                desc: &metric.desc,
                labels: point.labels.iter().copied().collect(),
                value,
                distribution,
            });
        });
    }
    all
}

/// All columns of these rows.
pub(super) fn columns(rows: &[Row<'_>]) -> Vec<Column> {
    let mut all = trace::which(rows, |(of, _)| *of);
    let rows: Vec<_> = rows.iter().map(|(_, series)| series).collect();
    all.extend([
        text("metric", &rows, |s| s.name),
        text("kind", &rows, |s| kind(s.desc)),
        text("unit", &rows, |s| s.desc.unit.suffix()),
        labels("series", &rows, |s| &s.labels),
        maybe_decimal("value", &rows, |s| s.value),
        maybe_number("count", &rows, |s| {
            Some(signed(s.distribution.as_ref()?.count()))
        }),
    ]);
    let numbers: [(&str, OfDistribution); 6] = [
        ("sum", Distribution::sum),
        ("min", Distribution::min),
        ("max", Distribution::max),
        ("p50", |d| d.quantile(0.5)),
        ("p90", |d| d.quantile(0.9)),
        ("p99", |d| d.quantile(0.99)),
    ];
    for (name, of) in numbers {
        all.push(maybe_decimal(name, &rows, |s| {
            let value = of(s.distribution.as_ref()?);
            Some(value as f64 / per_unit(s.desc))
        }));
    }
    all.push(buckets(&rows));
    all
}

/// Returns a figure of a distribution.
type OfDistribution = fn(&Distribution) -> u64;

fn kind(desc: &Desc) -> &'static str {
    match desc.kind {
        Kind::Counter => "counter",
        Kind::Gauge | Kind::Info => "gauge",
        Kind::Histogram(_) => "histogram",
    }
}

/// How many of a report's units make one of the metric's.
fn per_unit(desc: &Desc) -> f64 {
    match desc.kind {
        Kind::Histogram(buckets) => buckets.per_unit,
        Kind::Counter | Kind::Gauge | Kind::Info => 1.0,
    }
}

/// Buckets with a count: values of at most `le`, and above `le` divided by the eighth root of 2.
fn buckets(rows: &[&Series]) -> Column {
    let filled = |s: &Series| -> Vec<(f64, u64)> {
        let per_unit = per_unit(s.desc);
        let buckets = s.distribution.iter().flat_map(Distribution::buckets);
        let le = |index: i32| (f64::from(index) / 8.0).exp2() / per_unit;
        buckets.map(|(index, count)| (le(index), count)).collect()
    };
    let by_row: Vec<_> = rows.iter().map(|s| filled(s)).collect();
    let all: Vec<_> = by_row.iter().flatten().copied().collect();
    let le = decimal("le", &all, |(le, _)| *le);
    let count = number("count", &all, |(_, count)| *count);
    let elements = structs("element", vec![le, count], None);
    list("buckets", by_row.iter().map(Vec::len), elements)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{GoroutineGroup, Life, sample};
    use crate::timeline::{State, StateVector};

    #[test]
    fn a_trace_has_the_series_of_the_catalogue() {
        let mut report = sample::report("a.trace");
        let mut states = [0; State::ALL.len()];
        states[State::Network.index()] = 1_500_000_000;
        let time = StateVector::from_values(states, 0, [0; 3]);
        report.program.time = time;
        let mut waits = Distribution::default();
        waits.record(1_500_000_000);
        report.waits = vec![(State::Network, waits)];
        let group = |i: u64| GoroutineGroup {
            function: format!("main.f{i}"),
            system: false,
            count: 1,
            alive: 1,
            life: Life::default(),
            time,
            worst: None,
        };
        report.goroutines = (0..1_000).map(group).collect();
        let all = series(&report);
        let find = |name: &str, label: (&str, &str)| {
            let of = |s: &&Series| s.name == name && s.labels.get(label.0) == label.1;
            all.iter().find(of)
        };
        let state = ("state", "network");
        let time = find("gotrace_goroutine_seconds_total", state).unwrap();
        assert_eq!(time.value, Some(1.5));
        assert!(find("gotrace_goroutine_seconds_total", ("state", "lock")).is_none());
        let wait = find("gotrace_wait_seconds", ("reason", "network")).unwrap();
        assert_eq!(wait.distribution.as_ref().map(Distribution::count), Some(1));
        for i in [0, 999] {
            let function = format!("main.f{i}");
            let name = "gotrace_goroutine_by_function_seconds_total";
            let time = find(name, ("function", &function)).unwrap();
            assert_eq!(
                (time.value, time.labels.get("state")),
                (Some(1.5), "network")
            );
        }
        // Every metric that a report has a value of is there.
        assert!(all.iter().any(|s| s.desc.unit.suffix() == "bytes"));
        let empty = all.iter().filter(|s| s.desc.counts());
        assert!(empty.clone().all(|s| s.value != Some(0.0)));
        assert!(empty.flat_map(|s| &s.distribution).all(|d| d.count() > 0));
    }
}
