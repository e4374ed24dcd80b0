//! Captures each target now and then, for as long as it is a target.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::analyst::{Analysed, Analyst};
use super::board::Last;
use super::failure::Failure;
use crate::evidence::Recording;
use crate::source::scrape::{Capture, ScrapeError, Scraper, Target};

/// How many bytes a second of a busy program's trace has.
pub const BUSY: u64 = 6 << 20;

/// Captures targets.
pub struct Captures {
    /// Asks.
    pub scraper: Scraper,
    /// Analyses.
    pub analyst: Arc<Analyst>,
    /// How many captures run at a time. Each has a thread, which waits for
    /// the network most of the time.
    pub permits: Arc<Semaphore>,
    /// How large the last trace was, bytes.
    pub last_size: AtomicU64,
}

impl Captures {
    /// Captures a target at every interval until told to stop, at a moment in
    /// it that depends on the target and on the wall clock alone: a restart
    /// does not shift it, and another daemon that takes the target over goes
    /// on in time. A capture that was begun is finished.
    pub async fn follow(self, target: Target, alone: bool, stop: CancellationToken) {
        let interval = self.scraper.options().interval;
        let offset = if alone {
            Duration::ZERO
        } else {
            until(interval.mul_f64(fraction(&target)), interval)
        };
        let mut next = Instant::now() + offset;
        let mut refused = 0;
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = sleep_until(next) => {}
            }
            let permit = tokio::select! {
                () = stop.cancelled() => return,
                permit = self.permits.acquire() => permit,
            };
            let turn = self.analyst.board.turn(&target);
            let mine = tokio::select! {
                () = stop.cancelled() => return,
                mine = turn.lock() => mine,
            };
            let room = tokio::select! {
                () = stop.cancelled() => return,
                room = self.analyst.memory.reserve(self.expected_size()) => room,
            };
            let busy = self.capture(&target).await;
            drop((mine, permit, room));
            refused = if busy { refused + 1 } else { 0 };
            let now = Instant::now();
            next = if busy {
                now + self.back_off(refused, &target)
            } else {
                // Missed turns are left out, not made up for.
                let late = now.saturating_duration_since(next).as_nanos();
                let turns = late / interval.as_nanos().max(1) + 1;
                next + interval.saturating_mul(u32::try_from(turns).unwrap_or(u32::MAX))
            };
        }
    }

    /// How large the next trace may be, bytes: half as large again as the last
    /// one, or what a busy program writes.
    fn expected_size(&self) -> u64 {
        let options = self.scraper.options();
        let expected = match self.last_size.load(Ordering::Relaxed) {
            0 => BUSY.saturating_mul(options.seconds.into()),
            last => last.saturating_add(last / 2),
        };
        expected.min(options.limit)
    }

    /// Who is traced by somebody else is asked again when that trace may be
    /// over, and less and less often up to the interval.
    fn back_off(&self, refused: u32, target: &Target) -> Duration {
        let options = self.scraper.options();
        let trace = Duration::from_secs(options.seconds.into());
        let wait = trace
            .saturating_mul(1 << refused.min(10))
            .min(options.interval);
        wait.mul_f64(0.5 + 0.5 * fraction(target))
    }

    /// Captures once. True if somebody else traces the target.
    async fn capture(&self, target: &Target) -> bool {
        let started = Instant::now();
        let source = target.url().to_string();
        let (failure, busy) = match self.scraper.open(target).await {
            Ok(capture) => (self.read(target, capture, started).await, false),
            Err(error) => {
                let busy = matches!(error, ScrapeError::AlreadyTracing);
                let labels = &target.labels;
                (self.analyst.no_capture(labels, source, &error), busy)
            }
        };
        let last = Last {
            at: SystemTime::now(),
            took: started.elapsed(),
            failure,
        };
        self.analyst.board.captured(target, last);
        busy
    }

    /// Analyses what comes in, and tells what failed.
    async fn read(
        &self,
        target: &Target,
        capture: Capture,
        started: Instant,
    ) -> Option<(Failure, String)> {
        let (outcome, early, recording) = read(&self.analyst, target, capture, true).await;
        if let Ok(Ok(outcome)) = &outcome {
            let size = outcome.report.trace.bytes;
            self.last_size.store(size, Ordering::Relaxed);
        }
        let took = started.elapsed();
        let evidence = (recording, None);
        conclude(&self.analyst, target, took, outcome, early, evidence).await
    }
}

/// Analyses what comes in, and tells why its source ended early, if it did. It
/// may be recorded, in case it is evidence.
pub async fn read(
    analyst: &Arc<Analyst>,
    target: &Target,
    capture: Capture,
    record: bool,
) -> (Analysed, Option<(Failure, String)>, Option<Recording>) {
    let (reader, feed) = capture.split();
    let evidence = analyst.evidence.now().filter(|_| record);
    let recording = evidence.and_then(|evidence| evidence.record());
    let analyst = Arc::clone(analyst);
    let (source, labels) = (target.url().to_string(), Arc::clone(&target.labels));
    let analysis = tokio::task::spawn_blocking(move || match recording {
        Some(recording) => {
            let reader = recording.of(reader);
            let outcome = analyst.stream(reader, &source, &labels);
            (outcome, Some(recording))
        }
        None => (analyst.stream(reader, &source, &labels), None),
    });
    let early = feed.await.err();
    let early = early.map(|e| (Failure::from(&e), e.to_string()));
    // Panics of the analysis are caught where it runs.
    let (outcome, recording) = analysis
        .await
        .unwrap_or_else(|e| (Err(e.to_string()), None));
    (outcome, early, recording)
}

/// Tells everyone what became of a capture, and gives what failed. Keeping its
/// trace may take a while.
pub async fn conclude(
    analyst: &Arc<Analyst>,
    target: &Target,
    took: Duration,
    outcome: Analysed,
    early: Option<(Failure, String)>,
    (recording, asked): (Option<Recording>, Option<String>),
) -> Option<(Failure, String)> {
    let analyst = Arc::clone(analyst);
    let (source, labels) = (target.url().to_string(), Arc::clone(&target.labels));
    let concluded = tokio::task::spawn_blocking(move || {
        let evidence = (recording, asked.as_deref());
        analyst.conclude(&labels, source, took, outcome, early, evidence)
    });
    concluded.await.unwrap_or_else(|error| {
        tracing::error!(%error, "a capture was not counted");
        Some((Failure::Panic, error.to_string()))
    })
}

/// How long it is until a moment within an interval, by the wall clock.
fn until(moment: Duration, interval: Duration) -> Duration {
    let interval = interval.as_nanos().max(1);
    let now = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default();
    let into = now.as_nanos() % interval;
    let left = (moment.as_nanos() + interval - into) % interval;
    Duration::from_nanos(u64::try_from(left).unwrap_or_default())
}

/// A number from 0 to 1 that is the target's own.
fn fraction(target: &Target) -> f64 {
    let mut hasher = DefaultHasher::new();
    target.url().hash(&mut hasher);
    target.labels.hash(&mut hasher);
    (hasher.finish() >> 11) as f64 / (1u64 << 53) as f64
}
