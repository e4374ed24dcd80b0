//! What waits were in the end: chains of waits through the goroutines that ended them.
//!
//! At each instant of a wait, its leaf is the state of the goroutine that ends the wait, or the leaf of that
//! goroutine's own wait, or before its creation that of its creator. If no goroutine ends a wait, or the past is not
//! kept, the leaf is the wait's own state. So leaves add up to the wait.
//!
//! Only periods of at least [`LONG`](super::LONG) are kept, because shorter ones are frequent: they would cost every
//! trace what only findings need. Between two of them the running time is known, and the rest counts as the wait's own
//! state. [`Chains`](crate::tasks::Chains) keep all periods, from the first task or request on.

use super::account::part;
use super::goroutines::{Goroutine, Goroutines};
use super::interval::Interval;
use super::leaves::{Leaf, Leaves};
use super::state::State;
use super::stretches::{Doing, Stretch, Stretches};
use super::transition::Transition;
use super::{Timeline, elapsed};
use crate::trace::{GoId, GoState, Time};

/// Maximum number of generations from a goroutine back through its creators.
const ANCESTORS: usize = 4;

/// Pasts of all goroutines.
struct Pasts<'a> {
    gs: &'a Goroutines,
    stretches: &'a Stretches,
    now: Time,
}

/// Part of a goroutine's past.
enum Piece<'a> {
    /// Long period in which it did not run.
    Long(&'a Stretch),
    /// It ran, and did not run for short periods. The running time in ns.
    Ran(u64),
}

impl Pasts<'_> {
    /// Passes the parts of a goroutine's past between two times, newest first. Returns from when on it is known, and
    /// the creator if that is the goroutine's creation.
    fn back<'a>(
        &'a self,
        g: GoId,
        (start, end): (Time, Time),
        mut each: impl FnMut(Time, Time, Piece<'a>),
    ) -> (Time, Option<GoId>) {
        let Some((slot, g)) = self
            .gs
            .slot(g)
            .and_then(|slot| Some((slot, self.gs.get(slot)?)))
        else {
            return (end, None);
        };
        let running = match g.state {
            GoState::Running => elapsed(g.since, self.now),
            _ => 0,
        };
        let (mut until, mut ran) = (self.now, g.ran.saturating_add(running));
        // Passes what a gap between two long periods has in common with the window.
        let gap = |from: Time, to: Time, ran: u64, each: &mut dyn FnMut(Time, Time, Piece<'a>)| {
            let (first, last) = (from.max(start), to.min(end));
            if first < last {
                let (part, whole) = (elapsed(first, last), elapsed(from, to));
                let part = u128::from(ran.min(whole)) * u128::from(part) / u128::from(whole);
                each(first, last, Piece::Ran(part as u64));
            }
        };
        let past = self.stretches.of(slot, g.id);
        for stretch in past.iter().flat_map(|past| past.kept.iter().rev()) {
            gap(
                stretch.end,
                until,
                ran.saturating_sub(stretch.ran),
                &mut each,
            );
            let (first, last) = (stretch.start.max(start), stretch.end.min(end));
            if first < last {
                each(first, last, Piece::Long(stretch));
            }
            (until, ran) = (stretch.start, stretch.ran);
            if until <= start {
                return (start, None);
            }
        }
        if past.is_some_and(|past| past.dropped) {
            return (until.min(end), None);
        }
        gap(g.birth, until, ran, &mut each);
        let known = g.birth.clamp(start, end);
        (known, g.born.then_some(g.created_by))
    }

    /// Splits a wait that `waker` ended by its leaves, newest first. `own` is the leaf of the wait itself.
    fn trace(
        &self,
        waker: Option<GoId>,
        (start, end): (Time, Time),
        own: Leaf,
        mut part: impl FnMut(Time, Time, Leaf),
    ) {
        let (mut to, mut next) = (end, waker);
        for _ in 0..ANCESTORS {
            let Some(g) = next.filter(|g| g.is_some() && to > start) else {
                break;
            };
            (to, next) = self.back(g, (start, to), |from, to, piece| match piece {
                Piece::Long(stretch) => part(from, to, stretch.leaf),
                Piece::Ran(ns) => {
                    let ran_from = to.saturating_sub_unsigned(ns).max(from);
                    if ran_from < to {
                        part(ran_from, to, Leaf::RUNNING_ELSEWHERE);
                    }
                    if from < ran_from {
                        part(from, ran_from, own);
                    }
                }
            });
        }
        if to > start {
            part(start, to, own);
        }
    }
}

