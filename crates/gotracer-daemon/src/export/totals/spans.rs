//! Durations of tasks, regions or requests by type, in a bounded number of series.

use std::time::{Duration, SystemTime};

use super::Exemplar;
use super::recent::Recent;
use super::room::{Limits, Room};
use super::states::States;
use crate::export::births::Births;
use crate::report::{Distribution, Slow};
use crate::timeline::StateVector;
use crate::units;

/// Limit of types with series of their own.
const TYPES: usize = 10;
/// Labels of an exemplar with the ids that the program logs.
pub(crate) const TRACE_ID: &str = "trace_id";
/// See [`TRACE_ID`].
pub(crate) const SPAN_ID: &str = "span_id";

/// Tasks, regions or requests of one type.
#[derive(Clone, Debug, Default)]
pub struct Span {
    /// Durations, ns.
    pub duration: Distribution,
    /// The slowest one of the last trace that had any.
    pub exemplar: Option<Exemplar>,
    /// Time by state.
    pub states: States,
}

/// All types.
pub(crate) type Spans = Recent<Span>;

/// Tasks, regions or requests of one type in one trace.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seen<'a> {
    /// The type.
    pub name: &'a str,
    /// Durations, ns.
    pub duration: &'a Distribution,
    /// Time by state.
    pub time: &'a StateVector,
    /// The slowest one.
    pub slowest: Option<&'a Slow>,
}

/// Adds the values of a type in a trace. A type in `names` gets its `series` from `series_limit`; if
/// there are no `names`, types get them from `series_soft_limit` in their order. All other types
/// count as [`OTHER`](super::OTHER).
pub(super) fn record(
    spans: &mut Spans,
    seen: Seen<'_>,
    (names, series): (&[String], usize),
    (started, now): (Option<SystemTime>, SystemTime),
    births: &Births,
    (room, limits): (&mut Room, &Limits<'_>),
) {
    let own = spans.contains(seen.name)
        || match names {
            [] => spans.names() < TYPES && room.discover(series, limits),
            names => names.iter().any(|name| name == seen.name) && room.admit(series, limits),
        };
    let Some(span) = spans.entry((seen.name, own), series, now, births, (room, limits)) else {
        return;
    };
    span.duration.merge(seen.duration);
    span.states.add(seen.time);
    if let Some(slow) = seen.slowest {
        span.exemplar = Some(exemplar(slow, started, now));
    }
}

/// Example of a duration, with the ids that the program logged.
fn exemplar(slow: &Slow, started: Option<SystemTime>, now: SystemTime) -> Exemplar {
    let mut labels = Vec::new();
    for (name, id) in [(TRACE_ID, &slow.trace_id), (SPAN_ID, &slow.span_id)] {
        labels.extend(id.clone().map(|id| (name, id)));
    }
    labels.push(("at", units::duration(slow.start_ns)));
    let end = Duration::from_nanos(slow.start_ns.saturating_add(slow.duration_ns));
    let at = started.and_then(|started| started.checked_add(end));
    Exemplar {
        labels,
        at: at.map(|at| at.min(now)),
        value: slow.duration_ns as f64 / 1e9,
    }
}

#[cfg(test)]
mod tests {
    use super::super::OTHER;
    use super::super::recent::SILENT;
    use super::super::room::Series;
    use super::super::states::STATES;
    use super::*;
    use crate::export::settings::Settings;
    use crate::timeline::Leaves;

    /// Classic series of a type in these tests.
    const SERIES: usize = 10;

    fn record(spans: &mut Spans, name: &str, names: &[String], now: SystemTime, room: &mut Room) {
        let mut duration = Distribution::default();
        duration.record(5_000_000);
        let time = StateVector::from_values(std::array::from_fn(|i| i as u64 + 1), 0, [0; 3]);
        let slow = Slow {
            duration_ns: 5_000_000,
            start_ns: 1_000_000_000,
            goroutine: Some(7),
            task: Some(1),
            lower_bound: false,
            trace_id: Some("0af7651916cd43dd8448eb211c80319c".into()),
            span_id: None,
            time,
            time_in_the_end: Leaves::default(),
        };
        let seen = Seen {
            name,
            duration: &duration,
            time: &time,
            slowest: Some(&slow),
        };
        let settings = Settings::default();
        let limits = Limits {
            settings: &settings,
            fixed: 0,
            series: Series::default(),
        };
        let times = (None, now);
        super::record(
            spans,
            seen,
            (names, SERIES),
            times,
            &Births::default(),
            (room, &limits),
        );
    }

    #[test]
    fn the_first_types_and_the_largest_states_have_series() {
        let (mut spans, now) = (Spans::default(), SystemTime::UNIX_EPOCH);
        let mut room = Room::default();
        for n in 0..30 {
            record(&mut spans, &format!("{n:02}"), &[], now, &mut room);
        }
        let counts: Vec<_> = spans
            .iter()
            .map(|(n, s, _)| (n, s.duration.count()))
            .collect();
        assert_eq!(counts.len(), TYPES + 1);
        assert_eq!((counts[0], counts[TYPES]), (("00", 1), (OTHER, 20)));
        let (_, span, _) = spans.iter().next().unwrap();
        let states: Vec<_> = span.states.iter().map(|(state, _)| state).collect();
        assert_eq!(states.len(), STATES);
        assert!(states.contains(&"other"), "{states:?}");
        let exemplar = span.exemplar.as_ref().unwrap();
        assert_eq!(exemplar.labels[0].0, "trace_id");
        assert!((exemplar.value - 0.005).abs() < 1e-12);
    }

    #[test]
    fn configured_names_have_series_and_silent_ones_end() {
        let (mut spans, start) = (Spans::default(), SystemTime::UNIX_EPOCH);
        let names = ["b".to_owned()];
        let mut room = Room::default();
        for name in ["a", "b"] {
            record(&mut spans, name, &names, start, &mut room);
        }
        assert_eq!(room.used(), 2 * SERIES);
        let known = |spans: &Spans| spans.iter().map(|(n, ..)| n.to_owned()).collect::<Vec<_>>();
        assert_eq!(known(&spans), ["b", OTHER]);
        record(&mut spans, "b", &names, start + SILENT, &mut room);
        spans.forget(start + SILENT, &mut room);
        assert_eq!(known(&spans), ["b"]);
        assert_eq!(room.used(), SERIES);
    }
}
