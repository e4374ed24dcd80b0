//! Goroutines that do at random what goroutines can do, with mark assists and stops of the world.

use std::collections::HashMap;

use gotracer::timeline::{State, Timeline};
use gotracer::trace::{
    Event, EventKind, GoId, GoState, Input, Metric, ProcId, Range, Reader, Slot, StackId,
    StateTransition, StringId, Tables, ThreadId,
};
use proptest::prelude::*;

use crate::model::{Model, Wait};
use crate::sums::Ends;
use crate::support::text_trace;

/// Reasons for which goroutines wait, and the states of waits for them without a stack.
const REASONS: [(&str, Wait); 9] = [
    ("chan send", (State::ChanSend, false)),
    ("chan receive", (State::ChanReceive, false)),
    ("select", (State::Select, false)),
    ("network", (State::Network, false)),
    ("sleep", (State::Sleep, false)),
    ("sync.(*Cond).Wait", (State::Cond, false)),
    ("GC mark assist wait for work", (State::GcAssist, true)),
    ("wait until GC ends", (State::GcWait, false)),
    ("a reason of a later version", (State::Other, false)),
];

/// Tables that hold the reasons, and where.
fn tables() -> (Tables, Vec<StringId>) {
    let mut text = String::from(
        "-- expect --\nSUCCESS\n-- trace --\nTrace Go1.22\nEventBatch gen=1 m=18446744073709551615 time=0\n\
         Frequency freq=1000000000\nEventBatch gen=1 m=0 time=0\nProcStatus dt=1 p=0 pstatus=1\n\
         GoStatus dt=1 g=1 m=0 gstatus=2\nEventBatch gen=1 m=18446744073709551615 time=0\nStrings\n",
    );
    for (i, (reason, _)) in REASONS.iter().enumerate() {
        text += &format!("String id={}\ndata={reason:?}\n", i + 1);
    }
    let trace = text_trace::encode(&text);
    let mut reader = Reader::new(Input::from_slice(&trace.bytes)).expect("a trace");
    assert!(reader.advance().expect("a generation"));
    let tables = Tables::clone(reader.tables());
    let find = |reason: &str| {
        let mut ids = (0..=tables.strings() as u32).map(StringId);
        ids.find(|id| tables.string(*id) == reason.as_bytes())
            .unwrap_or_else(|| panic!("no {reason}"))
    };
    let ids = REASONS.iter().map(|(reason, _)| find(reason)).collect();
    (tables, ids)
}

/// A program: what the goroutines that exist do.
struct Program {
    time: i64,
    states: Vec<Option<(GoId, GoState)>>,
    assisting: Vec<bool>,
    next: i64,
    /// The goroutine that stopped the world.
    stopper: Option<GoId>,
}

const SLOTS: usize = 4;

