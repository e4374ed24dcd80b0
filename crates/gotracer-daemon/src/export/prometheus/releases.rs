//! What became of releases: of the versions that run, and of those with which
//! they are compared.
//!
//! Labels are namespace, service, version and previous version, rule and
//! quantity: the former are as many as `releases` of the configuration allows. Places are no
//! labels; `/api/v1/releases` tells them.

use std::fmt;
use std::io::{self, Write};
use std::sync::Arc;

use prometheus_client::metrics::MetricType;
use prometheus_client::registry::Unit;

use super::encoder::Encoder;
use super::head::Head;
use super::sample;
use super::settings::Settings;
use crate::compare::{Change, Quantity};
use crate::releases::Release;
use crate::rules;
use crate::units::{rounded, system_time};

/// Tells the releases there are.
pub type Source = Arc<dyn Fn() -> Vec<Release> + Send + Sync>;

/// A family, and its samples of a release.
pub struct Family {
    /// What stands before its samples.
    pub head: Head,
    samples: Samples,
}

type Samples = fn(&Release, &mut Tell<'_>);
/// Takes a sample's own labels and its value.
type Tell<'a> = dyn FnMut(&[Label<'static>], f64) + 'a;
type Label<'a> = (&'static str, &'a str);

/// What a version is compared with.
pub static INFO: Head = Head::new(
    "gotrace_release",
    MetricType::Info,
    "Versions of services that run, each with the one before it, if both are known well enough to \
        be compared; and those before.",
);

const GROWTH: [Quantity; 2] = [Quantity::PerSecond, Quantity::Trend];

/// All but the info.
pub static FAMILIES: [Family; 13] = [
    Family {
        head: Head::new(
            "gotrace_release_captures",
            MetricType::Counter,
            "Captures of a version, across restarts of gotracer; of a stream, a minute is one.",
        ),
        samples: |r, tell| tell(&[], r.totals.captures as f64),
    },
    Family {
        head: Head::within(
            "gotrace_release_observed",
            Unit::Seconds,
            MetricType::Counter,
            "Time that the captures of a version cover, across restarts of gotracer.",
        ),
        samples: |r, tell| tell(&[], r.totals.seconds()),
    },
    gauge(
        "gotrace_release_instances",
        "Programs of a version whose captures are compared, 16 at most.",
        |r, tell| tell(&[], r.evidence.1 as f64),
    ),
    timestamp(
        "gotrace_release_first_seen_timestamp",
        "When a version was first captured, as Unix time.",
        |r, tell| tell(&[], seconds(r.totals.first_seen)),
    ),
    timestamp(
        "gotrace_release_last_seen_timestamp",
        "When a version was last captured, as Unix time.",
        |r, tell| tell(&[], seconds(r.totals.last_seen)),
    ),
    gauge(
        "gotrace_release_regression",
        "1 if a version is worse than the one before it by that rule's signal, and that is hardly \
            chance; 0 if it is not. Nothing while too little is known to tell.",
        |r, tell| {
            for (rule, worse) in r.comparison.iter().flat_map(|c| c.verdicts()) {
                tell(&[("rule", rule.name)], f64::from(u8::from(worse)));
            }
        },
    ),
    gauge(
        "gotrace_release_change_ratio",
        "How many times as much of something a typical program of a version has as one of the \
            version before; 1 is the same. What is too small to matter was added to both.",
        |r, tell| changes(r, tell, |c| c.factor),
    ),
    gauge(
        "gotrace_release_change_least_ratio",
        "The same with chance allowed for: it is hardly less than that.",
        |r, tell| changes(r, tell, |c| Some(c.interval?.0 + 1.0)),
    ),
    Family {
        head: Head::within(
            "gotrace_release_wait",
            Unit::Seconds,
            MetricType::Gauge,
            "Median and 99th percentile of what each rule on times measures, in a typical program \
                of a version.",
        ),
        samples: |r, tell| {
            let quantiles = [Quantity::P50, Quantity::P99];
            values(
                r,
                rules::Unit::Nanoseconds,
                &quantiles,
                |rule, quantity, ns| {
                    tell(&[rule, quantity], ns / 1e9);
                },
            );
        },
    },
    gauge(
        "gotrace_release_wait_ratio",
        "What each rule on times measures, added up, for each second that traces cover, in a \
            typical program of a version.",
        |r, tell| {
            let sum = [Quantity::PerSecond];
            values(r, rules::Unit::Nanoseconds, &sum, |rule, _, ns| {
                tell(&[rule], ns / 1e9)
            });
        },
    ),
    gauge(
        "gotrace_release_goroutines_per_second",
        "Goroutines that a typical program of a version gains each second: by the places that \
            create them, within traces (per_second), and in all, from one trace to the next \
            (trend). A trend that stays above 0 is a leak.",
        |r, tell| {
            values(r, rules::Unit::Goroutines, &GROWTH, |_, quantity, n| {
                tell(&[quantity], n)
            });
        },
    ),
    gauge(
        "gotrace_release_heap_bytes_per_second",
        "How much the live heap of a typical program of a version grows each second: within \
            traces (per_second), and from one trace to the next (trend).",
        |r, tell| {
            values(r, rules::Unit::Bytes, &GROWTH, |_, quantity, n| {
                tell(&[quantity], n)
            });
        },
    ),
    Family {
        head: Head::within(
            "gotrace_release_heap_live",
            Unit::Bytes,
            MetricType::Gauge,
            "The floor of the live heap of a typical program of a version.",
        ),
        samples: |r, tell| {
            values(r, rules::Unit::Bytes, &[Quantity::Floor], |_, _, bytes| {
                tell(&[], bytes)
            });
        },
    },
];

