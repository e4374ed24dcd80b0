//! Captures each target at its interval until the target is removed.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::{Instant, sleep_until, timeout_at};
use tokio_util::sync::CancellationToken;

use super::failure::{Failure, Reason};
use super::leak_profiles::LeakProfiles;
use super::pipeline::{Analyzed, BASE, CaptureOutcome, Memory, Pipeline, Reservation};
use super::schedule::{Turns, fraction, until};
use super::scrape_budget::ScrapeBudget;
use super::target_table::{Last, TargetTable};
use crate::backoff::Backoff;
use crate::evidence::Recording;
use crate::export::Metrics;
use crate::labels::Labels;
use crate::source::Limits;
use crate::source::scrape::{Capture, ScrapeError, Scraper, Target};

/// Bytes of a trace that are received before its analysis begins. So nearly all traces are complete then, and take a
/// thread and the memory of an analysis for milliseconds, not for as long as the program traces.
const GATHERED: usize = 4 << 20;

/// Captures of one target.
pub(super) struct Captures {
    /// HTTP client of the target.
    pub scraper: Scraper,
    /// Pipeline that analyzes the captures.
    pub pipeline: Arc<Pipeline>,
    /// Metrics of missed intervals.
    pub metrics: Arc<Metrics>,
    /// Table of the targets.
    pub table: Arc<TargetTable>,
    /// Memory budget.
    pub memory: Memory,
    /// Permits to query targets. Each query takes a connection.
    pub asking: Arc<Semaphore>,
    /// Permits to read traces. One of more than [`GATHERED`] bytes takes a thread, which waits for the network most of
    /// the time.
    pub reading: Arc<Semaphore>,
    /// Memory that the last trace took, bytes.
    pub last_peak: AtomicU64,
}

/// Result of one interval.
enum Captured {
    /// The capture ended, with a trace of this many bytes or without one.
    Done(u64),
    /// Another client traces the target.
    Busy,
    /// No memory or thread was free in time.
    Missed,
}

impl Captures {
    /// Captures a target at every interval until `stop`. The moment within the interval depends
    /// only on the target and the wall clock: a restart or another daemon that takes over the
    /// target does not shift it. A capture that has begun is finished.
    pub(super) async fn follow(self, target: Target, alone: bool, stop: CancellationToken) {
        let options = self.scraper.options();
        let interval = options.interval;
        let mut budget = ScrapeBudget::new(options.scrape_budget, interval);
        let offset = if alone {
            Duration::ZERO
        } else {
            until(interval.mul_f64(fraction(&target)), interval)
        };
        let mut next = Instant::now() + offset;
        let mut leaks = LeakProfiles::new();
        let mut refused = 0;
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = sleep_until(next) => {}
            }
            let permit = tokio::select! {
                () = stop.cancelled() => return,
                permit = self.asking.acquire() => permit,
            };
            let turn = self.table.turn(&target);
            let mine = tokio::select! {
                () = stop.cancelled() => return,
                mine = turn.lock() => mine,
            };
            let seconds = budget.seconds(self.scraper.options().seconds);
            // Boxed, as the request below: most targets wait for their next capture and need neither.
            let captured = Box::pin(self.capture(&target, seconds)).await;
            if let Captured::Done(1..) = captured {
                let of = (&self.scraper, &target);
                let to = (&*self.metrics, &self.table);
                Box::pin(leaks.request(of, to, &self.memory)).await;
            }
            drop((mine, permit));
            let now = Instant::now();
            if let Captured::Busy = captured {
                refused += 1;
                next = now + self.back_off(refused);
                continue;
            }
            refused = 0;
            let pause = match captured {
                Captured::Done(bytes) if bytes > 0 => budget.spend(bytes, target.seconds(seconds)),
                _ => 1,
            };
            let turns = Turns::after(now.saturating_duration_since(next), interval, pause);
            let missed = turns.missed + u64::from(matches!(captured, Captured::Missed));
            self.metrics.missed(&target.labels, missed);
            next += interval.saturating_mul(turns.taken);
        }
    }

    /// Returns the wait before the next attempt while another client traces the target: the length
    /// of a trace, doubled after each attempt, up to the interval.
    fn back_off(&self, refused: u32) -> Duration {
        let options = self.scraper.options();
        let trace = Duration::from_secs(options.seconds.into());
        Backoff::new(trace, options.interval).jittered(refused)
    }

    /// Captures once.
    async fn capture(&self, target: &Target, seconds: u32) -> Captured {
        let started = Instant::now();
        let source = target.url().to_string();
        let (failure, captured) = match begin(&self.scraper, target, seconds).await {
            Ok(capture) => match self.room(&capture).await {
                Some(room) => {
                    let (failure, bytes) = self.read(target, capture, started, room).await;
                    (failure, Captured::Done(bytes))
                }
                None => {
                    tracing::warn!(
                        target = source,
                        "not captured: no memory or thread was free in time"
                    );
                    return Captured::Missed;
                }
            },
            Err(error) => {
                let captured = match error {
                    ScrapeError::AlreadyTracing => Captured::Busy,
                    _ => Captured::Done(0),
                };
                let failure = Failure::from(&error);
                self.pipeline.fail(&target.labels, source, failure.clone());
                (Some(failure), captured)
            }
        };
        let last = Last {
            at: SystemTime::now(),
            took: started.elapsed(),
            failure,
        };
        self.table.captured(target, last);
        captured
    }

    /// Waits for a thread and for memory for a trace whose first bytes have arrived. Returns `None`
    /// if they are not free before the capture's deadline.
    async fn room(&self, capture: &Capture) -> Option<Room<'_>> {
        let expected = self.last_peak.load(Ordering::Relaxed);
        let room = async {
            let thread = self.reading.acquire().await.ok()?;
            let memory = self.memory.reserve(expected.max(BASE)).await;
            Some((memory, thread))
        };
        timeout_at(capture.deadline(), room).await.ok()?
    }

    /// Analyzes a trace while it is received, and returns its failure and its bytes.
    async fn read(
        &self,
        target: &Target,
        capture: Capture,
        started: Instant,
        (room, _thread): Room<'_>,
    ) -> (Option<Failure>, u64) {
        if let Some(why) = capture.profile_refused() {
            tracing::info!(target = %target.url(), error = why, "no CPU profile");
            self.metrics.profile_refused(&target.labels);
        }
        let read = read(&self.pipeline, target, capture, &room, true).await;
        let mut bytes = 0;
        for (_, analyzed) in &read.traces {
            if let Analyzed::Read(outcome) = analyzed {
                self.last_peak.store(room.peak(), Ordering::Relaxed);
                bytes += outcome.report.trace.bytes;
            }
        }
        let took = started.elapsed();
        let failure = conclude(&self.pipeline, target, took, read, None, &room).await;
        (failure, bytes)
    }
}

