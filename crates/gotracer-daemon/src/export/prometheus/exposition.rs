//! Writes all metrics in one exposition.

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::sync::Arc;

use prometheus_client::encoding::prometheus_protobuf::prometheus_data_model::{
    LabelPair, MetricFamily, MetricType,
};

use super::encoder::Encoder;
use super::format::Encoding;
use super::sample;
use crate::export::births::View;
use crate::export::catalog::{self, Desc, Kind};
use crate::export::metrics::{Metrics, Sample};
use crate::export::names::Escaping;
use crate::export::targets::Shared;
use crate::labels::Labels;

/// One exposition for one scraper.
pub struct Exposition {
    metrics: Arc<Metrics>,
    encoding: Encoding,
    view: View,
    scraper: String,
}

impl Exposition {
    /// Exposition for a scraper, by whatever identifies it.
    pub fn new(metrics: &Arc<Metrics>, encoding: Encoding, scraper: String) -> Self {
        Self {
            metrics: Arc::clone(metrics),
            view: metrics.births().view(&scraper),
            encoding,
            scraper,
        }
    }

    /// Writes the exposition and returns `out`. No lock is held while `out` blocks.
    ///
    /// # Errors
    /// If `out` fails; nothing of the exposition is of use then.
    pub fn write<W: Write>(&self, out: W) -> io::Result<W> {
        write(&self.metrics, self.encoding, self.view, out)
    }

    /// Notes that the scraper has all of the exposition: new series that it showed at 0 count in
    /// the scraper's next one.
    pub fn delivered(&self) {
        let births = self.metrics.births();
        births.delivered(&self.scraper, self.view);
    }
}

/// Returns the whole exposition, in which every series counts.
///
/// # Errors
/// If it can't be encoded.
pub fn encode(metrics: &Metrics, encoding: Encoding) -> io::Result<Vec<u8>> {
    let view = metrics.births().everything();
    write(metrics, encoding, view, Vec::new())
}

fn write<W: Write>(metrics: &Metrics, encoding: Encoding, view: View, out: W) -> io::Result<W> {
    let settings = metrics.settings();
    let mut encoder = Encoder::new(out, encoding, settings.created_series);
    let escaping = encoding.escaping;
    let rows = rows(metrics.targets(), escaping);
    let mut read = Vec::new();
    for metric in catalog::of_targets() {
        let desc = &metric.desc;
        if !settings.wants(&desc.exposed()) {
            continue;
        }
        encoder.family(family(desc))?;
        for (labels, target) in &rows {
            Metrics::read_target(metric, target, view, &mut |sample| {
                read.push(sample::of(desc, pairs(escaping, labels, &sample), &sample));
            });
            for metric in read.drain(..) {
                encoder.metric(metric)?;
            }
        }
    }
    let mut failed = None;
    let none = Labels::new();
    metrics.read_daemon(view, &mut |desc, emit| {
        if failed.is_some() || !settings.wants(&desc.exposed()) {
            return;
        }
        failed = encoder.family(family(desc)).err();
        emit(&mut |sample| {
            if failed.is_none() {
                let pairs = pairs(escaping, &none, &sample);
                failed = encoder.metric(sample::of(desc, pairs, &sample)).err();
            }
        });
    });
    match failed {
        Some(error) => Err(error),
        None => encoder.finish(),
    }
}

/// A family without metrics.
fn family(desc: &Desc) -> MetricFamily {
    let kind = match desc.kind {
        Kind::Counter => MetricType::Counter,
        Kind::Gauge | Kind::Info => MetricType::Gauge,
        Kind::Histogram(_) => MetricType::Histogram,
    };
    MetricFamily {
        name: desc.exposed(),
        help: desc.help.to_string(),
        r#type: kind as i32,
        unit: desc.unit.suffix().into(),
        ..MetricFamily::default()
    }
}

/// The labels of a series: those of its target, which are escaped already, and its own.
pub(super) fn pairs(escaping: Escaping, target: &Labels, sample: &Sample<'_>) -> Vec<LabelPair> {
    let own = sample.point.labels.iter();
    let own = own.map(|(name, value)| sample::pair(escaping.escape(name), value));
    let target = target.iter().map(|(name, value)| sample::pair(name, value));
    target.chain(own).collect()
}

/// The targets by the labels that an exposition shows. No two have the same labels there, or their
/// samples would be duplicates.
pub(super) fn rows(
    all: Vec<(Arc<Labels>, Shared)>,
    escaping: Escaping,
) -> Vec<(Arc<Labels>, Shared)> {
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
