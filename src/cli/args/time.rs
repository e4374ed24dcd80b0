//! Parsers of times within a trace.

use gotracer::rules::Unit;
use gotracer::trace::Time;

/// A time within a trace.
#[derive(Clone, Copy)]
pub(crate) enum Moment {
    /// On the trace's own clock.
    Absolute(Time),
    /// Since the trace's first event.
    SinceStart(Time),
}

impl Moment {
    /// Parses a duration such as 1.5s, or a plain number: a time on the trace's
    /// clock.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        if let Ok(time) = text.parse() {
            return Ok(Self::Absolute(time));
        }
        Self::parse_since_start(text).map(Self::SinceStart)
    }

    /// Parses a duration such as 1.5s.
    pub(crate) fn parse_since_start(text: &str) -> Result<Time, String> {
        let since = Unit::Nanoseconds.parse(text).map_err(|e| e.to_string())?;
        Time::try_from(since).map_err(|e| e.to_string())
    }

    /// Converts `from` and `to` to the clock of a trace that starts at `start`.
    pub(crate) fn window(from: Option<Self>, to: Option<Self>, start: Time) -> (Time, Time) {
        let time = |moment| match moment {
            Self::Absolute(time) => time,
            Self::SinceStart(time) => start.saturating_add(time),
        };
        (from.map_or(Time::MIN, time), to.map_or(Time::MAX, time))
    }
}
