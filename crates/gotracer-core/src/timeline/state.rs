//! State vector: the time of a goroutine by state.

use std::iter::Sum;
use std::ops::{Add, AddAssign, Sub};

use crate::{sums, units};

/// State of a goroutine. A goroutine is in exactly one state at any time.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
#[repr(u8)]
pub enum State {
    /// Runs on a P, outside of mark assists.
    Running,
    /// Is runnable and has no P.
    Runnable,
    /// Is in a system call or a cgo call.
    Syscall,
    /// Waits for a lock: a mutex, a `sync.Once`, an open file's lock.
    Lock,
    /// Waits to send on a channel.
    ChanSend,
    /// Waits to receive from a channel.
    ChanReceive,
    /// Waits in a `select`.
    Select,
    /// Waits for the network, or for a pipe in the network poller.
    Network,
    /// Sleeps (`time.Sleep`).
    Sleep,
    /// Waits for a `sync.WaitGroup`.
    WaitGroup,
    /// Waits for a `sync.Cond`.
    Cond,
    /// Assists the garbage collector: marks, or waits for credit.
    GcAssist,
    /// Waits for the garbage collector.
    GcWait,
    /// Any other wait: coroutines, the runtime's waits, waits without a reason in the trace.
    Other,
}

impl State {
    /// All states, in the order of outputs.
    pub const ALL: [Self; 14] = [
        Self::Running,
        Self::Runnable,
        Self::Syscall,
        Self::Lock,
        Self::ChanSend,
        Self::ChanReceive,
        Self::Select,
        Self::Network,
        Self::Sleep,
        Self::WaitGroup,
        Self::Cond,
        Self::GcAssist,
        Self::GcWait,
        Self::Other,
    ];

    /// States that stop-the-world time can be part of. Waits continue during a stop.
    pub const STOPPABLE: [Self; 3] = [Self::Running, Self::Runnable, Self::GcAssist];

    /// Name in JSON and metrics.
    pub fn name(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Runnable => "runnable",
            Self::Syscall => "syscall",
            Self::Lock => "lock",
            Self::ChanSend => "chan_send",
            Self::ChanReceive => "chan_receive",
            Self::Select => "select",
            Self::Network => "network",
            Self::Sleep => "sleep",
            Self::WaitGroup => "wait_group",
            Self::Cond => "cond",
            Self::GcAssist => "gc_assist",
            Self::GcWait => "gc_wait",
            Self::Other => "other",
        }
    }

    /// Name in texts for people.
    pub fn words(self) -> &'static str {
        match self {
            Self::ChanSend => "chan send",
            Self::ChanReceive => "chan receive",
            Self::WaitGroup => "wait group",
            Self::GcAssist => "GC assist",
            Self::GcWait => "GC wait",
            state => state.name(),
        }
    }

    /// Dense number.
    pub fn index(self) -> usize {
        self as usize
    }

    /// Whether the goroutine is blocked.
    pub fn is_wait(self) -> bool {
        !matches!(self, Self::Running | Self::Runnable | Self::Syscall)
    }
}

/// State as it is accounted: [`State::GcAssist`] has two parts.
///
/// Stop-the-world time can be part of the first three.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub(super) enum Part {
    Running,
    Runnable,
    Marking,
    Syscall,
    Lock,
    ChanSend,
    ChanReceive,
    Select,
    Network,
    Sleep,
    WaitGroup,
    Cond,
    Credit,
    GcWait,
    Other,
}

/// Number of parts, rounded up to a power of two so an index needs no bounds check.
const PARTS: usize = 16;
/// Number of parts with stop-the-world time, rounded up to a power of two.
const STOPPED: usize = 4;

impl Part {
    /// Part of a wait in a state.
    pub(super) fn of_wait(state: State) -> Self {
        match state {
            State::Running => Self::Running,
            State::Runnable => Self::Runnable,
            State::Syscall => Self::Syscall,
            State::Lock => Self::Lock,
            State::ChanSend => Self::ChanSend,
            State::ChanReceive => Self::ChanReceive,
            State::Select => Self::Select,
            State::Network => Self::Network,
            State::Sleep => Self::Sleep,
            State::WaitGroup => Self::WaitGroup,
            State::Cond => Self::Cond,
            State::GcAssist => Self::Credit,
            State::GcWait => Self::GcWait,
            State::Other => Self::Other,
        }
    }

    /// State of the part.
    pub(super) fn state(self) -> State {
        match self {
            Self::Running => State::Running,
            Self::Runnable => State::Runnable,
            Self::Marking | Self::Credit => State::GcAssist,
            Self::Syscall => State::Syscall,
            Self::Lock => State::Lock,
            Self::ChanSend => State::ChanSend,
            Self::ChanReceive => State::ChanReceive,
            Self::Select => State::Select,
            Self::Network => State::Network,
            Self::Sleep => State::Sleep,
            Self::WaitGroup => State::WaitGroup,
            Self::Cond => State::Cond,
            Self::GcWait => State::GcWait,
            Self::Other => State::Other,
        }
    }
}

/// Time by state, ns. The difference of two snapshots of a goroutine is its time between them. Vectors of several
/// goroutines can be added.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct StateVector {
    parts: [u64; PARTS],
    stopped: [u64; STOPPED],
}

