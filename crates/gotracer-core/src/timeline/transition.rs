//! A goroutine goes from one state to another, or comes into being: what
//! happens all the time.

use crate::trace::{
    Event, EventKind, GoId, GoState, ProcId, Slot, StackId, StateTransition, StringId, Time,
};

/// A goroutine that exists goes from one state to another.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Transition {
    /// When.
    pub time: Time,
    /// Which goroutine.
    pub slot: Slot,
    /// What it did before.
    pub from: GoState,
    /// What it does from now on.
    pub to: GoState,
    /// The processor it runs on, before or from now on.
    pub p: ProcId,
    /// The goroutine in whose context it happened.
    pub by: GoId,
    /// Why it stopped.
    pub reason: StringId,
    /// The goroutine's own stack.
    pub own: StackId,
    /// The stack of the context in which it happened.
    pub stack: StackId,
}

impl Transition {
    /// The transition that an event is, if it is one: a goroutine that appears
    /// or whose state is repeated makes none.
    #[inline(always)]
    pub fn of(event: &Event) -> Option<Self> {
        let EventKind::StateTransition(StateTransition::Goroutine {
            slot,
            from,
            to,
            reason,
            own_stack,
            stack,
            ..
        }) = event.kind
        else {
            return None;
        };
        if from == to || matches!(from, GoState::Undetermined | GoState::NotExist) {
            return None;
        }
        Some(Self {
            time: event.time,
            slot,
            from,
            to,
            p: event.p,
            by: event.g,
            reason,
            own: own_stack,
            stack,
        })
    }
}

/// A goroutine comes into being.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Creation {
    /// When.
    pub time: Time,
    /// Which goroutine.
    pub id: GoId,
    /// Its place among those that exist.
    pub slot: Slot,
    /// What it does first.
    pub to: GoState,
    /// The processor in whose context it happened.
    pub p: ProcId,
    /// The goroutine that created it.
    pub by: GoId,
    /// The function it is started with, as a stack.
    pub own: StackId,
    /// Where it is created.
    pub stack: StackId,
}

impl Creation {
    /// The creation that an event is, if it is one.
    #[inline(always)]
    pub fn of(event: &Event) -> Option<Self> {
        let EventKind::StateTransition(StateTransition::Goroutine {
            id,
            slot,
            from: GoState::NotExist,
            to,
            own_stack,
            stack,
            ..
        }) = event.kind
        else {
            return None;
        };
        Some(Self {
            time: event.time,
            id,
            slot,
            to,
            p: event.p,
            by: event.g,
            own: own_stack,
            stack,
        })
    }
}
