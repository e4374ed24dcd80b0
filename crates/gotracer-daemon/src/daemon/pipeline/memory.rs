//! Memory budget that all traces being read share.
//!
//! A trace starts with a small reservation. While it is read, the reservation follows the memory
//! that its reader holds: tables, batches of a generation, goroutines, stacks. If the budget has no
//! more memory, the trace ends with an error and keeps the part that was read. A trace that holds
//! memory never waits for more, so there is no deadlock. Traces that hold nothing yet wait in order
//! of arrival.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::{Mutex, MutexGuard};
use tokio::sync::oneshot;

use crate::export::Metrics;
use crate::trace::Allowance;
use gotracer_core::memory::available;

/// Initial reservation of a trace, bytes: the buffers of source and reader.
pub(crate) const BASE: u64 = 2 << 20;
/// Initial reservation of a stream, bytes.
pub(crate) const STREAM: u64 = 1 << 20;
/// Step in which reservations grow, bytes.
const STEP: u64 = 1 << 20;
/// Smallest budget, bytes.
const SMALLEST: u64 = 32 << 20;

/// Memory budget.
#[derive(Clone)]
pub(crate) struct Memory(Arc<Pool>);

struct Pool {
    /// Size of the budget, bytes.
    all: u64,
    state: Mutex<State>,
    metrics: Arc<Metrics>,
}

struct State {
    free: u64,
    /// Bytes reserved by streams, which last for hours.
    lasting: u64,
    waiting: VecDeque<Waiting>,
}

struct Waiting {
    bytes: u64,
    granted: oneshot::Sender<Reservation>,
}

/// Part of the budget, held until this value and the allowances made from it are dropped.
#[derive(Clone)]
pub(crate) struct Reservation(Arc<Loan>);

struct Loan {
    pool: Arc<Pool>,
    least: u64,
    bytes: AtomicU64,
    /// Largest size of the reservation, bytes.
    peak: AtomicU64,
    /// Largest size that was requested and not granted, bytes.
    lacked: AtomicU64,
    lasting: bool,
}

impl Memory {
    /// Creates a budget of this many bytes; by default, half of the machine's or container's
    /// memory.
    pub(crate) fn new(budget: Option<u64>, metrics: Arc<Metrics>) -> Self {
        let all = budget.unwrap_or_else(|| available() / 2).max(SMALLEST);
        metrics.set_memory(all, 0);
        Self(Arc::new(Pool {
            all,
            state: Mutex::new(State {
                free: all,
                lasting: 0,
                waiting: VecDeque::new(),
            }),
            metrics,
        }))
    }

    /// Waits until this many bytes are free, or as many as can become free: streams, which last for
    /// hours, are not waited for.
    pub(crate) async fn reserve(&self, bytes: u64) -> Reservation {
        // Wake the next waiter if this one is dropped before its turn.
        let _serve = Serve(&self.0);
        loop {
            let (granted, grant) = oneshot::channel();
            let waiting = Waiting { bytes, granted };
            self.0.lock().waiting.push_back(waiting);
            self.0.serve();
            // The sender is dropped without a grant only after this waiter is dropped.
            if let Ok(reservation) = grant.await {
                return reservation;
            }
        }
    }

    /// Reserves memory if it is free and no trace waits for some.
    pub(crate) fn try_reserve(&self, bytes: u64) -> Option<Reservation> {
        let mut state = self.0.lock();
        let free = state.waiting.is_empty() && bytes <= state.free;
        free.then(|| self.0.lend(&mut state, bytes, false))
    }

    /// Reserves memory for a stream. All streams together get at most half of the budget.
    pub(crate) fn try_reserve_lasting(&self, bytes: u64) -> Option<Reservation> {
        let mut state = self.0.lock();
        let free = self.0.free(&state, true) >= bytes;
        free.then(|| self.0.lend(&mut state, bytes, true))
    }
}

/// Serves the waiting reservations when dropped.
struct Serve<'a>(&'a Arc<Pool>);

