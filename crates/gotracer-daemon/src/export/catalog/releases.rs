//! Metrics of the releases: versions that run, and those with which they are compared.
//!
//! Labels are namespace, service, version and previous version, rule and quantity: `releases` of
//! the configuration bounds the former. Places are no labels; `/api/v1/releases` has them.

use std::sync::LazyLock;

use super::{Emit, Group, Kind, Metric, Point, Unit};
use crate::compare::{Change, Quantity};
use crate::export::births::Birth;
use crate::releases::Release;
use crate::rules;
use crate::units::{rounded, system_time};

/// Receives a series' own labels and its value.
type Series<'s> = dyn FnMut(&[Label<'static>], f64) + 's;
type Label<'a> = (&'static str, &'a str);

const GROWTH: [Quantity; 2] = [Quantity::PerSecond, Quantity::Trend];

/// Metrics of the releases.
pub static METRICS: LazyLock<Vec<Metric<Vec<Release>>>> = LazyLock::new(|| {
    vec![
        info(),
        release(
            Kind::Counter,
            "gotrace_release_captures",
            "Captures of a version, across restarts of gotracer; of a stream, a minute is one.",
            &[],
            |r, series| series(&[], r.totals.captures as f64),
        ),
        release(
            Kind::Counter,
            "gotrace_release_observed",
            "Time that the captures of a version cover, across restarts of gotracer.",
            &[],
            |r, series| series(&[], r.totals.seconds()),
        )
        .unit(Unit::Seconds),
        release(
            Kind::Gauge,
            "gotrace_release_instances",
            "Programs of a version whose captures are compared, 16 at most.",
            &[],
            |r, series| series(&[], r.evidence.1 as f64),
        ),
        release(
            Kind::Gauge,
            "gotrace_release_first_seen_timestamp",
            "Unix time at which a version was first captured.",
            &[],
            |r, series| series(&[], seconds(r.totals.first_seen)),
        )
        .unit(Unit::Seconds),
        release(
            Kind::Gauge,
            "gotrace_release_last_seen_timestamp",
            "Unix time at which a version was last captured.",
            &[],
            |r, series| series(&[], seconds(r.totals.last_seen)),
        )
        .unit(Unit::Seconds),
        release(
            Kind::Gauge,
            "gotrace_release_regression",
            "1 if a version is worse than the one before it by that rule's measurement, and that \
             is hardly chance; 0 if it is not. Nothing while too little is known.",
            &["rule"],
            |r, series| {
                for (rule, worse) in r.comparison.iter().flat_map(|c| c.verdicts()) {
                    series(&[("rule", rule.name)], f64::from(u8::from(worse)));
                }
            },
        ),
        release(
            Kind::Gauge,
            "gotrace_release_change",
            "How many times as much of something a typical program of a version has as one of the \
             version before; 1 is the same. What is too small to matter was added to both. Medians \
             are not exposed; /api/v1/releases has them.",
            &["rule", "quantity"],
            changes,
        )
        .unit(Unit::Ratio),
        release(
            Kind::Gauge,
            "gotrace_release_wait",
            "99th percentile of what each rule on times measures, in a typical program of a version.",
            &["rule", "quantity"],
            |r, series| {
                let quantiles = [Quantity::P99];
                values(r, rules::Unit::Nanoseconds, &quantiles, |rule, quantity, ns| {
                    series(&[rule, quantity], ns / 1e9);
                });
            },
        )
        .unit(Unit::Seconds),
        release(
            Kind::Gauge,
            "gotrace_release_goroutines_per_second",
            "Goroutines that a typical program of a version gains per second: by the places that \
             create them, within traces (per_second), and in all, from one trace to the next \
             (trend). A trend that stays above 0 is a leak.",
            &["quantity"],
            |r, series| {
                values(r, rules::Unit::Goroutines, &GROWTH, |_, quantity, n| {
                    series(&[quantity], n);
                });
            },
        ),
        release(
            Kind::Gauge,
            "gotrace_release_heap_bytes_per_second",
            "Growth per second of the live heap of a typical program of a version: within traces \
             (per_second), and from one trace to the next (trend).",
            &["quantity"],
            |r, series| {
                values(r, rules::Unit::Bytes, &GROWTH, |_, quantity, n| {
                    series(&[quantity], n);
                });
            },
        ),
        release(
            Kind::Gauge,
            "gotrace_release_heap_live",
            "Floor of the live heap of a typical program of a version.",
            &[],
            |r, series| {
                values(r, rules::Unit::Bytes, &[Quantity::Floor], |_, _, bytes| {
                    series(&[], bytes);
                });
            },
        )
        .unit(Unit::Bytes),
    ]
});

