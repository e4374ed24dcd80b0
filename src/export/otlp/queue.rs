//! Messages that wait to be sent, in bounded memory.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use hyper::body::Bytes;
use tokio::sync::Notify;

/// The most bytes that go out in one request; receivers take 4 MiB.
const BATCH: usize = 1 << 20;

/// An encoded export request.
#[derive(Clone, Debug)]
pub struct Message {
    /// The request.
    pub bytes: Bytes,
    /// How many log records or points it holds.
    pub items: u64,
}

/// Messages in the order in which they came.
pub struct Queue {
    waiting: Mutex<Waiting>,
    limit: usize,
    came: Notify,
}

#[derive(Default)]
struct Waiting {
    messages: VecDeque<Message>,
    bytes: usize,
}

impl Queue {
    /// A queue of so many bytes.
    pub fn new(limit: usize) -> Self {
        Self {
            waiting: Mutex::default(),
            limit,
            came: Notify::new(),
        }
    }

    /// Adds a message. False if there is no room for it.
    pub fn push(&self, message: Message) -> bool {
        let mut waiting = self.lock();
        let bytes = waiting.bytes + message.bytes.len();
        if bytes > self.limit {
            return false;
        }
        waiting.bytes = bytes;
        waiting.messages.push_back(message);
        self.came.notify_one();
        true
    }

    /// Waits until there is something.
    pub async fn wait(&self) {
        while self.lock().messages.is_empty() {
            self.came.notified().await;
        }
    }

    /// The messages at the front as one, and how many they are. Export
    /// requests hold nothing but a repeated field, so that one after the other
    /// they are a request again. They stay in the queue until they were sent:
    /// what is on its way counts against the limit.
    pub fn front(&self) -> Option<(Message, usize)> {
        let waiting = self.lock();
        let mut size = 0;
        let fitting = waiting.messages.iter().take_while(|m| {
            size += m.bytes.len();
            size <= BATCH
        });
        // One that is larger goes alone.
        let count = fitting.count().max(1);
        let mut messages = waiting.messages.iter().take(count);
        if count == 1 {
            return Some((messages.next()?.clone(), 1));
        }
        let items = messages.clone().map(|m| m.items).sum();
        let bytes = messages.fold(Vec::new(), |mut all, m| {
            all.extend_from_slice(&m.bytes);
            all
        });
        let bytes = bytes.into();
        Some((Message { bytes, items }, count))
    }

    /// Takes so many messages away from the front.
    pub fn remove(&self, count: usize) {
        let mut waiting = self.lock();
        let gone: usize = waiting.messages.drain(..count).map(|m| m.bytes.len()).sum();
        waiting.bytes -= gone;
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(bytes: usize) -> Message {
        Message {
            bytes: vec![0; bytes].into(),
            items: 2,
        }
    }

    #[test]
    fn what_is_on_its_way_counts_against_the_limit() {
        let queue = Queue::new(100);
        assert!(queue.push(message(60)) && !queue.push(message(60)) && queue.push(message(40)));
        let (batch, count) = queue.front().unwrap();
        assert_eq!((batch.bytes.len(), batch.items, count), (100, 4, 2));
        assert!(!queue.push(message(1)));
        queue.remove(count);
        assert!(queue.front().is_none() && queue.push(message(100)));
    }

    #[test]
    fn a_batch_ends_before_it_gets_too_large() {
        let queue = Queue::new(usize::MAX);
        for size in [BATCH + 1, BATCH - 1, 1, 1] {
            queue.push(message(size));
        }
        let batches = std::iter::from_fn(|| {
            let (batch, count) = queue.front()?;
            queue.remove(count);
            Some(batch.bytes.len())
        });
        assert_eq!(batches.collect::<Vec<_>>(), [BATCH + 1, BATCH, 1]);
    }
}
