//! Analysis of files: each trace counts once, by its content.

use std::io;
use std::sync::Arc;
use std::time::Instant;

use super::Pipeline;
use super::memory::{BASE, Reservation};
use super::outcome::{Analyzed, CaptureOutcome};
use crate::daemon::failure::{Failure, Reason};
use crate::daemon::identity::{Identity, changed};
use crate::daemon::processed::{Claim, ProcessedSet, Verdict};
use crate::export::otlp::Receipt;
use crate::source::activity::{Activity, Observed};
use crate::source::directory::{After, FileTrace, Shelf};
use crate::source::{Limits, decompressed, from_seekable};

/// Analysis of the traces in files.
pub(crate) struct Files {
    pipeline: Arc<Pipeline>,
    processed: Arc<ProcessedSet>,
}

/// File with a trace that no other thread analyzes.
struct Claimed<'a> {
    trace: &'a FileTrace,
    file: Observed,
    identity: Identity,
    /// Whether an earlier process counted the trace: only its OTLP export is missing.
    counted: bool,
}

/// Traces of a file that was read.
struct Read {
    started: Instant,
    room: Reservation,
    traces: Vec<(String, Analyzed)>,
}

impl Files {
    /// Creates an analysis that records its files in `processed`.
    pub(crate) fn new(pipeline: Arc<Pipeline>, processed: Arc<ProcessedSet>) -> Self {
        Self {
            pipeline,
            processed,
        }
    }

    /// Analyzes the trace in a file unless it was analyzed before. `room` waits for memory and
    /// returns `None` when the daemon stops.
    pub(crate) fn analyze(
        self: &Arc<Self>,
        trace: &FileTrace,
        activity: &Arc<Activity>,
        room: impl Fn(u64) -> Option<Reservation>,
    ) {
        let Some(claimed) = self.claim(trace, activity) else {
            return;
        };
        let Some(read) = self.read(&claimed, room) else {
            return self.processed.release(claimed.identity);
        };
        if self.is_final(&claimed, &read, activity) {
            self.publish(claimed, read);
        }
    }

