//! Captures each target now and then, for as long as it is a target.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::{Instant, sleep_until, timeout_at};
use tokio_util::sync::CancellationToken;

use super::analyst::{Analysed, Analyst};
use super::board::Last;
use super::failure::Failure;
use super::memory::{BASE, Reservation};
use crate::evidence::Recording;
use crate::source::Limits;
use crate::source::scrape::{Capture, ScrapeError, Scraper, Target};

/// Captures targets.
pub struct Captures {
    /// Asks.
    pub scraper: Scraper,
    /// Analyses.
    pub analyst: Arc<Analyst>,
    /// How many targets may be asked at a time. That takes a connection.
    pub asking: Arc<Semaphore>,
    /// How many traces may be read at a time. Each has a thread, which waits
    /// for the network most of the time.
    pub reading: Arc<Semaphore>,
    /// What reading the last trace took, bytes of memory.
    pub last_peak: AtomicU64,
}

/// What became of a target's turn.
enum Captured {
    /// It is over.
    Done,
    /// Somebody else traces the target.
    Busy,
    /// There was no room for its trace in time.
    Missed,
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
                permit = self.asking.acquire() => permit,
            };
            let turn = self.analyst.board.turn(&target);
            let mine = tokio::select! {
                () = stop.cancelled() => return,
                mine = turn.lock() => mine,
            };
            let captured = self.capture(&target).await;
            drop((mine, permit));
            let now = Instant::now();
            if let Captured::Busy = captured {
                refused += 1;
                next = now + self.back_off(refused, &target);
                continue;
            }
            refused = 0;
            // Missed turns are left out, not made up for.
            let late = now.saturating_duration_since(next).as_nanos();
            let turns = (late / interval.as_nanos().max(1)) as u64;
            let missed = turns + u64::from(matches!(captured, Captured::Missed));
            self.analyst.metrics.missed(&target.labels, missed);
            let turns = u32::try_from(turns + 1).unwrap_or(u32::MAX);
            next += interval.saturating_mul(turns);
        }
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

    /// Captures once.
    async fn capture(&self, target: &Target) -> Captured {
        let started = Instant::now();
        let source = target.url().to_string();
        let (failure, captured) = match begin(&self.scraper, target).await {
            Ok(capture) => match self.room(&capture).await {
                Some(room) => (
                    self.read(target, capture, started, room).await,
                    Captured::Done,
                ),
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
                    _ => Captured::Done,
                };
                let labels = &target.labels;
                (self.analyst.no_capture(labels, source, &error), captured)
            }
        };
        let last = Last {
            at: SystemTime::now(),
            took: started.elapsed(),
            failure,
        };
        self.analyst.board.captured(target, last);
        captured
    }

    /// A thread and the memory for a trace that began to come in; nothing if
    /// they are not there in time.
    async fn room(&self, capture: &Capture) -> Option<Room<'_>> {
        let expected = self.last_peak.load(Ordering::Relaxed);
        let room = async {
            let thread = self.reading.acquire().await.ok()?;
            let memory = self.analyst.memory.reserve(expected.max(BASE)).await;
            Some((memory, thread))
        };
        timeout_at(capture.deadline(), room).await.ok()?
    }

    /// Analyses what comes in, and tells what failed.
    async fn read(
        &self,
        target: &Target,
        capture: Capture,
        started: Instant,
        (room, _thread): Room<'_>,
    ) -> Option<(Failure, String)> {
        let (outcome, early, recording) = read(&self.analyst, target, capture, &room, true).await;
        if let Ok(Ok(_)) = &outcome {
            self.last_peak.store(room.peak(), Ordering::Relaxed);
        }
        let took = started.elapsed();
        let evidence = (recording, None);
        conclude(&self.analyst, target, took, outcome, early, evidence, &room).await
    }
}

/// What reading one trace takes.
type Room<'a> = (Reservation, SemaphorePermit<'a>);

/// Asks a target for a trace, and waits until it begins to come in: one that
/// stays silent takes no memory and no thread.
pub async fn begin(scraper: &Scraper, target: &Target) -> Result<Capture, ScrapeError> {
    let mut capture = scraper.open(target).await?;
    capture.begin().await?;
    Ok(capture)
}

/// Analyses what comes in within the memory reserved, and tells why its source
/// ended early, if it did. It may be recorded, in case it is evidence.
pub async fn read(
    analyst: &Arc<Analyst>,
    target: &Target,
    capture: Capture,
    room: &Reservation,
    record: bool,
) -> (Analysed, Option<(Failure, String)>, Option<Recording>) {
    let limits = Limits {
        memory: room.allowance(),
        bytes: capture.limit(),
    };
    let (reader, feed) = capture.split();
    let evidence = analyst.evidence.now().filter(|_| record);
    let recording = evidence.and_then(|evidence| evidence.record());
    let analyst = Arc::clone(analyst);
    let (source, labels) = (target.url().to_string(), Arc::clone(&target.labels));
    let analysis = tokio::task::spawn_blocking(move || match recording {
        Some(recording) => {
            let reader = recording.of(reader);
            let outcome = analyst.stream(reader, &source, &labels, &limits);
            (outcome, Some(recording))
        }
        None => (analyst.stream(reader, &source, &labels, &limits), None),
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
    room: &Reservation,
) -> Option<(Failure, String)> {
    let analyst = Arc::clone(analyst);
    let limits = Limits::of_memory(room.allowance());
    let (source, labels) = (target.url().to_string(), Arc::clone(&target.labels));
    let concluded = tokio::task::spawn_blocking(move || {
        let evidence = (recording, asked.as_deref(), &limits);
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
