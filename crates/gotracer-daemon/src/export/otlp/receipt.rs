//! Runs an action once all messages of a trace are acknowledged or dropped.

use std::fmt;
use std::sync::Arc;

use parking_lot::Mutex;

type Done = Box<dyn FnOnce() + Send>;

/// Action that runs when the last copy is dropped. Each message of a trace holds a copy until the
/// receiver answers.
#[derive(Clone)]
pub struct Receipt(Arc<Inner>);

struct Inner(Mutex<Option<Done>>);

impl Receipt {
    /// Creates a receipt that runs `done`.
    pub fn new(done: impl FnOnce() + Send + 'static) -> Self {
        Self(Arc::new(Inner(Mutex::new(Some(Box::new(done))))))
    }

    /// Cancels the action, because the daemon ends first.
    pub fn void(&self) {
        self.0.take();
    }
}

impl Inner {
    fn take(&self) -> Option<Done> {
        self.0.lock().take()
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        if let Some(done) = self.take() {
            done();
        }
    }
}

impl fmt::Debug for Receipt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Receipt")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU32, Ordering};

    #[test]
    fn it_is_done_once_and_last() {
        let times = Arc::new(AtomicU32::new(0));
        let receipt = |times: &Arc<AtomicU32>| {
            let times = Arc::clone(times);
            Receipt::new(move || {
                times.fetch_add(1, Ordering::Relaxed);
            })
        };
        let first = receipt(&times);
        let second = first.clone();
        drop(first);
        assert_eq!(times.load(Ordering::Relaxed), 0);
        drop(second);
        assert_eq!(times.load(Ordering::Relaxed), 1);
        let void = receipt(&times);
        void.void();
        drop(void);
        assert_eq!(times.load(Ordering::Relaxed), 1);
    }
}
