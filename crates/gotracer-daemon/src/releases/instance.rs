//! One program of a version, with its last captures.
//!
//! Captures of one program are not independent samples of its version: a full or empty cache makes
//! programs differ permanently. So a comparison uses one mean per program.

use std::collections::VecDeque;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::capture::Capture;
use super::trend::trend;
use crate::compare::{Floor, Observation, Quantity};
use crate::rules::Rule;

/// Program of a version.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Instance {
    /// End of the first capture.
    pub first_seen: Timestamp,
    /// End of the last capture.
    pub last_seen: Timestamp,
    /// Last captures after warm-up, by their number within the version. Each is a record of its
    /// own.
    #[serde(skip)]
    pub captures: VecDeque<(u64, Capture)>,
}

impl Instance {
    /// Creates a program whose first capture ended at `at`.
    pub(super) fn new(at: Timestamp) -> Self {
        Self {
            first_seen: at,
            last_seen: at,
            captures: VecDeque::new(),
        }
    }

    /// Returns the mean of a quantity and the number of captures in it.
    pub(super) fn observe(
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
