//! All targets' counters as metric families.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::UNIX_EPOCH;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{
    DescriptorEncoder, EncodeCounterValue, EncodeLabelSet, EncodeMetric, LabelSetEncoder,
};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Unit;

use super::histogram::{self, Scale};
use super::signals::SIGNALS;
use super::target::Target;
use crate::labels::Labels;
use crate::report::Severity;
use crate::rules::RULES;

/// Labels of the metrics themselves; a target's label of the same name shows
/// as `exported_…`, as in a Prometheus scrape.
const OWN: [&str; 4] = ["le", "reason", "rule", "severity"];

/// The targets' counters, shared between those who count and those who scrape.
#[derive(Clone, Debug, Default)]
pub struct Targets(Arc<Mutex<BTreeMap<Labels, Target>>>);

impl Targets {
    /// Lets `f` look at or change the targets.
    pub fn with<T>(&self, f: impl FnOnce(&mut BTreeMap<Labels, Target>) -> T) -> T {
        // Counters are whole whenever the lock is released, even by a panic.
        f(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
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
        self.with(|targets| {
            if targets.is_empty() {
                return Ok(());
            }
            findings(&mut encoder, targets)?;
            signals(&mut encoder, targets)?;
            exporter(&mut encoder, targets)
        })
    }
}

fn findings(
    encoder: &mut DescriptorEncoder<'_>,
    targets: &BTreeMap<Labels, Target>,
) -> fmt::Result {
    let help = "Findings by rule and severity: one for each place in each trace at which a \
        rule's threshold was crossed.";
    let mut family =
        encoder.encode_descriptor("gotrace_findings", help, None, MetricType::Counter)?;
    for (labels, target) in targets {
        for (rule, counters) in RULES.iter().zip(&target.findings) {
            for (severity, counter) in Severity::ALL.iter().zip(counters) {
                let row = Row {
                    target: labels,
                    own: [("rule", rule.name), ("severity", severity.name())],
                };
                counter.encode(family.encode_family(&row)?)?;
            }
        }
    }
    Ok(())
}

fn signals(encoder: &mut DescriptorEncoder<'_>, targets: &BTreeMap<Labels, Target>) -> fmt::Result {
    counter(
        encoder,
        ("gotrace_observed", Some(&Unit::Seconds)),
        "Time that the traces cover: the denominator of all gotrace metrics, since traces \
            see a program for a part of its time only.",
        targets,
        |t| t.observed.as_secs_f64(),
    )?;
    for (index, (rule, signal)) in RULES.iter().zip(&SIGNALS).enumerate() {
        let help = signal.help(rule);
        let kind = MetricType::Histogram;
        let mut family =
            encoder.encode_descriptor(signal.name, &help, signal.unit.as_ref(), kind)?;
        for (target, t) in targets {
            let row = Row { target, own: [] };
            let metric = family.encode_family(&row)?;
            histogram::encode(&t.signals[index], signal.scale, metric)?;
        }
        let Some(by_reason) = &signal.by_reason else {
            continue;
        };
        if targets.values().all(|t| t.by_reason[index].is_empty()) {
            continue;
        }
        let unit = signal.unit.as_ref();
        let mut family = encoder.encode_descriptor(by_reason.name, by_reason.help, unit, kind)?;
        for (target, t) in targets {
            for (reason, values) in &t.by_reason[index] {
                let row = Row {
                    target,
                    own: [("reason", reason)],
                };
                histogram::encode(values, signal.scale, family.encode_family(&row)?)?;
            }
        }
    }
    Ok(())
}

fn exporter(
    encoder: &mut DescriptorEncoder<'_>,
    targets: &BTreeMap<Labels, Target>,
) -> fmt::Result {
    counter(
        encoder,
        ("gotracer_traces", None),
        "Traces analysed, as far as they could be read.",
        targets,
        |t| t.traces,
    )?;
    failures(encoder, targets)?;
    counter(
        encoder,
        ("gotracer_trace", Some(&Unit::Bytes)),
        "Bytes of traces read, after decompression.",
        targets,
        |t| t.bytes,
    )?;
    counter(
        encoder,
        ("gotracer_trace_lost", Some(&Unit::Bytes)),
        "Bytes of traces that gave no events, because a trace broke off or was corrupt.",
        targets,
        |t| t.lost_bytes,
    )?;
    counter(
        encoder,
        ("gotracer_trace_events", None),
        "Events read from traces.",
        targets,
        |t| t.events,
    )?;
    let help = "How long the analysis of a trace took; for a scraped one, with the capture.";
    let unit = Unit::Seconds;
    let kind = MetricType::Histogram;
    let mut family = encoder.encode_descriptor("gotracer_analysis", help, Some(&unit), kind)?;
    for (target, t) in targets {
        let row = Row { target, own: [] };
        histogram::encode(&t.analysis, &Scale::TIME, family.encode_family(&row)?)?;
    }
    last_success(encoder, targets)
}

fn failures(
    encoder: &mut DescriptorEncoder<'_>,
    targets: &BTreeMap<Labels, Target>,
) -> fmt::Result {
    let help = "Traces that could not be had or read, or only in part, by reason. Those \
        read in part count among gotracer_traces_total as well.";
    let kind = MetricType::Counter;
    let mut family = encoder.encode_descriptor("gotracer_trace_failures", help, None, kind)?;
    for (target, t) in targets {
        for (reason, count) in &t.failures {
            let row = Row {
                target,
                own: [("reason", reason)],
            };
            ConstCounter::new(*count).encode(family.encode_family(&row)?)?;
        }
    }
    Ok(())
}

fn last_success(
    encoder: &mut DescriptorEncoder<'_>,
    targets: &BTreeMap<Labels, Target>,
) -> fmt::Result {
    if targets.values().all(|t| t.last_success.is_none()) {
        return Ok(());
    }
    let mut family = encoder.encode_descriptor(
        "gotracer_last_success_timestamp",
        "When a trace was last analysed, as Unix time.",
        Some(&Unit::Seconds),
        MetricType::Gauge,
    )?;
    for (target, t) in targets {
        let at = t
            .last_success
            .and_then(|at| at.duration_since(UNIX_EPOCH).ok());
        if let Some(at) = at {
            let row = Row { target, own: [] };
            ConstGauge::new(at.as_secs_f64()).encode(family.encode_family(&row)?)?;
        }
    }
    Ok(())
}

/// A counter of which each target has one.
fn counter<V: EncodeCounterValue>(
    encoder: &mut DescriptorEncoder<'_>,
    (name, unit): (&str, Option<&Unit>),
    help: &str,
    targets: &BTreeMap<Labels, Target>,
    value: impl Fn(&Target) -> V,
) -> fmt::Result {
    let mut family = encoder.encode_descriptor(name, help, unit, MetricType::Counter)?;
    for (target, t) in targets {
        let row = Row { target, own: [] };
        family.encode_family(&row)?.encode_counter(
            &value(t),
            None::<&prometheus_client::metrics::exemplar::Exemplar<[(&str, &str); 0], u64>>,
        )?;
    }
    Ok(())
}
