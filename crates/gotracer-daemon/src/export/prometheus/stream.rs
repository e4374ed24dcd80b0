//! How the streams of targets go, beside what they tell.

use std::time::Duration;

use prometheus_client::registry::Unit;

use super::families::{Family, Samples, family, gauge};

/// How a target's stream goes.
#[derive(Debug, Default)]
pub struct Stream {
    /// Whether it runs.
    pub connected: bool,
    /// Generations analysed.
    pub generations: u64,
    /// The share of time in which it is to run.
    pub duty: f64,
    /// How long after its end the last generation was counted.
    pub delay: Option<Duration>,
    /// How often it was interrupted and for how long in all, by why.
    pub gaps: [(u64, Duration); Gap::ALL.len()],
}

/// Why a stream is interrupted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Gap {
    /// It broke off, or the program was not there.
    Lost,
    /// A program traces itself for so long at a time.
    Renewed,
    /// It had more bytes than it may.
    Budget,
}

impl Gap {
    /// All reasons.
    pub const ALL: [Self; 3] = [Self::Lost, Self::Renewed, Self::Budget];

    /// Its name as a label's value.
    pub fn name(self) -> &'static str {
        match self {
            Self::Lost => "lost",
            Self::Renewed => "renewed",
            Self::Budget => "budget",
        }
    }
}

/// The families of targets that are streamed.
pub fn families() -> [Family; 6] {
    [
        family(
            "gotracer_stream_connected",
            "1 while a target that is streamed sends its trace, 0 while it does not.",
            gauge(|t| Some(f64::from(u8::from(t.stream.as_ref()?.connected)))),
        ),
        family(
            "gotracer_stream_duty_ratio",
            "The share of time in which a target is streamed: below 1 if it sends more bytes than \
                stream_budget allows.",
            gauge(|t| Some(t.stream.as_ref()?.duty)),
        ),
        family(
            "gotracer_stream_generations",
            "Generations of streams analysed; a program writes one each second.",
            Samples::Streamed(|s| s.generations),
        ),
        family(
            "gotracer_stream_gaps",
            "How often a stream was interrupted: lost is a broken connection or a program that \
                was gone, renewed is the end of the time that was asked for, budget is a pause \
                for the sake of stream_budget.",
            Samples::Gaps(|(count, _)| *count as f64),
        ),
        family(
            "gotracer_stream_gap",
            "Time that no stream covers, from the last event before an interruption to the first \
                one after it, by reason as in gotracer_stream_gaps_total.",
            Samples::Gaps(|(_, time)| time.as_secs_f64()),
        )
        .in_unit(Unit::Seconds),
        family(
            "gotracer_stream_delay",
            "How long after its end the last generation was counted; programs of Go before 1.25 \
                don't tell when that was.",
            gauge(|t| Some(t.stream.as_ref()?.delay?.as_secs_f64())),
        )
        .in_unit(Unit::Seconds),
    ]
}
