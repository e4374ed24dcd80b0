//! Shared and exclusive turns to read: exclusive after a crash, else shared.

use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex, MutexGuard};

/// Longest wait for a turn. A read that hangs on a dead network file system must not block all
/// others.
const PATIENCE: Duration = Duration::from_secs(600);

/// Issuer of turns to read.
///
/// A trace that was being read when the process died is read exclusively: a second crash then
/// shows which trace caused it.
#[derive(Default)]
pub(super) struct Turns {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// Number of readers.
    reading: usize,
    /// Number of readers that read exclusively or wait to.
    alone: usize,
}

/// Permission to read until dropped.
pub(crate) struct Turn<'a> {
    turns: &'a Turns,
    alone: bool,
}

impl Turns {
    /// Waits for a turn.
    pub(super) fn take(&self, alone: bool) -> Turn<'_> {
        self.take_within(alone, PATIENCE)
    }

    fn take_within(&self, alone: bool, patience: Duration) -> Turn<'_> {
        let until = Instant::now() + patience;
        let mut state = self.lock();
        state.alone += usize::from(alone);
        let is_free = |state: &State| match alone {
            true => state.reading == 0,
            false => state.alone == 0,
        };
        while !is_free(&state) {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            self.changed.wait_for(&mut state, left);
        }
        state.reading += 1;
        Turn { turns: self, alone }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock()
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let mut state = self.turns.lock();
        state.reading -= 1;
        state.alone -= usize::from(self.alone);
        drop(state);
        self.turns.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[test]
    fn who_must_be_alone_is() {
        let (turns, reading) = (Turns::default(), AtomicUsize::new(0));
        let read = |alone: bool| {
            let _turn = turns.take(alone);
            let others = reading.fetch_add(1, Ordering::SeqCst);
            assert!(!alone || others == 0);
            std::thread::yield_now();
            assert!(!alone || reading.load(Ordering::SeqCst) == 1);
            reading.fetch_sub(1, Ordering::SeqCst);
        };
        std::thread::scope(|scope| {
            for n in 0..8 {
                scope.spawn(move || (0..200).for_each(|i| read((n + i) % 7 == 0)));
            }
        });
    }

    #[test]
    fn a_reader_that_hangs_keeps_nobody_for_ever() {
        let turns = Turns::default();
        let _hangs = turns.take(false);
        let _suspect = turns.take_within(true, Duration::from_millis(1));
        let _other = turns.take_within(false, Duration::from_millis(1));
    }
}
