//! Wire form of a state vector.

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::timeline::{State, StateVector};

/// Time by state, ns. Exactly one state holds at any time, so the states add up to the lives of the goroutines.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Time {
    /// Running on a P, outside of mark assists.
    pub running: u64,
    /// Ready to run, without a P.
    pub runnable: u64,
    /// In system calls and cgo calls.
    pub syscall: u64,
    /// Waiting for locks.
    pub lock: u64,
    /// Waiting to send on channels.
    pub chan_send: u64,
    /// Waiting to receive from channels.
    pub chan_receive: u64,
    /// Waiting in `select`.
    pub select: u64,
    /// Waiting for the network, or for pipes.
    pub network: u64,
    /// Sleeping.
    pub sleep: u64,
    /// Waiting for a `sync.WaitGroup`.
    pub wait_group: u64,
    /// Waiting for a `sync.Cond`.
    pub cond: u64,
    /// In mark assists.
    pub gc_assist: u64,
    /// Waiting for the garbage collector.
    pub gc_wait: u64,
    /// All other waits.
    pub other: u64,
    /// Time of these states that lay under a stop-the-world.
    pub stopped: Stopped,
    /// The parts of `gc_assist`.
    pub assist: Assist,
}

/// Time by state that lay under a stop-the-world, ns.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Stopped {
    /// Of `running`.
    pub running: u64,
    /// Of `runnable`.
    pub runnable: u64,
    /// Of `gc_assist`.
    pub gc_assist: u64,
}

/// The parts of mark assists, ns.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Assist {
    /// Marking.
    pub marking: u64,
    /// Waiting for credit.
    pub credit: u64,
}

impl From<&StateVector> for Time {
    fn from(v: &StateVector) -> Self {
        Self {
            running: v.of(State::Running),
            runnable: v.of(State::Runnable),
            syscall: v.of(State::Syscall),
            lock: v.of(State::Lock),
            chan_send: v.of(State::ChanSend),
            chan_receive: v.of(State::ChanReceive),
            select: v.of(State::Select),
            network: v.of(State::Network),
            sleep: v.of(State::Sleep),
            wait_group: v.of(State::WaitGroup),
            cond: v.of(State::Cond),
            gc_assist: v.of(State::GcAssist),
            gc_wait: v.of(State::GcWait),
            other: v.of(State::Other),
            stopped: Stopped {
                running: v.stopped(State::Running),
                runnable: v.stopped(State::Runnable),
                gc_assist: v.stopped(State::GcAssist),
            },
            assist: Assist {
                marking: v.marking(),
                credit: v.credit(),
            },
        }
    }
}

impl From<Time> for StateVector {
    fn from(t: Time) -> Self {
        let states = State::ALL.map(|state| match state {
            State::Running => t.running,
            State::Runnable => t.runnable,
            State::Syscall => t.syscall,
            State::Lock => t.lock,
            State::ChanSend => t.chan_send,
            State::ChanReceive => t.chan_receive,
            State::Select => t.select,
            State::Network => t.network,
            State::Sleep => t.sleep,
            State::WaitGroup => t.wait_group,
            State::Cond => t.cond,
            State::GcAssist => t.gc_assist,
            State::GcWait => t.gc_wait,
            State::Other => t.other,
        });
        let stopped = [t.stopped.running, t.stopped.runnable, t.stopped.gc_assist];
        Self::from_values(states, t.assist.credit, stopped)
    }
}

/// Writes a state vector as [`Time`].
pub(crate) fn serialize<S: Serializer>(
    vector: &StateVector,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    Time::from(vector).serialize(serializer)
}

/// Reads a state vector that was written as [`Time`].
pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<StateVector, D::Error> {
    Time::deserialize(deserializer).map(StateVector::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_vector_survives_its_wire_form_under_the_names_of_its_states() {
        let states = std::array::from_fn(|i| 100 + i as u64);
        let vector = StateVector::from_values(states, 7, [1, 2, 3]);
        let json = serde_json::to_value(Time::from(&vector)).unwrap();
        for state in State::ALL {
            assert_eq!(json[state.name()], vector.of(state), "{}", state.name());
        }
        for state in State::STOPPABLE {
            assert_eq!(json["stopped"][state.name()], vector.stopped(state));
        }
        let read: Time = serde_json::from_value(json).unwrap();
        assert_eq!(StateVector::from(read), vector);
    }
}
