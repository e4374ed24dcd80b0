//! All targets' counters, and what an exposition shows of them.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use prometheus_client::encoding::prometheus_protobuf::prometheus_data_model::Metric;

use super::births::View;
use super::encoder::Encoder;
use super::families::{FAMILIES, Samples};
use super::histogram;
use super::names::Escaping;
use super::sample::{counter, gauge, labels};
use super::settings::Settings;
use super::stream::Gap;
use super::target::{OTHER, Target};
use crate::labels::Labels;
use crate::report::Severity;
use crate::rules::{Distribution, RULES};

/// How many label sets that come with traces have series. Each is a set of
/// series, and who names files need not know that.
const MOST: usize = 1000;

/// The targets' counters, shared between those who count and those who scrape.
#[derive(Clone, Debug, Default)]
pub struct Targets(Arc<Mutex<Known>>);

/// One target. Its lock is held while it counts, and while one family of it
/// is read: never while an exposition is written, which may take long.
pub type Shared = Arc<Mutex<Target>>;

/// The lock of a target.
pub fn lock(target: &Shared) -> MutexGuard<'_, Target> {
    // Counters are whole whenever the lock is released, even by a panic.
    target.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The targets by their labels.
#[derive(Debug, Default)]
pub struct Known {
    all: BTreeMap<Arc<Labels>, Entry>,
    /// Grows with each time a target is heard of.
    time: u64,
}

#[derive(Debug)]
struct Entry {
    target: Shared,
    /// Whether the configuration has it: such a target stays.
    configured: bool,
    last_heard: u64,
}

impl Known {
    /// Makes sure that a target of the configuration is there.
    pub fn add(&mut self, labels: &Labels, new: impl FnOnce() -> Target) {
        self.entry(labels, new).configured = true;
    }

    /// The target of which a trace tells.
    pub fn heard_of(&mut self, labels: &Labels, new: impl FnOnce() -> Target) -> Shared {
        Arc::clone(&self.entry(labels, new).target)
    }

    fn entry(&mut self, labels: &Labels, new: impl FnOnce() -> Target) -> &mut Entry {
        self.time += 1;
        let entry = self.all.entry(Arc::new(labels.clone()));
        let entry = entry.or_insert_with(|| Entry {
            target: Arc::new(Mutex::new(new())),
            configured: false,
            last_heard: 0,
        });
        entry.last_heard = self.time;
        entry
    }

    /// Of too many label sets to add these, the one not heard of for longest.
    pub fn in_the_way_of(&self, labels: &Labels) -> Option<Arc<Labels>> {
        if self.all.contains_key(labels) {
            return None;
        }
        let traces = || self.all.iter().filter(|(_, entry)| !entry.configured);
        if traces().count() < MOST {
            return None;
        }
        let oldest = traces().min_by_key(|(_, entry)| entry.last_heard);
        oldest.map(|(labels, _)| Arc::clone(labels))
    }

    /// All their labels.
    pub fn known(&self) -> Vec<Labels> {
        self.all.keys().map(|labels| (**labels).clone()).collect()
    }

    /// Forgets a target.
    pub fn remove(&mut self, labels: &Labels) {
        self.all.remove(labels);
    }
}

