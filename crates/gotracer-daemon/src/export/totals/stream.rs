//! State of a target's stream, beside what its trace says.

use std::time::Duration;

/// State of a target's stream.
#[derive(Debug, Default)]
pub struct Stream {
    /// Whether the target sends its trace.
    pub connected: bool,
    /// Generations analyzed.
    pub generations: u64,
    /// Share of time in which the target is streamed.
    pub duty: f64,
    /// Time from the end of the last generation until it was counted.
    pub delay: Option<Duration>,
    /// Number and total duration of the interruptions, by [`Gap`].
    pub gaps: [(u64, Duration); Gap::ALL.len()],
}

/// Reason for which a stream is interrupted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Gap {
    /// The connection broke, or the program was gone.
    Lost,
    /// The time that was asked for ended.
    Renewed,
    /// The target sent more bytes than `stream_budget` allows.
    Budget,
}

impl Gap {
    /// All reasons.
    pub const ALL: [Self; 3] = [Self::Lost, Self::Renewed, Self::Budget];

    /// Value of the label `reason`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Lost => "lost",
            Self::Renewed => "renewed",
            Self::Budget => "budget",
        }
    }
}
