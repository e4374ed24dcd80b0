//! Streams of targets: one long trace after the other, analyzed generation by generation while it
//! is received.
//!
//! Each trace has its own analysis. Intervals that are open when a trace ends are not continued in
//! the next one, because the events in between are unknown. A trace lasts an hour, which bounds the
//! memory of its analysis.

mod dedup;
mod duty;
mod evidence_window;
mod gaps;
mod listener;
mod metered_reader;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use parking_lot::Mutex;
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use self::duty::SLICE;
pub(super) use self::listener::Parts;
use self::listener::{Cut, Listener, Session};
use self::metered_reader::MeteredReader;
use super::failure::{Failure, Reason};
use super::leak_profiles::LeakProfiles;
use super::pipeline::{Memory, Reservation, STREAM};
use super::target_table::Last;
use crate::backoff::Backoff;
use crate::export::Gap;
use crate::source::scrape::{Capture, ScrapeError, Scraper, Target};
use crate::trace::Input;

/// Delays between attempts to reach a target.
const BACKOFF: Backoff = Backoff::new(Duration::from_secs(1), PATIENCE);
/// Longest delay, and the duration after which a stream counts as one that worked.
const PATIENCE: Duration = Duration::from_secs(60);
/// Interval at which the duration of a gap is counted.
const TICK: Duration = Duration::from_secs(1);

/// Stream of one target.
pub(super) struct Streams {
    /// HTTP client of the target.
    pub scraper: Scraper,
    /// Parts that the stream reports to.
    pub parts: Parts,
    /// Memory budget.
    pub memory: Memory,
    /// Permits to query targets. Each query takes a connection.
    pub asking: Arc<Semaphore>,
    /// Permits to stream. Each stream takes a thread.
    pub permits: Arc<Semaphore>,
}

/// Reason why a trace ended.
enum End {
    /// The target was removed.
    Stopped,
    /// The program's server limits traces to a shorter time.
    Shorter,
    /// The trace has the requested length.
    Whole,
    /// The listener ended the trace.
    Cut(Cut),
    /// The target did not answer, or the trace is truncated.
    Failed(Failure),
}

impl Streams {
    /// Streams a target until `stop`.
    pub(super) async fn follow(self, target: Target, stop: CancellationToken) {
        let session = Session::new(self.parts.clone(), &target, self.scraper.options());
        let session = Arc::new(Mutex::new(session));
        let longest = target.seconds(self.scraper.options().seconds);
        let mut leaks = LeakProfiles::new();
        let (mut allowed, mut failures) = (longest, 0);
        while !stop.is_cancelled() {
            let limited = session.lock().is_limited();
            let seconds = if limited { allowed.min(SLICE) } else { allowed };
            let started = Instant::now();
            let end = self
                .stream((&target, seconds), &mut leaks, &session, &stop)
                .await;
            let lived = started.elapsed();
            let (gap, pause) = match end {
                End::Stopped => break,
                End::Shorter => {
                    allowed = seconds / 2;
                    tracing::warn!(
                        target = %target.url(),
                        seconds = allowed,
                        "the program's http.Server has a WriteTimeout; shorter traces are requested"
                    );
                    continue;
                }
                End::Whole if limited => (Gap::Budget, session.lock().pause()),
                End::Cut(Cut::Budget) => (Gap::Budget, session.lock().pause()),
                End::Cut(Cut::Renewal) => (Gap::Renewed, Duration::ZERO),
                // Retrying at once would loop if the trace ends at once each time.
                End::Whole if lived < Duration::from_secs(seconds.into()) / 2 => {
                    failures += 1;
                    (Gap::Lost, BACKOFF.jittered(failures - 1))
                }
                End::Whole => (Gap::Renewed, Duration::ZERO),
                End::Failed(failure) => {
                    failures = if lived > PATIENCE { 1 } else { failures + 1 };
                    self.failed(&target, failure, lived);
                    (Gap::Lost, BACKOFF.jittered(failures - 1))
                }
            };
            if gap != Gap::Lost {
                failures = 0;
            }
            session.lock().interrupted(gap);
            self.wait(pause, &session, &stop).await;
        }
        session.lock().disconnected();
    }

