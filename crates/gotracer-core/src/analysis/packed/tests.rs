use super::*;
use crate::trace::{
    GoId, Metric, ProcId, Slot, StackId, StateTransition, StringId, TaskId, ThreadId,
};
use proptest::prelude::*;

fn id() -> impl Strategy<Value = i64> {
    prop_oneof![
        Just(-1),
        0..9i64,
        65_534..65_537i64,
        (1i64 << 32) - 2..1 << 33,
        any::<i64>()
    ]
}

fn small() -> impl Strategy<Value = u32> {
    prop_oneof![4 => Just(0), 4 => 1..4u32, 1 => 65_535..65_537u32, 1 => any::<u32>()]
}

fn state() -> impl Strategy<Value = GoState> {
    prop::sample::select(vec![
        GoState::Undetermined,
        GoState::NotExist,
        GoState::Runnable,
        GoState::Running,
        GoState::Waiting,
        GoState::Syscall,
    ])
}

fn kind() -> impl Strategy<Value = EventKind> {
    let transition = (id(), small(), state(), state(), small(), small(), small());
    let transition = transition.prop_map(|(id, slot, from, to, reason, own, stack)| {
        EventKind::StateTransition(StateTransition::Goroutine {
            id: GoId(id),
            slot: Slot(slot),
            from,
            to,
            reason: StringId(reason),
            own_stack: StackId(own),
            stack: StackId(stack),
        })
    });
    let metric = EventKind::Metric {
        metric: Metric::HeapObjects,
        value: 7,
        stack: StackId::NONE,
    };
    let unheeded = EventKind::RegionEnd {
        task: TaskId(1),
        name: StringId(1),
        stack: StackId::NONE,
    };
    prop_oneof![8 => transition, 1 => Just(metric), 1 => Just(unheeded)]
}

fn event_of(time: Time, (p, g): (i64, GoId), kind: EventKind) -> Event {
    Event::new(time, (ThreadId(1), ProcId(p), g), kind)
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let after = prop_oneof![8 => 1..1000i64, 1 => (1i64 << 32) - 1..(1 << 32) + 2];
    let event = (after, id(), id(), kind());
    prop::collection::vec(event, 1..50).prop_map(|parts| {
        let mut time = -5;
        let event = |(after, p, g, kind)| {
            time += after;
            event_of(time, (p, GoId(g)), kind)
        };
        parts.into_iter().map(event).collect()
    })
}

/// Returns the parts of a transition that the timeline reads.
fn heeded(t: Transition) -> Transition {
    Transition {
        p: if t.from == GoState::Running || t.to == GoState::Running {
            t.p
        } else {
            ProcId::NONE
        },
        by: match (t.from, t.to) {
            (GoState::Running, _) | (_, GoState::Running) => GoId::NONE,
            _ => t.by,
        },
        // The event does not have it.
        by_slot: None,
        ..t
    }
}

/// Visitor that compares unpacked events with the expected ones.
struct Compare<'a>(std::vec::IntoIter<&'a Event>, Option<Time>);

/// Returns a goroutine's slot: its id, if known.
fn slot_of(g: GoId) -> u32 {
    match g.0 {
        0..100_000 if g.0 % 3 != 0 => g.0 as u32,
        _ => NO_SLOT,
    }
}

impl EventVisitor for Compare<'_> {
    fn transition(&mut self, transition: &Transition) {
        let want = Transition::of(self.0.next().unwrap()).unwrap();
        assert_eq!(heeded(*transition), heeded(want));
        self.1 = None;
    }

    fn rare_transition(&mut self, transition: &Transition) {
        self.transition(transition);
    }

    fn goroutine(&self, slot: Slot) -> GoId {
        GoId(slot.0.into())
    }

    fn creation(&mut self, creation: &Creation) {
        let want = Creation::of(self.0.next().unwrap()).unwrap();
        // The P is not packed, because the goroutine does not run yet.
        let p = want.p;
        assert_eq!(Creation { p, ..*creation }, want);
        self.1 = None;
    }

    fn event(&mut self, event: &Event) {
        assert_eq!(Some(event), self.0.next());
        self.1 = None;
    }

    fn pass(&mut self, time: Time) {
        self.1 = Some(time);
    }

    fn unheeded(&mut self, time: Time) {
        self.1 = Some(time);
    }
}

/// Returns the time of the last event, if the timeline ignores it.
fn passed(events: &[Event]) -> Option<Time> {
    let last = events.last().filter(|e| !wanted(e));
    last.map(|e| e.time)
}

fn packed(events: &[Event]) -> Packed {
    let mut packed = Packed::default();
    let events = events.iter();
    events.for_each(|event| packed.write(*event, slot_of(event.g)));
    packed
}

proptest! {
    #[test]
    fn what_is_unpacked_was_packed(events in events()) {
        let want = events.iter().filter(|e| wanted(e));
        let want: Vec<_> = want.collect();
        let mut compare = Compare(want.into_iter(), None);
        packed(&events).unpack(&mut compare);
        prop_assert!(compare.0.next().is_none());
        prop_assert_eq!(compare.1, passed(&events));
    }

    #[test]
    fn what_is_retracted_was_never_there(events in events()) {
        let (_, but_last) = events.split_last().unwrap();
        let mut all = packed(&events);
        all.retract();
        let want = but_last.iter().filter(|e| wanted(e));
        let want: Vec<_> = want.collect();
        let mut compare = Compare(want.into_iter(), None);
        all.unpack(&mut compare);
        prop_assert!(compare.0.next().is_none());
        prop_assert_eq!(compare.1, passed(but_last));
    }
}

#[test]
fn an_ordinary_event_is_one_word() {
    let kind = EventKind::StateTransition(StateTransition::Goroutine {
        id: GoId(7),
        slot: Slot(9000),
        from: GoState::Waiting,
        to: GoState::Runnable,
        reason: StringId(0),
        own_stack: StackId(0),
        stack: StackId(12_000),
    });
    let event = |time, g| event_of(time, (200, g), kind);
    let mut packed = Packed::default();
    packed.write(event(5, GoId::NONE), NO_SLOT);
    packed.write(event(200_000, GoId(1 << 40)), 16_000);
    packed.write(event(400_000, GoId::NONE), NO_SLOT);
    assert_eq!((packed.words.len(), packed.whole.len()), (3, 1));
    packed.write(event(400_001, GoId(1)), NO_SLOT);
    packed.write(event(1_400_001, GoId(1)), 16_000);
    assert_eq!((packed.words.len(), packed.whole.len()), (7, 1));
}
