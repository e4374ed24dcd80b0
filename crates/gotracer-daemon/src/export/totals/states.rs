//! Time by state, in a bounded number of series.

use std::collections::BTreeMap;
use std::time::Duration;

use super::OTHER;
use crate::timeline::{State, StateVector};

/// Number of states with a series of their own.
pub(crate) const STATES: usize = 6;

/// Time by state: those with most time in the first traces, and the rest as [`OTHER`].
#[derive(Clone, Debug, Default)]
pub struct States(BTreeMap<&'static str, u64>);

impl States {
    /// Time by the name of the state.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, Duration)> {
        let all = self.0.iter();
        all.map(|(state, ns)| (*state, Duration::from_nanos(*ns)))
    }

    /// Adds the time of a trace.
    pub fn add(&mut self, time: &StateVector) {
        let mut states = State::ALL.map(|state| (time.of(state), state));
        states.sort_by_key(|(ns, _)| std::cmp::Reverse(*ns));
        for (ns, state) in states.into_iter().filter(|(ns, _)| *ns > 0) {
            let name = state.name();
            let known = self.0.contains_key(name) || self.0.len() < STATES;
            let sum = self.0.entry(if known { name } else { OTHER }).or_default();
            *sum = sum.saturating_add(ns);
        }
    }
}