    /// Claims the trace of a file. Returns `None` if the trace is not to be read now.
    fn claim<'a>(&self, trace: &'a FileTrace, activity: &Arc<Activity>) -> Option<Claimed<'a>> {
        let opened = activity.call(|| trace.open()).and_then(|file| {
            let Some(file) = file else { return Ok(None) };
            let changed = changed(&file)?;
            let mut file = Observed::new(file, Arc::clone(activity));
            Ok(Some((Identity::of(&mut file)?, changed, file)))
        });
        let (identity, changed, file) = match opened {
            // `None`: the file changed after it was listed; the watcher reports it again.
            Ok(opened) => opened?,
            // A trace that is deleted before it was read is skipped.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
            Err(error) => {
                self.put_off(trace, &error);
                return None;
            }
        };
        let counted = match self.processed.claim(identity, changed) {
            Claim::Granted => false,
            Claim::Counted => true,
            Claim::Crashed => {
                self.set_aside(trace, identity);
                return None;
            }
            Claim::Taken => {
                // The copy may have to be put away as well, or read if the other reader fails.
                trace.taken();
                return None;
            }
            Claim::Done(verdict) => {
                let source = trace.source();
                tracing::debug!(source, "trace skipped: it was analyzed before");
                put_away(trace, verdict);
                return None;
            }
        };
        Some(Claimed {
            trace,
            file,
            identity,
            counted,
        })
    }

    /// Analyzes all traces of a file. Returns `None` when the daemon stops.
    fn read(
        &self,
        claimed: &Claimed<'_>,
        room: impl Fn(u64) -> Option<Reservation>,
    ) -> Option<Read> {
        let (trace, source) = (claimed.trace, claimed.trace.source());
        let mut wanted = BASE;
        loop {
            let room = room(wanted)?;
            let turn = self.processed.begin(claimed.identity);
            let started = Instant::now();
            let limits = Limits::of_memory(room.allowance());
            let traces = match from_seekable(claimed.file.clone(), trace.length(), &limits) {
                Ok(input) => {
                    let analyzer = self.pipeline.analyzer();
                    analyzer.analyze_all(input, &source, &trace.labels)
                }
                Err(error) => vec![(source.clone(), Analyzed::io(error))],
            };
            drop(turn);
            // If other traces held the memory that this one needs, it waits for that memory and
            // holds none meanwhile.
            let too_large = traces.iter().any(|(_, analyzed)| analyzed.is_too_large());
            match room.lacked().filter(|_| too_large) {
                Some(lacked) => wanted = lacked.saturating_mul(2),
                None => {
                    return Some(Read {
                        started,
                        room,
                        traces,
                    });
                }
            }
        }
    }

    /// Whether the result counts. If not, releases the trace; the file is offered again later.
    fn is_final(&self, claimed: &Claimed<'_>, read: &Read, activity: &Activity) -> bool {
        let trace = claimed.trace;
        let source = trace.source();
        if matches!(activity.call(|| trace.is_unchanged()), Ok(false)) {
            tracing::info!(source, "file changed while it was read; it is read again");
            self.processed.release(claimed.identity);
            return false;
        }
        let mut all = read.traces.iter().map(|(_, analyzed)| analyzed);
        if !trace.is_final && all.clone().any(Analyzed::is_incomplete) {
            tracing::debug!(source, "trace is truncated and may still be written");
            self.processed.release(claimed.identity);
            trace.incomplete();
            return false;
        }
        if let Some(error) = all.find_map(Analyzed::transient_error) {
            self.processed.release(claimed.identity);
            self.put_off(trace, error);
            return false;
        }
        true
    }

    /// Publishes the traces of a file. The file is done once the OTLP receiver has acknowledged
    /// its findings.
    fn publish(self: &Arc<Self>, claimed: Claimed<'_>, read: Read) {
        let Claimed {
            trace,
            file,
            identity,
            counted,
        } = claimed;
        let mut traces = read.traces;
        let all = traces.iter().map(|(_, analyzed)| analyzed);
        let verdict = all.clone().map(Analyzed::verdict).max();
        let verdict = verdict.unwrap_or(Verdict::Failed);
        let lasting = all.clone().all(Analyzed::is_lasting);
        let outcome = |(source, analyzed)| {
            let took = read.started.elapsed();
            CaptureOutcome::new(&trace.labels, source, took).with(analyzed, None)
        };
        let more = traces.split_off(traces.len().min(1));
        let Some(first) = traces.pop() else {
            return self.processed.release(identity);
        };
        for more in more {
            match counted {
                true => self.pipeline.remember(outcome(more)),
                false => self.pipeline.publish(outcome(more)),
            }
        }
        let mut first = outcome(first);
        let pushed = trace.pushed.as_ref();
        first.number = pushed.and_then(|pushed| pushed.report);
        if !counted {
            // The file may be deleted or moved soon.
            let limits = Limits::of_memory(read.room.allowance());
            let asked = pushed.and_then(|pushed| pushed.reason.as_deref());
            self.pipeline.keep(&mut first, asked, &limits, || {
                let mut recording = self.pipeline.evidence()?.record()?;
                let mut reader = decompressed(file, &limits).ok()?;
                let read = io::copy(&mut reader, &mut recording);
                // A trace that exceeds the size limit counts as lost. One that cannot be read to
                // its end is not kept.
                (read.is_ok() || recording.bytes().is_err()).then_some(recording)
            });
            self.pipeline.count(&first);
        }
        // This comes last: if the daemon is killed before, the trace is analyzed again.
        let (files, trace) = (Arc::clone(self), trace.clone());
        let done = move || {
            files.processed.done(identity, verdict, lasting);
            if lasting {
                put_away(&trace, verdict);
            }
        };
        let otlp = &self.pipeline.sinks.otlp;
        if otlp.is_enabled() {
            if lasting && !counted {
                self.processed.counted(identity);
            }
            otlp.record(&first, Some(Receipt::new(done)));
        } else {
            done();
        }
        self.pipeline.remember(first);
    }

    /// Counts a trace that is not read again because gotracer died each time it read it.
    fn set_aside(&self, trace: &FileTrace, identity: Identity) {
        let why = "gotracer died twice while it read this trace; `gotracer analyze` shows why. \
                   Touch the file, or upgrade gotracer, to retry";
        let failure = Failure::new(Reason::Crashed, why);
        self.pipeline.fail(&trace.labels, trace.source(), failure);
        self.processed.done(identity, Verdict::Crashed, true);
        put_away(trace, Verdict::Crashed);
    }

    /// Schedules a file that cannot be read for another attempt. Only the first attempt counts as
    /// a failure.
    fn put_off(&self, trace: &FileTrace, error: &io::Error) {
        let source = trace.source();
        if trace.tries == 0 {
            let failure = Failure::new(Reason::Unreadable, error.to_string());
            self.pipeline.fail(&trace.labels, source, failure);
        } else {
            tracing::debug!(source, %error, tries = trace.tries, "file still cannot be read");
        }
        trace.retry();
    }
}

fn put_away(trace: &FileTrace, verdict: Verdict) {
    let shelf = match verdict {
        Verdict::Clean => Shelf::Done,
        Verdict::Found => Shelf::Findings,
        // The trace is needed to find the cause.
        Verdict::Crashed if trace.after == After::Delete => return,
        Verdict::Failed | Verdict::Crashed => Shelf::Failed,
    };
    if let Err(error) = trace.put_away(shelf) {
        if trace.tries == 0 {
            let source = trace.source();
            tracing::error!(source, %error, "cannot move or delete the trace; retrying");
        }
        trace.retry();
    }
}
