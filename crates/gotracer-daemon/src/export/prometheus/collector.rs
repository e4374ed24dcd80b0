//! All targets' counters as metric families.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{
    DescriptorEncoder, EncodeLabelSet, EncodeMetric, LabelSetEncoder, MetricEncoder,
};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;

use super::families::{FAMILIES, Samples};
use super::histogram;
use super::settings::InForce;
use super::stream::Gap;
use super::target::{OTHER, Target};
use crate::labels::Labels;
use crate::report::Severity;
use crate::rules::RULES;

/// Labels of the metrics themselves; a target's label of the same name shows
/// as `exported_…`, as in a Prometheus scrape.
const OWN: [&str; 5] = ["le", "place", "reason", "rule", "severity"];

/// The targets' counters, shared between those who count and those who scrape.
#[derive(Clone, Debug, Default)]
pub struct Targets {
    all: Arc<Mutex<BTreeMap<Labels, Target>>>,
    /// What of them is wanted.
    pub settings: InForce,
}

impl Targets {
    /// Lets `f` look at or change the targets.
    pub fn with<T>(&self, f: impl FnOnce(&mut BTreeMap<Labels, Target>) -> T) -> T {
        // Counters are whole whenever the lock is released, even by a panic.
        f(&mut self.all.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// A target's labels and those that a metric adds.
struct Row<'a, const N: usize> {
    target: &'a Labels,
    own: [(&'static str, &'a str); N],
}

impl<const N: usize> EncodeLabelSet for Row<'_, N> {
    fn encode(&self, encoder: &mut LabelSetEncoder<'_>) -> fmt::Result {
        use prometheus_client::encoding::EncodeLabel;
        for (name, value) in self.target.iter() {
            if OWN.contains(&name) {
                (format!("exported_{name}"), value).encode(encoder.encode_label())?;
            } else if !name.starts_with("__") {
                (name, value).encode(encoder.encode_label())?;
            }
        }
        for label in self.own {
            label.encode(encoder.encode_label())?;
        }
        Ok(())
    }
}

impl Collector for Targets {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let settings = self.settings.get();
        self.with(|targets| {
            for family in &*FAMILIES {
                // A family without samples would be a HELP text about nothing.
                let samples = &family.samples;
                if !targets.values().any(|target| samples.has_any(target)) {
                    continue;
                }
                if let Some(mut encoder) = family.head.begin(&mut encoder, &settings)? {
                    for (labels, target) in &*targets {
                        samples.encode(&mut encoder, labels, target)?;
                    }
                }
            }
            Ok(())
        })
    }
}

impl Samples {
    fn has_any(&self, target: &Target) -> bool {
        match self {
            Self::Gauge(value) => value(target).is_some(),
            Self::ByReason(rule, _) => !target.by_reason[rule.index()].is_empty(),
            Self::Streamed(_) | Self::Gaps(_) => target.stream.is_some(),
            Self::Places(_) => !target.places.known.is_empty(),
            _ => true,
        }
    }

    fn encode(
        &self,
        family: &mut MetricEncoder<'_>,
        labels: &Labels,
        target: &Target,
    ) -> fmt::Result {
        let row = |own| Row {
            target: labels,
            own,
        };
        let plain = Row {
            target: labels,
            own: [],
        };
        match self {
            Self::Count(value) => {
                ConstCounter::new(value(target)).encode(family.encode_family(&plain)?)
            }
            Self::Seconds(value) => {
                let seconds = value(target).as_secs_f64();
                ConstCounter::new(seconds).encode(family.encode_family(&plain)?)
            }
            Self::Gauge(value) => match value(target) {
                Some(value) => ConstGauge::new(value).encode(family.encode_family(&plain)?),
                None => Ok(()),
            },
            Self::Histogram(values, scale) => {
                histogram::encode(values(target), scale, family.encode_family(&plain)?)
            }
            Self::Signal(rule, scale) => {
                let values = &target.signals[rule.index()];
                histogram::encode(values, scale, family.encode_family(&plain)?)
            }
            Self::ByReason(rule, scale) => {
                for (reason, values) in &target.by_reason[rule.index()] {
                    let row = row([("reason", reason.as_str())]);
                    histogram::encode(values, scale, family.encode_family(&row)?)?;
                }
                Ok(())
            }
            Self::Findings => {
                for (rule, counters) in RULES.iter().zip(&target.findings) {
                    for (severity, counter) in Severity::ALL.iter().zip(counters) {
                        let own = [("rule", rule.name), ("severity", severity.name())];
                        let row = Row {
                            target: labels,
                            own,
                        };
                        counter.encode(family.encode_family(&row)?)?;
                    }
                }
                Ok(())
            }
            Self::Failures => {
                for (reason, count) in &target.failures {
                    let row = row([("reason", *reason)]);
                    ConstCounter::new(*count).encode(family.encode_family(&row)?)?;
                }
                Ok(())
            }
            Self::Streamed(value) => match &target.stream {
                Some(stream) => {
                    ConstCounter::new(value(stream)).encode(family.encode_family(&plain)?)
                }
                None => Ok(()),
            },
            Self::Gaps(value) => {
                let gaps = target
                    .stream
                    .iter()
                    .flat_map(|s| Gap::ALL.iter().zip(&s.gaps));
                for (reason, gap) in gaps {
                    let row = row([("reason", reason.name())]);
                    ConstCounter::new(value(gap)).encode(family.encode_family(&row)?)?;
                }
                Ok(())
            }
            Self::Places(value) => {
                let other = (OTHER, &target.places.other);
                let places = target
                    .places
                    .known
                    .iter()
                    .map(|(place, c)| (place.as_str(), c));
                for (place, created) in places.chain([other]) {
                    let row = row([("place", place)]);
                    ConstCounter::new(value(created)).encode(family.encode_family(&row)?)?;
                }
                Ok(())
            }
        }
    }
}
