//! One program of a version, and its last captures.
//!
//! Captures of the same program are no independent samples of its version: a
//! cache that one has filled and the other has not makes them differ for good.
//! So what is compared are programs, each by what its captures say on average.

use std::collections::VecDeque;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::capture::Capture;
use super::trend::trend;
use crate::compare::{Floor, Observation, Quantity};
use crate::rules::Rule;

/// A program.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Instance {
    /// When its first capture ended.
    pub first_seen: Timestamp,
    /// When its last one did.
    pub last_seen: Timestamp,
    /// Its last captures but for those made while it was new, by their number
    /// within the version. They are stored one by one.
    #[serde(skip)]
    pub captures: VecDeque<(u64, Capture)>,
}

impl Instance {
    /// One that was just captured for the first time.
    pub fn new(at: Timestamp) -> Self {
        Self {
            first_seen: at,
            last_seen: at,
            captures: VecDeque::new(),
        }
    }

    /// What it says of a quantity, and of how many captures that is the mean.
    pub fn observe(
        &self,
        rule: &Rule,
        quantity: Quantity,
        floor: Floor,
    ) -> Option<(Observation, usize)> {
        let captures = self.captures.iter().map(|(_, capture)| capture);
        if quantity == Quantity::Trend {
            let grown = trend(captures.filter_map(|c| c.point(rule)))?;
            return Some((grown.observation(floor), 1));
        }
        let said = captures.filter_map(|c| c.measured(rule, quantity));
        let said: Vec<_> = said.map(|m| m.observation(floor)).collect();
        let n = said.len();
        (n > 0).then(|| {
            let mean = |of: fn(&Observation) -> f64| said.iter().map(of).sum::<f64>() / n as f64;
            let observation = Observation {
                level: mean(|o| o.level),
                chance: mean(|o| o.chance) / n as f64,
            };
            (observation, n)
        })
    }
}