fn info() -> Metric<Vec<Release>> {
    let read = |all: &Vec<Release>, emit: &mut Emit<'_>| {
        for r in all {
            let previous = r.comparison.as_ref().map(|c| c.previous.as_str());
            let previous = previous.map(|p| ("previous_version", p));
            let labels: Vec<_> = identity(r).into_iter().chain(previous).collect();
            emit(Point::new(&labels, 1u64));
        }
    };
    Metric::new(
        Kind::Info,
        "gotrace_release",
        "Versions of services that run, each with the one before it, if both are known well enough \
         to be compared; and those before.",
        read,
    )
    .labels(&["previous_version"])
}

/// Metric of a version, whose series `read` gives.
fn release(
    kind: Kind,
    name: &'static str,
    help: &'static str,
    labels: &'static [&'static str],
    read: fn(&Release, &mut Series<'_>),
) -> Metric<Vec<Release>> {
    let read = move |all: &Vec<Release>, emit: &mut Emit<'_>| {
        for r in all {
            let birth = Birth::long_known(system_time(r.totals.first_seen));
            read(r, &mut |own, value| {
                let labels = [&identity(r), own].concat();
                emit(Point::new(&labels, value).since(birth));
            });
        }
    };
    Metric::new(kind, name, help, read).labels(labels)
}

/// Labels of a version.
fn identity(r: &Release) -> Vec<Label<'_>> {
    let namespace = Some(r.service.namespace()).filter(|n| !n.is_empty());
    let namespace = namespace.map(|namespace| ("namespace", namespace));
    let own = [("service", r.service.service()), ("version", &r.version)];
    namespace.into_iter().chain(own).collect()
}

fn seconds(at: jiff::Timestamp) -> f64 {
    at.as_millisecond() as f64 / 1e3
}

/// Emits how each quantity changed. Medians are left out: with them, a version would have more than
/// 60 series.
fn changes(r: &Release, series: &mut Series<'_>) {
    for signal in r.comparison.iter().flat_map(|c| &c.signals) {
        let exposed = |c: &&Change| c.quantity != Quantity::P50;
        for change in signal.changes.iter().filter(exposed) {
            if let Some(factor) = change.factor.filter(|f| f.is_finite()) {
                let quantity = ("quantity", change.quantity.id());
                series(&[("rule", signal.rule.name), quantity], rounded(factor));
            }
        }
    }
}

/// The values of some quantities, of the rules in a unit.
fn values(
    r: &Release,
    unit: rules::Unit,
    quantities: &[Quantity],
    mut emit: impl FnMut(Label<'static>, Label<'static>, f64),
) {
    for (rule, quantity, value) in &r.values {
        if rule.unit == unit && quantities.contains(quantity) {
            emit(
                ("rule", rule.name),
                ("quantity", quantity.id()),
                rounded(*value),
            );
        }
    }
}

/// The metrics of the releases that `running` returns at each collection.
pub fn part(running: impl Fn() -> Vec<Release> + Send + Sync + 'static) -> Group<Vec<Release>> {
    Group::new(&METRICS, move || Some(running()))
}