impl StateVector {
    /// Creates a vector from the time by state, the credit part of [`State::GcAssist`], and the stop-the-world time
    /// in [`State::STOPPABLE`].
    pub fn from_values(states: [u64; State::ALL.len()], credit: u64, stopped: [u64; 3]) -> Self {
        let mut vector = Self::default();
        for (state, ns) in State::ALL.into_iter().zip(states) {
            vector.parts[Part::of_wait(state) as usize] = ns;
        }
        let credit = credit.min(vector.parts[Part::Credit as usize]);
        vector.parts[Part::Marking as usize] = vector.parts[Part::Credit as usize] - credit;
        vector.parts[Part::Credit as usize] = credit;
        vector.stopped[..3].copy_from_slice(&stopped);
        vector
    }

    /// Time in a state.
    pub fn of(&self, state: State) -> u64 {
        match state {
            State::GcAssist => self.marking().saturating_add(self.credit()),
            state => self.parts[Part::of_wait(state) as usize],
        }
    }

    /// Part of [`State::GcAssist`] in which the goroutine marked.
    pub fn marking(&self) -> u64 {
        self.parts[Part::Marking as usize]
    }

    /// Part of [`State::GcAssist`] in which the goroutine waited for credit.
    pub fn credit(&self) -> u64 {
        self.parts[Part::Credit as usize]
    }

    /// Stop-the-world time in a state; 0 for [`State::Syscall`] and waits, which continue during a stop.
    pub fn stopped(&self, state: State) -> u64 {
        match state {
            State::Running => self.stopped[Part::Running as usize],
            State::Runnable => self.stopped[Part::Runnable as usize],
            State::GcAssist => self.stopped[Part::Marking as usize],
            _ => 0,
        }
    }

    /// Total time.
    pub fn total(&self) -> u64 {
        sums::sum(&self.parts)
    }

    /// Total time in which the goroutine was blocked.
    pub fn waits(&self) -> u64 {
        let running = [Part::Running, Part::Runnable, Part::Marking, Part::Syscall];
        let ran = running.map(|part| self.parts[part as usize]);
        self.total().saturating_sub(units::total(ran))
    }

    /// Adds another vector. Returns its total time.
    #[inline]
    pub(crate) fn add_up(&mut self, other: &Self) -> u64 {
        sums::add(&mut self.stopped, &other.stopped);
        sums::add(&mut self.parts, &other.parts)
    }

    /// Adds time in a state.
    #[inline(always)]
    pub(super) fn add_part(&mut self, part: Part, ns: u64) {
        sums::increase(&mut self.parts[part as usize % PARTS], ns);
    }

    /// Adds stop-the-world time within a state.
    pub(super) fn add_stopped(&mut self, part: Part, ns: u64) {
        let part = part as usize;
        if part < 3 {
            let time = &mut self.stopped[part % STOPPED];
            *time = time.saturating_add(ns);
        }
    }
}

impl AddAssign for StateVector {
    #[inline]
    fn add_assign(&mut self, other: Self) {
        self.add_up(&other);
    }
}

impl Add for StateVector {
    type Output = Self;

    fn add(mut self, other: Self) -> Self {
        self += other;
        self
    }
}

impl Sub for StateVector {
    type Output = Self;

    /// Returns the time since `earlier`, a snapshot of the same goroutine.
    fn sub(mut self, earlier: Self) -> Self {
        sums::subtract(&mut self.parts, &earlier.parts);
        sums::subtract(&mut self.stopped, &earlier.stopped);
        self
    }
}

impl Sum for StateVector {
    fn sum<I: Iterator<Item = Self>>(vectors: I) -> Self {
        vectors.fold(Self::default(), Add::add)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_make_states_and_add_up() {
        let mut vector = StateVector::default();
        for (part, ns, stopped) in [
            (Part::Running, 5, 1),
            (Part::Marking, 7, 2),
            (Part::Credit, 11, 9),
            (Part::Select, 13, 9),
        ] {
            vector.add_part(part, ns);
            vector.add_stopped(part, stopped);
        }
        assert_eq!(vector.of(State::GcAssist), 18);
        assert_eq!(vector.stopped(State::GcAssist), 2);
        assert_eq!(vector.stopped(State::Select), 0);
        assert_eq!(vector.total(), 36);
        assert_eq!(vector.waits(), 24);
        let by_state: u64 = State::ALL.into_iter().map(|s| vector.of(s)).sum();
        assert_eq!(by_state, vector.total());
        assert_eq!((vector + vector) - vector, vector);
        let states = State::ALL.map(|s| vector.of(s));
        let stopped = State::STOPPABLE.map(|s| vector.stopped(s));
        assert_eq!(StateVector::from_values(states, 11, stopped), vector);
    }

    #[test]
    fn times_of_a_damaged_trace_do_not_overflow() {
        let mut vector = StateVector::default();
        for _ in 0..2 {
            vector.add_part(Part::Running, u64::MAX);
            vector.add_stopped(Part::Running, u64::MAX);
            vector.add_part(Part::Marking, u64::MAX);
            vector.add_part(Part::Credit, 1);
        }
        assert_eq!(vector.total(), u64::MAX);
        assert_eq!(vector.of(State::GcAssist), u64::MAX);
        assert_eq!(vector.waits(), 0);
        assert_eq!(vector.stopped(State::Running), u64::MAX);
    }

    #[test]
    fn every_part_has_its_state() {
        for state in State::ALL {
            assert_eq!(Part::of_wait(state).state(), state);
        }
    }
}