const fn gauge(name: &'static str, help: &'static str, samples: Samples) -> Family {
    let head = Head::new(name, MetricType::Gauge, help);
    Family { head, samples }
}

const fn timestamp(name: &'static str, help: &'static str, samples: Samples) -> Family {
    let head = Head::within(name, Unit::Seconds, MetricType::Gauge, help);
    Family { head, samples }
}

/// The labels of a version.
fn release(r: &Release) -> Vec<Label<'_>> {
    let namespace = Some(r.service.namespace()).filter(|n| !n.is_empty());
    let namespace = namespace.map(|namespace| ("namespace", namespace));
    let own = [("service", r.service.service()), ("version", &r.version)];
    namespace.into_iter().chain(own).collect()
}

fn seconds(at: jiff::Timestamp) -> f64 {
    at.as_millisecond() as f64 / 1e3
}

/// What is told of each quantity that is compared.
fn changes(r: &Release, tell: &mut Tell<'_>, of: fn(&Change) -> Option<f64>) {
    for signal in r.comparison.iter().flat_map(|c| &c.signals) {
        for change in &signal.changes {
            if let Some(value) = of(change).filter(|v| v.is_finite()) {
                let quantity = ("quantity", change.quantity.id());
                tell(&[("rule", signal.rule.name), quantity], rounded(value));
            }
        }
    }
}

/// The values of some quantities, of the rules in a unit.
fn values(
    r: &Release,
    unit: rules::Unit,
    quantities: &[Quantity],
    mut tell: impl FnMut(Label<'static>, Label<'static>, f64),
) {
    for (rule, quantity, value) in &r.values {
        if rule.unit == unit && quantities.contains(quantity) {
            tell(
                ("rule", rule.name),
                ("quantity", quantity.id()),
                rounded(*value),
            );
        }
    }
}

/// Gives them at each scrape.
#[derive(Clone)]
pub struct Releases(pub Source);

impl fmt::Debug for Releases {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Releases").finish_non_exhaustive()
    }
}

impl Releases {
    /// Writes all families of all releases.
    pub fn write<W: Write>(&self, encoder: &mut Encoder<W>, settings: &Settings) -> io::Result<()> {
        let releases = (self.0)();
        let escaping = encoder.escaping();
        let labels = |own: &[Label<'_>]| {
            let own = own.iter();
            own.map(|(name, value)| sample::pair(escaping.escape(name), value))
                .collect::<Vec<_>>()
        };
        if settings.wants(&INFO.exposed()) {
            encoder.family(INFO.family())?;
            for r in &releases {
                let previous = r.comparison.as_ref().map(|c| c.previous.as_str());
                let previous = previous.map(|p| ("previous_version", p));
                let own: Vec<_> = release(r).into_iter().chain(previous).collect();
                encoder.metric(sample::gauge(labels(&own), 1.0))?;
            }
        }
        for Family { head, samples } in &FAMILIES {
            if !settings.wants(&head.exposed()) {
                continue;
            }
            encoder.family(head.family())?;
            for r in &releases {
                let mut metrics = Vec::new();
                samples(r, &mut |own, value| {
                    let labels = labels(&[&release(r)[..], own].concat());
                    metrics.push(match head.kind {
                        MetricType::Counter => {
                            sample::counter(labels, value, None, system_time(r.totals.first_seen))
                        }
                        _ => sample::gauge(labels, value),
                    });
                });
                for metric in metrics {
                    encoder.metric(metric)?;
                }
            }
        }
        Ok(())
    }
}
