//! Messages that wait to be sent, in bounded memory.

use std::collections::VecDeque;
use std::sync::Arc;

use hyper::body::Bytes;
use parking_lot::Mutex;
use tokio::sync::Notify;

use super::receipt::Receipt;
use crate::export::catalog::delivery::{Signal, Stats};

/// The most bytes that go out in one request; receivers take 4 MiB.
const BATCH: usize = 1 << 20;

/// An encoded export request.
#[derive(Debug)]
pub(super) struct Message {
    /// The request.
    pub bytes: Bytes,
    /// How many log records, points or spans it holds.
    pub items: u64,
    /// Receipt of the message.
    pub receipt: Option<Receipt>,
}

/// The messages at the front as one request.
#[derive(Debug)]
pub(super) struct Batch {
    /// The request.
    pub bytes: Bytes,
    /// How many log records, points or spans it holds.
    pub items: u64,
    /// How many messages it is.
    pub messages: usize,
}

/// Messages in the order in which they came.
pub(super) struct Queue {
    waiting: Mutex<Waiting>,
    limit: usize,
    came: Notify,
    signal: Signal,
    stats: Arc<Stats>,
}

#[derive(Default)]
struct Waiting {
    messages: VecDeque<Message>,
    bytes: usize,
}

impl Queue {
    /// Creates a queue of at most `limit` bytes for one signal.
    pub(super) fn new(limit: usize, signal: Signal, stats: Arc<Stats>) -> Self {
        stats.set_waiting(signal, 0);
        Self {
            waiting: Mutex::default(),
            limit,
            came: Notify::new(),
            signal,
            stats,
        }
    }

    /// Adds a message. Returns false, and counts it as dropped, if the queue is full.
    pub(super) fn push(&self, message: Message) -> bool {
        let mut waiting = self.lock();
        let bytes = waiting.bytes + message.bytes.len();
        if bytes > self.limit {
            self.stats.dropped(self.signal, message.items);
            return false;
        }
        waiting.bytes = bytes;
        waiting.messages.push_back(message);
        self.stats.set_waiting(self.signal, bytes);
        self.came.notify_one();
        true
    }

    /// Whether nothing waits.
    pub(super) fn is_empty(&self) -> bool {
        self.lock().messages.is_empty()
    }

    /// Waits until there is a message.
    pub(super) async fn wait(&self) {
        while self.lock().messages.is_empty() {
            self.came.notified().await;
        }
    }

    /// Returns the messages at the front as one. Export requests have one repeated field, so
    /// concatenated requests are a request again. They stay in the queue until they were sent, so
    /// that messages in flight count against the limit.
    pub(super) fn front(&self) -> Option<Batch> {
        let waiting = self.lock();
        let mut size = 0;
        let fitting = waiting.messages.iter().take_while(|m| {
            size += m.bytes.len();
            size <= BATCH
        });
        // A message above the limit is a batch of its own.
        let messages = fitting.count().max(1);
        let all = waiting.messages.iter().take(messages);
        let items = all.clone().map(|m| m.items).sum();
        let bytes = match messages {
            1 => waiting.messages.front()?.bytes.clone(),
            _ => {
                let bytes: Vec<&[u8]> = all.map(|m| &*m.bytes).collect();
                bytes.concat().into()
            }
        };
        Some(Batch {
            bytes,
            items,
            messages,
        })
    }

    /// Removes a batch from the front, which arrived or is given up.
    pub(super) fn remove(&self, batch: &Batch) {
        // Receipts run after the lock is free.
        let _gone = self.take(batch.messages);
    }

    /// Removes all messages that did not arrive before the end, and returns their items.
    pub(super) fn give_up(&self) -> u64 {
        let messages = self.lock().messages.len();
        let lost = self.take(messages);
        for receipt in lost.iter().filter_map(|m| m.receipt.as_ref()) {
            receipt.void();
        }
        lost.iter().map(|m| m.items).sum()
    }

    fn take(&self, messages: usize) -> Vec<Message> {
        let mut waiting = self.lock();
        let gone: Vec<_> = waiting.messages.drain(..messages).collect();
        waiting.bytes -= gone.iter().map(|m| m.bytes.len()).sum::<usize>();
        self.stats.set_waiting(self.signal, waiting.bytes);
        gone
    }

    fn lock(&self) -> parking_lot::MutexGuard<'_, Waiting> {
        self.waiting.lock()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn queue(limit: usize) -> Queue {
        Queue::new(limit, Signal::Logs, Arc::default())
    }

    fn message(bytes: usize) -> Message {
        Message {
            bytes: vec![0; bytes].into(),
            items: 2,
            receipt: None,
        }
    }

    #[test]
    fn what_is_on_its_way_counts_against_the_limit() {
        let queue = queue(100);
        assert!(queue.push(message(60)) && !queue.push(message(60)) && queue.push(message(40)));
        let batch = queue.front().unwrap();
        assert_eq!(
            (batch.bytes.len(), batch.items, batch.messages),
            (100, 4, 2)
        );
        assert!(!queue.push(message(1)));
        queue.remove(&batch);
        assert!(queue.front().is_none() && queue.push(message(100)));
    }

    #[test]
    fn a_batch_ends_before_it_gets_too_large() {
        let queue = queue(usize::MAX);
        for size in [BATCH + 1, BATCH - 1, 1, 1] {
            queue.push(message(size));
        }
        let batches = std::iter::from_fn(|| {
            let batch = queue.front()?;
            queue.remove(&batch);
            Some(batch.bytes.len())
        });
        assert_eq!(batches.collect::<Vec<_>>(), [BATCH + 1, BATCH, 1]);
    }
}