    /// Waits, and counts the duration of the gap meanwhile.
    async fn wait(&self, pause: Duration, session: &Mutex<Session>, stop: &CancellationToken) {
        let until = Instant::now() + pause;
        while !stop.is_cancelled() && Instant::now() < until {
            let tick = (until - Instant::now()).min(TICK);
            stop.run_until_cancelled(sleep(tick)).await;
            session.lock().gap_goes_on();
        }
    }

    /// Requests one trace and analyzes it to its end.
    async fn stream(
        &self,
        (target, seconds): (&Target, u32),
        leaks: &mut LeakProfiles,
        session: &Arc<Mutex<Session>>,
        stop: &CancellationToken,
    ) -> End {
        let admitted = async {
            let _asking = self.asking.acquire().await;
            let mine = self.parts.table.turn(target).lock_owned().await;
            let to = (&*self.parts.metrics, &self.parts.table);
            leaks
                .request((&self.scraper, target), to, &self.memory)
                .await;
            (mine, self.begin(target, seconds).await)
        };
        let Some((_mine, opened)) = stop.run_until_cancelled(admitted).await else {
            return End::Stopped;
        };
        match opened {
            Ok(capture) => {
                let thread = self.permits.try_acquire();
                let room = self.memory.try_reserve_lasting(STREAM);
                let (Ok(_thread), Some(room)) = (thread, room) else {
                    let full = "as many targets are streamed as threads and half of \
                        --memory.budget allow";
                    return End::Failed(Failure::new(Reason::Overloaded, full));
                };
                self.listen(target, capture, room, session, stop).await
            }
            Err(ScrapeError::WriteTimeout) if seconds > 1 => End::Shorter,
            Err(error) => End::Failed((&error).into()),
        }
    }

    /// Requests a trace and waits for its first byte, so that a silent target takes no memory and
    /// no thread.
    async fn begin(&self, target: &Target, seconds: u32) -> Result<Capture, ScrapeError> {
        let (metrics, labels) = (Arc::clone(&self.parts.metrics), Arc::clone(&target.labels));
        let refused = move || metrics.profile_refused(&labels);
        let mut capture = self.scraper.stream(target, seconds, refused).await?;
        capture.begin().await?;
        Ok(capture)
    }

    async fn listen(
        &self,
        target: &Target,
        capture: Capture,
        room: Reservation,
        session: &Arc<Mutex<Session>>,
        stop: &CancellationToken,
    ) -> End {
        tracing::info!(target = %target.url(), labels = %target.labels, "streaming");
        let (reader, feed) = capture.split();
        let mut listener = Listener::new(Arc::clone(session), room.allowance());
        let mut analysis = tokio::task::spawn_blocking(move || {
            let reader = MeteredReader::new(reader, listener.bytes(), listener.ring());
            let input = Input::from_reader(reader).within(room.allowance());
            // A session is consistent whenever its lock is free.
            let listen = AssertUnwindSafe(|| listener.listen(input));
            let read = catch_unwind(listen);
            (read.ok(), listener.cut())
        });
        let (read, fed) = tokio::select! {
            biased;
            read = &mut analysis => (read, Ok(())),
            fed = feed => (analysis.await, fed),
            () = stop.cancelled() => {
                // The part that was received is analyzed, and kept if a finding justifies it.
                let _ = analysis.await;
                return End::Stopped;
            }
        };
        session.lock().disconnected();
        match (read.ok(), fed) {
            (Some((_, Some(cut))), _) => End::Cut(cut),
            (_, Err(error)) => End::Failed((&error).into()),
            (Some((Some(Ok(())), None)), Ok(())) => End::Whole,
            (Some((Some(Err(error)), None)), Ok(())) => End::Failed((&error).into()),
            _ => End::Failed(Failure::new(Reason::Panic, "gotracer has a defect")),
        }
    }

    fn failed(&self, target: &Target, failure: Failure, took: Duration) {
        let last = Last {
            at: SystemTime::now(),
            took,
            failure: Some(failure.clone()),
        };
        self.parts.table.captured(target, last);
        let source = target.url().to_string();
        self.parts.pipeline.fail(&target.labels, source, failure);
    }
}
