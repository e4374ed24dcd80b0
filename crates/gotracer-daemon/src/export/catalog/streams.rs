//! Metrics of the streams of targets in `mode: stream`.

use std::sync::LazyLock;
use std::time::Duration;

use super::{Emit, Kind, Metric, Point, Unit, Value, gauge};
use crate::export::totals::{Gap, Totals};

/// Metrics of a target's stream. Other targets have no series of them.
pub static METRICS: LazyLock<Vec<Metric<Totals>>> = LazyLock::new(|| {
    vec![
        gauge(
            "gotracer_stream_connected",
            "1 while a target that is streamed sends its trace, 0 while it does not.",
            |t: &Totals| Some(t.stream.as_ref()?.connected),
        )
        .fixed(0),
        gauge(
            "gotracer_stream_duty",
            "Share of time in which a target is streamed: below 1 if it sends more bytes than \
             stream_budget allows.",
            |t: &Totals| Some(t.stream.as_ref()?.duty),
        )
        .unit(Unit::Ratio)
        .fixed(0),
        Metric::new(
            Kind::Counter,
            "gotracer_stream_generations",
            "Generations of streams analyzed; a program writes one per second.",
            |t: &Totals, emit: &mut Emit<'_>| {
                if let Some(stream) = &t.stream {
                    emit(Point::new(&[], stream.generations));
                }
            },
        ),
        gaps(
            "gotracer_stream_gaps",
            "Interruptions of a stream by reason: lost is a broken connection or a program that \
             was gone, renewed is the end of the time that was asked for, budget is a pause \
             that keeps to stream_budget.",
            |(count, _)| count.into(),
        ),
        gaps(
            "gotracer_stream_gap",
            "Time that no stream covers, from the last event before an interruption to the first \
             one after it, by reason as in gotracer_stream_gaps_total.",
            |(_, time)| time.into(),
        )
        .unit(Unit::Seconds),
        gauge(
            "gotracer_stream_delay",
            "Time from the end of the last generation until it was counted. Programs of Go before \
             1.25 do not write when that was.",
            |t: &Totals| t.stream.as_ref()?.delay,
        )
        .unit(Unit::Seconds)
        .fixed(0),
    ]
});

/// Counter for each reason for which a stream is interrupted.
fn gaps(
    name: &'static str,
    help: &'static str,
    value: fn((u64, Duration)) -> Value<'static>,
) -> Metric<Totals> {
    let read = move |t: &Totals, emit: &mut Emit<'_>| {
        let gaps = t.stream.iter().flat_map(|s| Gap::ALL.iter().zip(&s.gaps));
        for (reason, gap) in gaps {
            emit(Point::new(&[("reason", reason.name())], value(*gap)));
        }
    };
    Metric::new(Kind::Counter, name, help, read).labels(&["reason"])
}