/// Keeps the long period that a transition ends. A wait that another goroutine ends is split by that goroutine's states.
#[cold]
pub(super) fn keep(stretches: &mut Stretches, gs: &Goroutines, g: &Goroutine, t: &Transition) {
    let mut parts = std::mem::take(&mut stretches.parts);
    let pasts = Pasts {
        gs,
        stretches,
        now: t.time,
    };
    let own = Leaf::of(part(g.state, g.waiting, g.assisting).state());
    let waker = (t.from == GoState::Waiting && t.by != g.id).then_some(t.by);
    pasts.trace(waker, (g.since, t.time), own, |from, to, leaf| {
        parts.push((from, to, leaf));
    });
    stretches.add(t.slot, g, parts.drain(..));
    stretches.parts = parts;
}

impl Timeline {
    fn pasts(&self) -> Pasts<'_> {
        Pasts {
            gs: &self.gs,
            stretches: &self.stretches,
            now: self.now,
        }
    }

    /// Returns what a wait was in the end: its time by the leaves of the chain of waits. They add up to the wait's
    /// duration. `own` is the state of the wait. Requests of the program do not bound the chain: a lock's finding is
    /// about the holder, whoever it works for.
    pub fn in_the_end(&self, wait: &Interval, own: State) -> Leaves {
        let ended = !wait.cut_at_end && wait.by.g != wait.victim.g;
        let waker = ended.then_some(wait.by.g);
        let mut leaves = Leaves::ZERO;
        let add = |from, to, leaf| leaves.add(leaf, elapsed(from, to));
        self.pasts()
            .trace(waker, (wait.start, wait.end), Leaf::of(own), add);
        leaves
    }

    /// Returns the activity of a goroutine for more than half of the time between two times, and its duration in ns.
    /// `None` if there is no such activity or the goroutine ended.
    pub fn mostly_did(&self, g: GoId, start: Time, end: Time) -> Option<(Doing, u64)> {
        let mut sums = [0_u64; Doing::ALL.len()];
        self.pasts().back(g, (start, end), |from, to, piece| {
            let (doing, ns) = match piece {
                Piece::Long(stretch) => (stretch.doing, elapsed(from, to)),
                Piece::Ran(ns) => (Doing::Running, ns),
            };
            let sum = &mut sums[doing as usize];
            *sum = sum.saturating_add(ns);
        });
        let most = Doing::ALL.into_iter().zip(sums).max_by_key(|(_, sum)| *sum);
        most.filter(|(_, sum)| *sum > elapsed(start, end) / 2)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::timeline::{HeapFloor, Kinds, Observer};
    use crate::trace::GoState::{NotExist, Runnable, Running, Syscall, Undetermined, Waiting};
    use crate::trace::{
        Event, EventKind, ProcId, Slot, StackId, StateTransition, StringId, Tables, ThreadId,
    };

    const MS: Time = 1_000_000;

    /// Keeps what the waits of goroutine 1 were in the end.
    #[derive(Default)]
    struct Recorder(Vec<Leaves>);

    impl Observer for Recorder {
        fn watches(&self) -> Kinds {
            Kinds::ALL
        }

        fn interval(&mut self, i: &Interval, t: &Timeline) {
            if i.victim.g == GoId(1) && matches!(i.kind, crate::timeline::Kind::Blocked(_)) {
                let leaves = t.in_the_end(i, State::Lock);
                assert_eq!(leaves.total(), i.duration());
                self.0.push(leaves);
            }
        }

        fn heap_floor(&mut self, _: HeapFloor, _: &Timeline) {}
    }

    /// A transition of goroutine `g` at a time in ms, which goroutine `by` emits.
    type Step = (f64, i64, i64, GoState, GoState);

    /// Lock, syscall and running time in ms of the only wait of goroutine 1.
    fn waited(steps: &mut [Step]) -> [u64; 3] {
        steps.sort_by(|a, b| a.0.total_cmp(&b.0));
        let (mut timeline, mut recorder) = (Timeline::default(), Recorder::default());
        let mut emit = |time: Time, by: i64, kind: EventKind| {
            let context = (ThreadId(by), ProcId(by), GoId(by));
            let event = Event::new(time, context, kind);
            timeline.event(&event, &Tables::default(), &mut recorder);
        };
        emit(0, 1, EventKind::Sync { n: 1 });
        for &(ms, by, g, from, to) in &*steps {
            let kind = EventKind::StateTransition(StateTransition::Goroutine {
                id: GoId(g),
                slot: Slot(g as u32 - 1),
                from,
                to,
                reason: StringId::default(),
                own_stack: StackId::NONE,
                stack: StackId::NONE,
            });
            emit((ms * MS as f64) as Time, by, kind);
        }
        let [leaves] = recorder.0[..] else {
            panic!("{:?}", recorder.0)
        };
        let states = [
            Leaf::of(State::Lock),
            Leaf::of(State::Syscall),
            Leaf::RUNNING_ELSEWHERE,
        ];
        states.map(|leaf| leaves.of(leaf) / MS as u64)
    }

    /// Goroutine 1 waits from 10 ms on, and others run.
    fn start(others: &[i64]) -> Vec<Step> {
        let all = [1].iter().chain(others);
        let mut steps: Vec<_> = all.map(|&g| (0.0, g, g, Undetermined, Running)).collect();
        steps.push((10.0, 1, 1, Running, Waiting));
        steps
    }

    #[test]
    fn chains_lead_through_the_waits_of_the_waker() {
        let mut steps = start(&[2, 3]);
        steps.extend([
            (20.0, 2, 2, Running, Syscall),
            (50.0, 2, 2, Syscall, Running),
            (60.0, 2, 2, Running, Waiting),
            (65.0, 3, 3, Running, Syscall),
            (85.0, 3, 3, Syscall, Running),
            (90.0, 3, 2, Waiting, Runnable),
            (90.0, 2, 2, Runnable, Running),
            // The chain is known although its end is gone.
            (91.0, 3, 3, Running, NotExist),
            (100.0, 2, 1, Waiting, Runnable),
        ]);
        assert_eq!(waited(&mut steps), [0, 50, 40]);
    }

    #[test]
    fn short_periods_and_older_ones_are_of_the_wait() {
        let mut steps = start(&[2]);
        for n in 0..50 {
            let at = f64::from(n);
            steps.push((at + 0.5, 2, 2, Running, Syscall));
            steps.push((at + 1.0, 2, 2, Syscall, Running));
        }
        steps.push((50.0, 2, 1, Waiting, Runnable));
        assert_eq!(waited(&mut steps), [20, 0, 20]);

        let mut steps = start(&[2]);
        for n in 0..20 {
            let at = 10.0 + 3.0 * f64::from(n);
            steps.push((at + 1.0, 2, 2, Running, Syscall));
            steps.push((at + 3.0, 2, 2, Syscall, Running));
        }
        steps.push((70.0, 2, 1, Waiting, Runnable));
        // Eight periods are kept, with the runs between them.
        assert_eq!(waited(&mut steps), [37, 16, 7]);
    }

    #[test]
    fn before_the_waker_was_created_its_creator_counts() {
        let mut steps = start(&[2]);
        steps.extend([
            (20.0, 2, 2, Running, Syscall),
            (39.0, 2, 2, Syscall, Running),
            (40.0, 2, 3, NotExist, Runnable),
            (40.0, 3, 3, Runnable, Running),
            (50.0, 3, 1, Waiting, Runnable),
        ]);
        assert_eq!(waited(&mut steps), [0, 19, 21]);
    }

    #[test]
    fn a_wait_that_no_goroutine_ends_is_its_own_state() {
        let none = GoId::NONE.0;
        let mut steps = start(&[2]);
        steps.push((50.0, none, 1, Waiting, Runnable));
        assert_eq!(waited(&mut steps), [40, 0, 0]);
    }
}
