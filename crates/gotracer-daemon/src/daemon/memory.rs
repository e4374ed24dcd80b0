//! Memory that all traces being read may hold together.
//!
//! A trace begins with little. While it is read, its loan follows what its
//! reader really holds, which only the trace decides: tables, batches of a
//! generation, goroutines, stacks. A trace that would need more than is free
//! ends with an error and keeps what was read before: nobody who holds memory
//! waits for more, so no two traces can wait for each other. Those that hold
//! nothing yet wait in the order in which they came.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

use crate::export::Metrics;
use crate::trace::Allowance;
use gotracer_core::memory::available;

/// What a trace begins with, bytes: buffers on its way and of its reader.
pub const BASE: u64 = 2 << 20;
/// What a stream begins with, bytes.
pub const STREAM: u64 = 1 << 20;
/// The unit in which loans grow, bytes.
const STEP: u64 = 1 << 20;
/// The least budget.
const SMALLEST: u64 = 32 << 20;

/// The budget, and what is left of it.
pub struct Memory(Arc<Pool>);

struct Pool {
    /// The budget, bytes.
    all: u64,
    state: Mutex<State>,
    metrics: Arc<Metrics>,
}

struct State {
    free: u64,
    /// What those hold that go on for hours.
    lasting: u64,
    waiting: VecDeque<Waiting>,
}

struct Waiting {
    bytes: u64,
    granted: oneshot::Sender<Reservation>,
}

/// A part of the budget, for as long as this or an allowance made of it is
/// there.
#[derive(Clone)]
pub struct Reservation(Arc<Loan>);

struct Loan {
    pool: Arc<Pool>,
    least: u64,
    bytes: AtomicU64,
    /// The most that it was.
    peak: AtomicU64,
    /// The most that was wanted and not free.
    lacked: AtomicU64,
    lasting: bool,
}

impl Memory {
    /// A budget of so many bytes; half of what there is, if nothing is said.
    pub fn new(budget: Option<u64>, metrics: Arc<Metrics>) -> Self {
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

    /// Waits until so many bytes are free, or all that can become free: those
    /// that go on for hours are not waited for.
    pub async fn reserve(&self, bytes: u64) -> Reservation {
        // Nobody stays behind one that no longer waits.
        let _serve = Serve(&self.0);
        loop {
            let (granted, grant) = oneshot::channel();
            let waiting = Waiting { bytes, granted };
            self.0.lock().waiting.push_back(waiting);
            self.0.serve();
            // Only those who do not wait are passed over.
            if let Ok(reservation) = grant.await {
                return reservation;
            }
        }
    }

    /// As [`reserve`](Self::reserve), if nobody has to wait.
    pub fn try_reserve(&self, bytes: u64) -> Option<Reservation> {
        let mut state = self.0.lock();
        let free = state.waiting.is_empty() && bytes <= state.free;
        free.then(|| self.0.lend(&mut state, bytes, false))
    }

    /// The same for one that goes on for hours. All of these together may have
    /// half of the budget.
    pub fn try_reserve_lasting(&self, bytes: u64) -> Option<Reservation> {
        let mut state = self.0.lock();
        let free = self.0.free(&state, true) >= bytes;
        free.then(|| self.0.lend(&mut state, bytes, true))
    }
}

/// Serves those that wait, when it is dropped.
struct Serve<'a>(&'a Arc<Pool>);

impl Drop for Serve<'_> {
    fn drop(&mut self) {
        self.0.serve();
    }
}

impl Pool {
    /// Nobody panics with it; if somebody does, the sums are still true.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The bytes that somebody could have now.
    fn free(&self, state: &State, lasting: bool) -> u64 {
        match lasting {
            true => state.free.min((self.all / 2).saturating_sub(state.lasting)),
            false => state.free,
        }
    }

    /// Counts a change of what somebody holds.
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

    /// Serves those that wait, in their order, as far as there is something
    /// free.
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
            // One that went away meanwhile gives it back at once.
            let _ = waiting.send(reservation);
        }
    }
}

impl Reservation {
    /// What a reader may hold: it begins with the bytes reserved and follows
    /// what is held, as far as there is something free.
    pub fn allowance(&self) -> Allowance {
        let loan = Arc::clone(&self.0);
        Allowance::lent(loan.bytes.load(Ordering::Relaxed), move |wanted| {
            loan.follow(wanted)
        })
    }

    /// The most that was held, bytes.
    pub fn peak(&self) -> u64 {
        self.0.peak.load(Ordering::Relaxed)
    }

    /// The most that was wanted and not lent, bytes, if it was only not free:
    /// the budget has as much.
    pub fn lacked(&self) -> Option<u64> {
        let lacked = self.0.lacked.load(Ordering::Relaxed);
        let all = self.0.pool.all - self.0.pool.lock().lasting;
        (1..=all).contains(&lacked).then_some(lacked)
    }
}

impl Loan {
    /// Makes the loan as large as wanted, if that is free; returns its size.
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
        // A small one still fits.
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
        let (_first, mut second) = (holding(&a, 40 * MIB), holding(&b, 20 * MIB));
        assert!(second.hold(40 * MIB).is_err());
        assert_eq!(b.lacked(), Some(40 * MIB));
        drop((second, b));
        let alone = memory.reserve(64 * MIB);
        drop((a, _first));
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