impl Drop for Serve<'_> {
    fn drop(&mut self) {
        self.0.serve();
    }
}

impl Pool {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock()
    }

    /// Bytes that could be reserved now.
    fn free(&self, state: &State, lasting: bool) -> u64 {
        match lasting {
            true => state.free.min((self.all / 2).saturating_sub(state.lasting)),
            false => state.free,
        }
    }

    /// Updates the sums after a reservation changed its size.
    fn change(&self, state: &mut State, lasting: bool, (before, now): (u64, u64)) {
        state.free = state.free + before - now;
        if lasting {
            state.lasting = state.lasting + now - before;
        }
        self.metrics.set_memory(self.all, self.all - state.free);
    }

    fn lend(self: &Arc<Self>, state: &mut State, bytes: u64, lasting: bool) -> Reservation {
        self.change(state, lasting, (0, bytes));
        Reservation(Arc::new(Loan {
            pool: Arc::clone(self),
            least: bytes,
            bytes: AtomicU64::new(bytes),
            peak: AtomicU64::new(bytes),
            lacked: AtomicU64::new(0),
            lasting,
        }))
    }

    /// Serves the waiting reservations in order while memory is free.
    fn serve(self: &Arc<Self>) {
        let mut granted = Vec::new();
        let mut state = self.lock();
        while let Some(first) = state.waiting.front() {
            let bytes = first.bytes.min(self.all - state.lasting);
            if !first.granted.is_closed() && bytes > state.free {
                break;
            }
            if let Some(first) = state.waiting.pop_front()
                && !first.granted.is_closed()
            {
                let reservation = self.lend(&mut state, bytes, false);
                granted.push((first.granted, reservation));
            }
        }
        drop(state);
        for (waiting, reservation) in granted {
            // If the waiter is gone, dropping the reservation returns its memory.
            let _ = waiting.send(reservation);
        }
    }
}

impl Reservation {
    /// Returns an allowance for a reader. It starts with the reserved bytes and follows the bytes
    /// that the reader holds, as long as the budget has more.
    pub(crate) fn allowance(&self) -> Allowance {
        let loan = Arc::clone(&self.0);
        Allowance::lent(loan.bytes.load(Ordering::Relaxed), move |wanted| {
            loan.follow(wanted)
        })
    }

    /// Largest number of bytes held.
    pub(crate) fn peak(&self) -> u64 {
        self.0.peak.load(Ordering::Relaxed)
    }

    /// Returns the bytes that were requested and not granted because other traces held them. `None`
    /// if the whole budget would not have been enough.
    pub(crate) fn lacked(&self) -> Option<u64> {
        let lacked = self.0.lacked.load(Ordering::Relaxed);
        let all = self.0.pool.all - self.0.pool.lock().lasting;
        (1..=all).contains(&lacked).then_some(lacked)
    }
}

impl Loan {
    /// Grows the reservation to `wanted` bytes if they are free; returns its new size.
    fn follow(&self, wanted: u64) -> u64 {
        let mut state = self.pool.lock();
        let now = self.bytes.load(Ordering::Relaxed);
        let new = wanted.div_ceil(STEP).saturating_mul(STEP).max(self.least);
        if new.saturating_sub(now) > self.pool.free(&state, self.lasting) {
            self.lacked.fetch_max(wanted, Ordering::Relaxed);
            return now;
        }
        self.pool.change(&mut state, self.lasting, (now, new));
        self.bytes.store(new, Ordering::Relaxed);
        self.peak.fetch_max(new, Ordering::Relaxed);
        drop(state);
        if new < now {
            self.pool.serve();
        }
        new
    }
}

