//! What of a stream is kept as evidence: the generations around a finding.

use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;

use super::tap::SharedTape;
use crate::analysis::Heard;
use crate::daemon::analyst::Analyst;
use crate::evidence::{Evidence, Item, Kept, Settings, Tape};
use crate::labels::Labels;
use crate::report::Report;
use crate::trace::Input;

/// Watches one trace of a stream for what is worth keeping.
pub struct Scene {
    evidence: Arc<Evidence>,
    /// What the tape was made by.
    settings: Arc<Settings>,
    tape: SharedTape,
    taken: Option<Taken>,
}

/// What is being kept: the generations up to a finding, and those after it as
/// they come.
struct Taken {
    item: Item,
    report: Report,
    trace: Vec<u8>,
    /// How many more generations.
    left: usize,
}

impl Scene {
    /// Nothing came yet.
    pub fn new(evidence: Arc<Evidence>) -> Self {
        let settings = evidence.settings();
        let tape = Tape::new(settings.before + 1, settings.buffer);
        Self {
            evidence,
            settings,
            tape: Arc::new(Mutex::new(tape)),
            taken: None,
        }
    }

    /// What records the trace.
    pub fn tape(&self) -> SharedTape {
        Arc::clone(&self.tape)
    }

    /// Whether this records what is wanted now; a reload may have changed that.
    pub fn is_wanted(&self, now: Option<&Arc<Evidence>>) -> bool {
        let same = now.is_some_and(|now| Arc::ptr_eq(now, &self.evidence));
        let tape = |settings: &Settings| (settings.before, settings.buffer);
        same && tape(&self.evidence.settings()) == tape(&self.settings)
    }

    /// A generation told something; `asked` is why somebody else wants it to be
    /// kept. A report whose trace is kept says where.
    pub fn hear(
        &mut self,
        analyst: &Analyst,
        target: &Labels,
        heard: &mut Heard,
        asked: Option<String>,
    ) {
        let mut tape = self.tape.lock().unwrap_or_else(PoisonError::into_inner);
        let bytes = match heard.last {
            true => None,
            false => tape.cut(heard.end),
        };
        if let Some(taken) = &mut self.taken {
            match bytes {
                Some(bytes) if taken.left > 0 => {
                    taken.trace.extend(bytes);
                    taken.left -= 1;
                }
                _ => taken.left = 0,
            }
            let worth = |s| s >= Some(self.evidence.settings().severity);
            if worth(heard.report.worst()) {
                heard.report.evidence = Some(self.evidence.url(&taken.item.id));
            }
        } else if let Some(trace) = tape.trace() {
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
                });
            } else {
                report.evidence = self.evidence.recent(target, report);
            }
        }
        drop(tape);
        if let Some(taken) = self.taken.take_if(|taken| taken.left == 0 || heard.last) {
            let Taken {
                item,
                report,
                trace,
                ..
            } = taken;
            let source = &report.trace.source;
            let analyse = |input: Input<'_>| analyst.again(input, source, target);
            self.evidence
                .keep(item, &report, Kept::Bytes(trace), &analyse);
        }
    }
}
