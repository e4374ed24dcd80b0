//! State transitions and creations of goroutines, the most frequent events.

use crate::trace::{
    Event, EventKind, GoId, GoState, ProcId, Slot, StackId, StateTransition, StringId, Time,
};

/// State transition of a goroutine that exists.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Transition {
    /// Time of the transition.
    pub time: Time,
    /// Slot of the goroutine.
    pub slot: Slot,
    /// State before.
    pub from: GoState,
    /// State after.
    pub to: GoState,
    /// P on which it runs before or after.
    pub p: ProcId,
    /// Goroutine that was running in the event's context.
    pub by: GoId,
    /// Slot of that goroutine, if known.
    pub by_slot: Option<Slot>,
    /// Reason for which it stops.
    pub reason: StringId,
    /// Stack of the goroutine.
    pub own: StackId,
    /// Stack of the event's context.
    pub stack: StackId,
}

impl Transition {
    /// Returns the transition of an event. `None` for a goroutine that appears, for a repeated state, and for other
    /// events.
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
            by_slot: None,
            reason,
            own: own_stack,
            stack,
        })
    }
}

/// Creation of a goroutine.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Creation {
    /// Time of the creation.
    pub time: Time,
    /// ID of the new goroutine.
    pub id: GoId,
    /// Slot of the new goroutine.
    pub slot: Slot,
    /// First state.
    pub to: GoState,
    /// P of the event's context.
    pub p: ProcId,
    /// Goroutine that created it.
    pub by: GoId,
    /// Start function, as a stack.
    pub own: StackId,
    /// Stack that created it.
    pub stack: StackId,
}

impl Creation {
    /// Returns the creation of an event. `None` for other events.
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
