//! Metrics of the evidence: traces that are kept.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};

use super::{Emit, Group, Kind, Metric, Point, Unit, counter, gauge};
use crate::evidence::{Lost, Stats};

/// Metrics of the evidence.
pub static METRICS: LazyLock<Vec<Metric<Arc<Stats>>>> = LazyLock::new(|| {
    vec![
        counter(
            "gotracer_evidence_kept",
            "Traces that were kept as evidence.",
            |s: &Arc<Stats>| load(&s.kept),
        ),
        counter(
            "gotracer_evidence_upload_failures",
            "Attempts to upload evidence to its bucket, or to delete some there, that failed. They \
             are made again.",
            |s: &Arc<Stats>| load(&s.upload_failures),
        ),
        Metric::new(
            Kind::Counter,
            "gotracer_evidence_lost",
            "Traces that were to be kept as evidence and are not, by reason: disk, names, quota, \
             waiting, missing (deleted, and not by gotracer).",
            |stats: &Arc<Stats>, emit: &mut Emit<'_>| {
                for why in Lost::ALL {
                    emit(Point::new(&[("reason", why.name())], stats.lost(why)));
                }
            },
        )
        .labels(&["reason"]),
        gauge(
            "gotracer_evidence_traces",
            "Traces that are kept as evidence now.",
            |s: &Arc<Stats>| Some(load(&s.traces)),
        ),
        gauge(
            "gotracer_evidence",
            "Size of the traces that are kept now; see max_bytes.",
            |s: &Arc<Stats>| Some(load(&s.bytes)),
        )
        .unit(Unit::Bytes),
        gauge(
            "gotracer_evidence_waiting",
            "Size of the traces that wait to be uploaded to the bucket; see max_waiting_bytes.",
            |s: &Arc<Stats>| Some(load(&s.waiting_bytes)),
        )
        .unit(Unit::Bytes),
    ]
});

fn load(of: &AtomicU64) -> u64 {
    of.load(Ordering::Relaxed)
}

/// The metrics of the evidence, while any is kept.
pub fn part(stats: Arc<Stats>) -> Group<Arc<Stats>> {
    Group::new(&METRICS, move || {
        let on = stats.on.load(Ordering::Relaxed);
        on.then(|| Arc::clone(&stats))
    })
}