impl Program {
    /// The event that a step makes, if one is possible, and the wait that begins with it.
    fn step(
        &mut self,
        (op, slot, choice, dt): (u8, usize, usize, i64),
        reasons: &[StringId],
    ) -> Option<(Event, Wait)> {
        self.time += dt;
        let slot = slot % SLOTS;
        let (mut g, mut p) = (GoId::NONE, ProcId(slot as i64));
        let mut wait = (State::Other, false);
        let kind = match (op, self.states[slot]) {
            (0, _) => {
                p = ProcId(choice as i64 % SLOTS as i64);
                EventKind::Metric {
                    metric: Metric::Gomaxprocs,
                    value: 4,
                    stack: StackId::NONE,
                }
            }
            (1, Some((id, GoState::Running))) => {
                let range = Range::StopTheWorld {
                    reason: StringId::default(),
                    g: id,
                };
                match self.stopper {
                    None => {
                        self.stopper = Some(id);
                        EventKind::RangeBegin {
                            range,
                            stack: StackId::NONE,
                        }
                    }
                    Some(stopper) if stopper == id => {
                        self.stopper = None;
                        EventKind::RangeEnd { range }
                    }
                    Some(_) => return None,
                }
            }
            (2, Some((id, GoState::Running))) => {
                let range = Range::MarkAssist { g: id };
                self.assisting[slot] = !self.assisting[slot];
                match self.assisting[slot] {
                    true => EventKind::RangeBegin {
                        range,
                        stack: StackId::NONE,
                    },
                    false => EventKind::RangeEnd { range },
                }
            }
            (3, Some((id, state))) => self.goroutine(slot, id, state, state, StringId::default()),
            (4, None) if choice % 2 == 0 => {
                let id = GoId(self.next);
                self.next += 1;
                let to = [GoState::Runnable, GoState::Running, GoState::Syscall][choice / 2 % 3];
                self.goroutine(slot, id, GoState::Undetermined, to, StringId::default())
            }
            (_, None) => {
                let id = GoId(self.next);
                self.next += 1;
                self.goroutine(
                    slot,
                    id,
                    GoState::NotExist,
                    GoState::Runnable,
                    StringId::default(),
                )
            }
            (_, Some((id, state))) => {
                g = id;
                let to = match (state, choice % 5) {
                    (GoState::Running, 0) if !self.assisting[slot] && self.stopper != Some(id) => {
                        GoState::NotExist
                    }
                    (GoState::Running, 1) => GoState::Runnable,
                    (GoState::Running, 2) => GoState::Syscall,
                    (GoState::Running, _) => GoState::Waiting,
                    (GoState::Syscall, 0) => GoState::Runnable,
                    (GoState::Waiting, _) => GoState::Runnable,
                    _ => GoState::Running,
                };
                let reason = choice % REASONS.len();
                let mut string = StringId::default();
                if to == GoState::Waiting {
                    (wait, string) = (REASONS[reason].1, reasons[reason]);
                }
                self.goroutine(slot, id, state, to, string)
            }
        };
        let event = Event::new(self.time, (ThreadId(0), p, g), kind);
        Some((event, wait))
    }

    fn goroutine(
        &mut self,
        slot: usize,
        id: GoId,
        from: GoState,
        to: GoState,
        reason: StringId,
    ) -> EventKind {
        self.states[slot] = (to != GoState::NotExist).then_some((id, to));
        EventKind::StateTransition(StateTransition::Goroutine {
            id,
            slot: Slot(slot as u32),
            from,
            to,
            reason,
            own_stack: StackId::NONE,
            stack: StackId::NONE,
        })
    }
}

proptest! {
    #[test]
    fn vectors_are_what_the_intervals_have_in_common(
        steps in prop::collection::vec((0..12u8, 0..SLOTS, 0..90usize, 1..1000i64), 1..400),
        reported in prop::collection::vec(any::<bool>(), 400),
    ) {
        let (tables, reasons) = tables();
        let (mut timeline, mut model, mut ends) = (Timeline::default(), Model::default(), Ends::default());
        let mut program = Program {
            time: 100,
            states: vec![None; SLOTS],
            assisting: vec![false; SLOTS],
            next: 1,
            stopper: None,
        };
        let none = (ThreadId::NONE, ProcId::NONE, GoId::NONE);
        let sync = Event::new(50, none, EventKind::Sync { n: 0 });
        timeline.event(&sync, &tables, &mut ends);
        model.event(&sync, (State::Other, false));
        let mut in_parts = HashMap::new();
        for (step, report) in steps.into_iter().zip(reported) {
            let Some((event, wait)) = program.step(step, &reasons) else { continue };
            timeline.event(&event, &tables, &mut ends);
            model.event(&event, wait);
            // As reports on a stream do.
            for (g, vector) in std::mem::take(&mut ends.vectors) {
                *in_parts.entry(g).or_default() = vector + in_parts.remove(&g).unwrap_or_default();
            }
            if report {
                for (g, vector) in timeline.unreported() {
                    *in_parts.entry(g.id).or_default() += vector;
                }
                timeline.start_stretch();
            }
        }
        for (g, vector) in timeline.unreported() {
            *in_parts.entry(g.id).or_default() += vector;
        }
        let want = model.vectors();
        prop_assert_eq!(in_parts.len(), want.len());
        for (g, (vector, lived)) in want {
            prop_assert_eq!(in_parts[&g], vector, "goroutine {}", g);
            prop_assert_eq!(vector.total(), lived);
            if let Some(whole) = timeline.snapshot(g) {
                prop_assert_eq!(whole, vector);
            }
        }
    }
}