impl Drop for Loan {
    fn drop(&mut self) {
        let mut state = self.pool.lock();
        let bytes = self.bytes.load(Ordering::Relaxed);
        self.pool.change(&mut state, self.lasting, (bytes, 0));
        drop(state);
        self.pool.serve();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::internal::Share;

    const MIB: u64 = 1 << 20;

    fn memory(budget: u64) -> Memory {
        Memory::new(Some(budget), Arc::new(Metrics::new(&[])))
    }

    fn free(memory: &Memory) -> u64 {
        memory.0.lock().free
    }

    fn holding(reservation: &Reservation, bytes: u64) -> Share {
        let mut share = reservation.allowance().share();
        share.hold(bytes).unwrap();
        share
    }

    #[tokio::test]
    async fn traces_wait_until_there_is_room() {
        let memory = memory(100 * MIB);
        let first = memory.reserve(40 * MIB).await;
        let second = memory.try_reserve(40 * MIB).unwrap();
        assert!(memory.try_reserve(40 * MIB).is_none());
        // A small reservation still fits.
        assert!(memory.try_reserve(0).is_some());
        drop(first);
        let third = memory.try_reserve(40 * MIB);
        assert!(third.is_some());
        drop((second, third));
        assert_eq!(free(&memory), 100 * MIB);
    }

    #[tokio::test]
    async fn what_wants_more_than_everything_comes_alone() {
        let memory = memory(SMALLEST);
        let stream = memory.try_reserve_lasting(MIB).unwrap();
        let huge = memory.reserve(u64::MAX).await;
        assert_eq!(free(&memory), 0);
        assert!(memory.try_reserve(1).is_none());
        drop(huge);
        assert!(memory.try_reserve(1).is_some());
        drop(stream);
        assert_eq!(free(&memory), SMALLEST);
    }

    #[tokio::test]
    async fn loans_follow_what_is_held() {
        let memory = memory(64 * MIB);
        let reservation = memory.reserve(BASE).await;
        let mut share = holding(&reservation, BASE);
        assert_eq!(free(&memory), 64 * MIB - BASE);
        share.hold(20 * MIB + 1).unwrap();
        assert_eq!(free(&memory), 43 * MIB);
        share.hold(1).unwrap();
        assert_eq!(free(&memory), 64 * MIB - BASE);
        assert_eq!((reservation.peak(), reservation.lacked()), (21 * MIB, None));
        drop(reservation);
        assert_eq!(free(&memory), 64 * MIB - BASE, "the reader still has it");
        drop(share);
        assert_eq!(free(&memory), 64 * MIB);
    }

    #[tokio::test]
    async fn two_that_want_everything_do_not_wait_for_each_other() {
        let memory = memory(64 * MIB);
        let (a, b) = (memory.reserve(BASE).await, memory.reserve(BASE).await);
        let (first, mut second) = (holding(&a, 40 * MIB), holding(&b, 20 * MIB));
        assert!(second.hold(40 * MIB).is_err());
        assert_eq!(b.lacked(), Some(40 * MIB));
        drop((second, b));
        let alone = memory.reserve(64 * MIB);
        drop((a, first));
        let alone = alone.await;
        assert!(alone.allowance().share().hold(64 * MIB + 1).is_err());
        assert_eq!(alone.lacked(), None, "it had everything");
    }

    #[tokio::test]
    async fn one_that_no_longer_waits_holds_up_nobody() {
        let memory = memory(64 * MIB);
        let first = memory.reserve(60 * MIB).await;
        let mut large = Box::pin(memory.reserve(50 * MIB));
        assert!(futures_util::poll!(&mut large).is_pending());
        let mut small = Box::pin(memory.reserve(MIB));
        assert!(
            futures_util::poll!(&mut small).is_pending(),
            "its turn is later"
        );
        drop(large);
        small.await;
        drop(first);
        assert_eq!(free(&memory), 64 * MIB);
    }

    #[test]
    fn streams_leave_half_to_the_others() {
        let memory = memory(64 * MIB);
        let stream = memory.try_reserve_lasting(30 * MIB).unwrap();
        assert!(memory.try_reserve_lasting(3 * MIB).is_none());
        assert!(stream.allowance().share().hold(33 * MIB).is_err());
        assert!(memory.try_reserve(34 * MIB).is_some());
    }
}