impl Targets {
    /// Lets `f` look at or change which targets there are.
    pub fn with<T>(&self, f: impl FnOnce(&mut Known) -> T) -> T {
        f(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Writes all families of all targets.
    pub fn write<W: Write>(
        &self,
        encoder: &mut Encoder<W>,
        settings: &Settings,
        view: View,
    ) -> io::Result<()> {
        let rows = self.rows(encoder.escaping());
        let mut metrics = Vec::new();
        let wanted = |name: &str| settings.wants(name);
        for family in FAMILIES.iter().filter(|f| wanted(&f.head.exposed())) {
            encoder.family(family.head.family())?;
            for (labels, target) in &rows {
                let read = family.samples.metrics(labels, &lock(target), view);
                metrics.extend(read);
                for metric in metrics.drain(..) {
                    encoder.metric(metric)?;
                }
            }
        }
        Ok(())
    }

    /// The targets by the labels that an exposition shows. No two have the
    /// same labels there, or their samples would be duplicates.
    fn rows(&self, escaping: Escaping) -> Vec<(Arc<Labels>, Shared)> {
        let all: Vec<_> = self.with(|targets| {
            let all = targets.all.iter();
            all.map(|(labels, entry)| (Arc::clone(labels), Arc::clone(&entry.target)))
                .collect()
        });
        let shown = |(own, target)| (escaping.labels(&own), own, target);
        let (mut rows, changed): (Vec<_>, Vec<_>) = all
            .into_iter()
            .map(shown)
            .partition(|(shown, own, _)| Arc::ptr_eq(shown, own));
        let mut taken: BTreeSet<Arc<Labels>> = BTreeSet::new();
        if !changed.is_empty() {
            taken.extend(rows.iter().map(|(shown, ..)| Arc::clone(shown)));
        }
        for (mut shown, own, target) in changed {
            if taken.contains(&shown) {
                // This scheme keeps apart what the others make equal.
                shown = Escaping::Values.labels(&own);
            }
            if taken.insert(Arc::clone(&shown)) {
                rows.push((shown, own, target));
            }
        }
        rows.sort_by(|(a, ..), (b, ..)| a.cmp(b));
        rows.into_iter()
            .map(|(shown, _, target)| (shown, target))
            .collect()
    }
}

impl Samples {
    /// A target's metrics of a family.
    fn metrics(&self, target_labels: &Labels, target: &Target, view: View) -> Vec<Metric> {
        let labels = |own: &[(&str, &str)]| labels(target_labels, own);
        let birth = target.birth;
        let counts = view.counts(&birth);
        let count = |own: &[(&str, &str)], value: f64| {
            let value = if counts { value } else { 0.0 };
            counter(labels(own), value, None, birth.at)
        };
        let nothing = Distribution::default();
        let distribution = |values, scale| {
            let values = if counts { values } else { &nothing };
            vec![histogram::metric(labels(&[]), values, scale, birth.at)]
        };
        match self {
            Self::Count(value) => vec![count(&[], value(target) as f64)],
            Self::Seconds(value) => vec![count(&[], value(target).as_secs_f64())],
            Self::Gauge(value) => {
                let value = value(target).into_iter();
                value.map(|value| gauge(labels(&[]), value)).collect()
            }
            Self::Histogram(values, scale) => distribution(values(target), scale),
            Self::Signal(rule, scale) => distribution(&target.signals[rule.index()], scale),
            Self::ByReason(rule, scale) => {
                let reasons = target.by_reason[rule.index()].iter();
                reasons
                    .map(|(reason, (values, birth))| {
                        let values = if view.counts(birth) { values } else { &nothing };
                        histogram::metric(labels(&[("reason", reason)]), values, scale, birth.at)
                    })
                    .collect()
            }
            Self::Findings => {
                let all = RULES.iter().zip(&target.findings);
                let all = all.flat_map(|(rule, by_severity)| {
                    let by_severity = Severity::ALL.iter().zip(by_severity);
                    by_severity.map(|(severity, findings)| (rule.name, severity.name(), findings))
                });
                all.map(|(rule, severity, findings)| {
                    let mut metric = count(
                        &[("rule", rule), ("severity", severity)],
                        findings.count as f64,
                    );
                    if let Some(counter) = metric.counter.as_mut().filter(|_| counts) {
                        counter.exemplar = findings.exemplar.clone();
                    }
                    metric
                })
                .collect()
            }
            Self::Failures => {
                let failures = target.failures.iter();
                failures
                    .map(|(reason, n)| count(&[("reason", reason)], *n as f64))
                    .collect()
            }
            Self::Streamed(value) => {
                let stream = target.stream.iter();
                stream.map(|s| count(&[], value(s) as f64)).collect()
            }
            Self::Gaps(value) => {
                let stream = target.stream.iter();
                let gaps = stream.flat_map(|s| Gap::ALL.iter().zip(&s.gaps));
                gaps.map(|(reason, gap)| count(&[("reason", reason.name())], value(gap)))
                    .collect()
            }
            Self::Places(value) => {
                let known = target.places.known.iter();
                let known = known.map(|(place, created)| (place.as_str(), created));
                let other = target.places.other.iter().map(|created| (OTHER, created));
                let there = !target.places.known.is_empty();
                known
                    .chain(other.filter(|_| there))
                    .map(|(place, (created, birth))| {
                        let counted = if view.counts(birth) {
                            value(created)
                        } else {
                            0.0
                        };
                        counter(labels(&[("place", place)]), counted, None, birth.at)
                    })
                    .collect()
            }
        }
    }
}