/// Memory and thread for one trace.
type Room<'a> = (Reservation, SemaphorePermit<'a>);

/// Requests a trace and waits for its first byte, so that a silent target takes no memory and no
/// thread.
pub(super) async fn begin(
    scraper: &Scraper,
    target: &Target,
    seconds: u32,
) -> Result<Capture, ScrapeError> {
    let mut capture = scraper.open(target, seconds).await?;
    capture.begin().await?;
    Ok(capture)
}

/// Traces of a capture that were analyzed: usually one, but a target may answer with several.
pub(super) struct Read {
    /// Name and result of each trace.
    pub traces: Vec<(String, Analyzed)>,
    /// Reason why the source ended before the last trace did.
    pub early: Option<Failure>,
    /// Recording of the traces, if evidence may be kept.
    pub recording: Option<Recording>,
}

impl Read {
    /// Returns the outcome of each trace, and the recording of all.
    pub(super) fn into_outcomes(
        self,
        labels: &Arc<Labels>,
        took: Duration,
    ) -> (Vec<CaptureOutcome>, Option<Recording>) {
        let Self {
            traces,
            mut early,
            recording,
        } = self;
        let last = traces.len().saturating_sub(1);
        let outcome = |(n, (source, analyzed))| {
            let early = early.take_if(|_| n == last);
            CaptureOutcome::new(labels, source, took).with(analyzed, early)
        };
        let outcomes = traces.into_iter().enumerate().map(outcome).collect();
        (outcomes, recording)
    }
}

/// Receives and analyzes a trace within the reserved memory, and records it if `record` is set.
pub(super) async fn read(
    pipeline: &Arc<Pipeline>,
    target: &Target,
    mut capture: Capture,
    room: &Reservation,
    record: bool,
) -> Read {
    let limits = Limits {
        memory: room.allowance(),
        bytes: capture.limit(),
    };
    let complete = capture.gather(GATHERED, limits.memory.share()).await;
    // Those that are complete wait for a core, in the order of their ends.
    let _turn = match complete {
        true => pipeline.turn().await,
        false => None,
    };
    let (reader, feed) = capture.split();
    let evidence = pipeline.evidence().filter(|_| record);
    let recording = evidence.and_then(|evidence| evidence.record());
    let pipeline = Arc::clone(pipeline);
    let (source, labels) = (target.url().to_string(), Arc::clone(&target.labels));
    let analysis = tokio::task::spawn_blocking(move || {
        let analyzer = pipeline.analyzer();
        match recording {
            Some(recording) => {
                let reader = recording.of(reader);
                let traces = analyzer.read(reader, &source, &labels, &limits);
                (traces, Some(recording))
            }
            None => (analyzer.read(reader, &source, &labels, &limits), None),
        }
    });
    let early = feed.await.err();
    // Panics of the analysis are caught where it runs.
    let (traces, recording) = analysis.await.unwrap_or_else(|error| {
        let panicked = Analyzed::Panicked(error.to_string());
        (vec![(target.url().to_string(), panicked)], None)
    });
    Read {
        traces,
        early: early.as_ref().map(Failure::from),
        recording,
    }
}

/// Publishes the result of a capture, and returns its failure. The trace is kept if a finding or a
/// request (`asked`) justifies it, which may take a while.
pub(super) async fn conclude(
    pipeline: &Arc<Pipeline>,
    target: &Target,
    took: Duration,
    read: Read,
    asked: Option<String>,
    room: &Reservation,
) -> Option<Failure> {
    let pipeline = Arc::clone(pipeline);
    let limits = Limits::of_memory(room.allowance());
    let labels = Arc::clone(&target.labels);
    let concluded = tokio::task::spawn_blocking(move || {
        let (outcomes, mut recording) = read.into_outcomes(&labels, took);
        let recorded = recording.is_some();
        let mut failure = None;
        for outcome in outcomes {
            let failed = outcome.failure.clone();
            // The recording has all traces, and is kept once.
            if recorded && recording.is_none() {
                pipeline.publish(outcome);
            } else {
                pipeline.conclude(outcome, &mut recording, asked.as_deref(), &limits);
            }
            failure = failure.or(failed);
        }
        failure
    });
    concluded.await.unwrap_or_else(|error| {
        tracing::error!(%error, "capture not counted");
        Some(Failure::new(Reason::Panic, error.to_string()))
    })
}
