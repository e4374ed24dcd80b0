//! Sends the messages of a queue, and retries until they are accepted or refused.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout_at};
use tokio_util::sync::CancellationToken;

use super::answer::Accepted;
use super::client::{Client, Failure};
use super::queue::{Batch, Queue};
use crate::backoff::Backoff;
use crate::export::catalog::delivery::{Signal, Stats};

/// Delays between attempts.
const BACKOFF: Backoff = Backoff::new(FIRST, Duration::from_secs(30));
/// First delay, and the delay between attempts during shutdown.
const FIRST: Duration = Duration::from_millis(500);

/// Sends one signal.
pub(super) struct Worker {
    /// The signal.
    pub signal: Signal,
    /// Client of the receiver.
    pub client: Client,
    /// Messages to send.
    pub queue: Arc<Queue>,
    /// Counters.
    pub stats: Arc<Stats>,
    /// Cancelled when no further messages come.
    pub closing: CancellationToken,
    /// When to give up after that.
    pub deadline: Arc<OnceLock<Instant>>,
}

impl Worker {
    /// Runs until all messages were sent after `closing`, or the deadline passed.
    pub(super) async fn run(self) {
        tokio::select! {
            () = self.send_all() => {}
            () = self.time_is_up() => {}
        }
        let lost = self.queue.give_up();
        if lost > 0 {
            self.stats.dropped(self.signal, lost);
            let signal = self.signal.name();
            tracing::warn!(signal, lost, "OTLP could not be sent before the end");
        }
    }

    async fn time_is_up(&self) {
        self.closing.cancelled().await;
        let deadline = self.deadline.get().copied().unwrap_or_else(Instant::now);
        tokio::time::sleep_until(deadline).await;
    }

    async fn send_all(&self) {
        let mut failed = 0u32;
        let mut warned = String::new();
        loop {
            let Some(batch) = self.queue.front() else {
                if self.closing.is_cancelled() {
                    return;
                }
                tokio::select! {
                    () = self.queue.wait() => {}
                    () = self.closing.cancelled() => {}
                }
                continue;
            };
            let signal = self.signal.name();
            match self.client.send(batch.bytes.clone()).await {
                Ok(Accepted { rejected, words }) => {
                    self.remove(&batch);
                    let rejected = rejected.min(batch.items);
                    self.stats.sent(self.signal, batch.items - rejected);
                    self.stats.dropped(self.signal, rejected);
                    if rejected > 0 {
                        let error = words.unwrap_or_default();
                        tracing::warn!(
                            signal,
                            rejected,
                            error,
                            "the OTLP receiver rejected a part"
                        );
                    } else if let Some(warning) = words.filter(|words| warned != *words) {
                        tracing::warn!(
                            signal,
                            warning,
                            "the OTLP receiver took all, with a warning"
                        );
                        warned = warning;
                    }
                    if failed > 0 {
                        tracing::info!(signal, "OTLP is received again");
                    }
                    failed = 0;
                }
                Err(Failure::Refused(error)) => {
                    self.remove(&batch);
                    self.stats.failed(self.signal);
                    self.stats.dropped(self.signal, batch.items);
                    tracing::warn!(signal, error, lost = batch.items, "OTLP was refused");
                }
                Err(Failure::Later { error, wait }) => {
                    self.stats.failed(self.signal);
                    if failed == 0 {
                        tracing::warn!(signal, error, "OTLP can't be sent; it will be tried again");
                    } else {
                        tracing::debug!(signal, error, "OTLP still can't be sent");
                    }
                    let wait = wait.unwrap_or_else(|| BACKOFF.jittered(failed));
                    failed = failed.saturating_add(1);
                    self.pause(wait).await;
                }
            }
        }
    }

    /// Removes a batch. Its receipts may write to a disk.
    #[expect(
        clippy::disallowed_methods,
        reason = "short, and the batch is borrowed, which spawn_blocking does not permit"
    )]
    fn remove(&self, batch: &Batch) {
        tokio::task::block_in_place(|| self.queue.remove(batch));
    }

    /// Waits after a failure; when the end comes, once more at once, and then
    /// in short steps.
    async fn pause(&self, wait: Duration) {
        if self.closing.is_cancelled() {
            sleep(FIRST).await;
            return;
        }
        // A timeout and the close of the queue have the same effect.
        let _ = timeout_at(Instant::now() + wait, self.closing.cancelled()).await;
    }
}
