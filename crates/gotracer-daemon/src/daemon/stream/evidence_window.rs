//! Evidence from a stream: the generations before and after a finding.

use std::sync::Arc;

use jiff::Timestamp;
use parking_lot::Mutex;

use super::metered_reader::SharedRing;
use crate::analysis::Heard;
use crate::daemon::pipeline::Analyzer;
use crate::evidence::{Again, Evidence, GenerationRing, Item, Kept, Settings};
use crate::labels::Labels;
use crate::report::Report;
use crate::source::Limits;
use crate::trace::internal::{Share, of_vec};
use crate::trace::{Allowance, Input};

/// Evidence window of one trace of a stream.
pub(super) struct EvidenceWindow {
    evidence: Arc<Evidence>,
    /// Settings that the ring buffer was created with.
    settings: Arc<Settings>,
    ring: SharedRing,
    taken: Option<Taken>,
    memory: Allowance,
}

/// Evidence being collected: the generations up to a finding, and those after it.
struct Taken {
    item: Item,
    report: Report,
    trace: Vec<u8>,
    /// Number of generations still to add.
    left: usize,
    /// Memory of the trace.
    share: Share,
}

impl Taken {
    /// Whether this many more bytes fit in memory.
    fn has_room(&mut self, more: usize) -> bool {
        self.share.hold(of_vec(&self.trace, more)).is_ok()
    }
}

impl EvidenceWindow {
    /// Creates an empty window.
    pub(super) fn new(evidence: Arc<Evidence>, memory: Allowance) -> Self {
        let settings = evidence.settings();
        let ring = GenerationRing::new(settings.before + 1, settings.buffer, &memory);
        Self {
            evidence,
            settings,
            ring: Arc::new(Mutex::new(ring)),
            taken: None,
            memory,
        }
    }

    /// Returns the ring buffer that records the trace.
    pub(super) fn ring(&self) -> SharedRing {
        Arc::clone(&self.ring)
    }

    /// Whether the window still matches the settings in force.
    pub(super) fn is_wanted(&self, now: Option<&Arc<Evidence>>) -> bool {
        let same = now.is_some_and(|now| Arc::ptr_eq(now, &self.evidence));
        let ring = |settings: &Settings| (settings.before, settings.buffer);
        same && ring(&self.evidence.settings()) == ring(&self.settings)
    }

    /// Adds a generation; `asked` is the reason of a request to keep the trace, if any. Sets the
    /// URL of the evidence in the report.
    pub(super) fn hear(
        &mut self,
        analyzer: &Analyzer,
        target: &Labels,
        heard: &mut Heard,
        asked: Option<String>,
    ) {
        let mut ring = self.ring.lock();
        let bytes = match heard.last {
            true => None,
            false => ring.cut(heard.end),
        };
        if let Some(taken) = &mut self.taken {
            match bytes {
                Some(bytes) if taken.left > 0 && taken.has_room(bytes.len()) => {
                    taken.trace.extend(bytes);
                    taken.left -= 1;
                }
                _ => taken.left = 0,
            }
            let worth = |s| s >= Some(self.evidence.settings().severity);
            if worth(heard.report.worst()) {
                heard.report.evidence = Some(self.evidence.url(&taken.item.id));
            }
        } else if let Some(trace) = ring.trace() {
            let (report, now) = (&mut heard.report, Timestamp::now());
            let found = self.evidence.judge(target, report, now);
            let asked = || Some(self.evidence.item(target, report, now, &asked?));
            if let Some(item) = found.or_else(asked) {
                report.evidence = Some(self.evidence.url(&item.id));
                let left = if heard.last {
                    0
                } else {
                    self.evidence.settings().after
                };
                self.taken = Some(Taken {
                    item,
                    report: report.clone(),
                    trace,
                    left,
                    share: self.memory.share(),
                });
            } else {
                report.evidence = self.evidence.recent(target, report);
            }
        }
        drop(ring);
        if let Some(taken) = self.taken.take_if(|taken| taken.left == 0 || heard.last) {
            let Taken {
                item,
                report,
                trace,
                ..
            } = taken;
            let source = &report.trace.source;
            let report_of = |input: Input<'_>| analyzer.report(input, source, target);
            let again = Again {
                report: &report_of,
                limits: &Limits::of_memory(self.memory.clone()),
            };
            self.evidence
                .keep(item, &report, Kept::Bytes(trace), &again);
        }
    }
}
