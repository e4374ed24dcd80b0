//! Durations of tasks, regions or requests by type, in a bounded number of series.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use super::room::{Limits, Room};
use super::{Exemplar, OTHER};
use crate::export::births::{Birth, Births};
use crate::report::{Distribution, Slow};
use crate::timeline::{State, StateVector};
use crate::units;

/// Limit of types with series of their own.
const TYPES: usize = 10;
/// Labels of an exemplar with the ids that the program logs.
pub(crate) const TRACE_ID: &str = "trace_id";
/// See [`TRACE_ID`].
pub(crate) const SPAN_ID: &str = "span_id";
/// Number of states of a type with a series of their own.
pub(crate) const STATES: usize = 6;
/// Time without a value after which a type frees its place.
const SILENT: Duration = Duration::from_secs(24 * 3600);

/// Tasks, regions or requests of one type.
#[derive(Clone, Debug, Default)]
pub struct Span {
    /// Durations, ns.
    pub duration: Distribution,
    /// The slowest one of the last trace that had any.
    pub exemplar: Option<Exemplar>,
    states: BTreeMap<&'static str, u64>,
}

impl Span {
    /// Time by state, the first largest ones by name.
    pub fn states(&self) -> impl Iterator<Item = (&'static str, Duration)> {
        let all = self.states.iter();
        all.map(|(state, ns)| (*state, Duration::from_nanos(*ns)))
    }

    fn add_time(&mut self, time: &StateVector) {
        let mut states = State::ALL.map(|state| (time.of(state), state));
        states.sort_by_key(|(ns, _)| std::cmp::Reverse(*ns));
        for (ns, state) in states.into_iter().filter(|(ns, _)| *ns > 0) {
            let name = state.name();
            let known = self.states.contains_key(name) || self.states.len() < STATES;
            *self
                .states
                .entry(if known { name } else { OTHER })
                .or_default() += ns;
        }
    }
}

/// All types.
#[derive(Clone, Debug, Default)]
pub struct Spans(BTreeMap<String, Entry>);

#[derive(Clone, Debug)]
struct Entry {
    span: Span,
    birth: Birth,
    /// Time of the last value.
    last: SystemTime,
    /// Series in the classic exposition.
    series: usize,
}

/// Tasks, regions or requests of one type in one trace.
#[derive(Clone, Copy, Debug)]
pub struct Seen<'a> {
    /// The type.
    pub name: &'a str,
    /// Durations, ns.
    pub duration: &'a Distribution,
    /// Time by state.
    pub time: &'a StateVector,
    /// The slowest one.
    pub slowest: Option<&'a Slow>,
}

impl Spans {
    /// Types, their values, and the start of their series.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Span, Birth)> {
        let all = self.0.iter();
        all.map(|(name, entry)| (name.as_str(), &entry.span, entry.birth))
    }

    /// Returns whether there is a value for everything without its own series.
    pub fn has_other(&self) -> bool {
        self.0.contains_key(OTHER)
    }

    /// Ends the series of types that were silent for a day, and returns their room.
    pub fn forget(&mut self, now: SystemTime, room: &mut Room) {
        self.0.retain(|_, entry| {
            let silent = now.duration_since(entry.last);
            let keep = silent.map_or(true, |silent| silent < SILENT);
            if !keep {
                room.free(entry.series);
            }
            keep
        });
    }

    /// Adds the values of a type in a trace. A type in `names` gets its `series` from
    /// `series_limit`; if there are no `names`, types get them from `series_soft_limit` in their
    /// order. All other types count as [`OTHER`].
    pub fn record(
        &mut self,
        seen: Seen<'_>,
        (names, series): (&[String], usize),
        (started, now): (Option<SystemTime>, SystemTime),
        births: &Births,
        (room, limits): (&mut Room, &Limits<'_>),
    ) {
        let own = self.0.contains_key(seen.name)
            || match names {
                [] => self.0.len() < TYPES && room.discover(series, limits),
                names => names.iter().any(|name| name == seen.name) && room.admit(series, limits),
            };
        let name = if own { seen.name } else { OTHER };
        if !self.0.contains_key(name) {
            if !own && !room.admit(series, limits) {
                return;
            }
            let new = Entry {
                span: Span::default(),
                birth: births.with_a_trace(),
                last: now,
                series,
            };
            self.0.insert(name.into(), new);
        }
        let Some(Entry { span, last, .. }) = self.0.get_mut(name) else {
            return;
        };
        *last = now;
        span.duration.merge(seen.duration);
        span.add_time(seen.time);
        if let Some(slow) = seen.slowest {
            span.exemplar = Some(exemplar(slow, started, now));
        }
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
    use super::*;
    use crate::export::settings::Settings;
    use crate::tasks::Leaves;

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
        };
        let times = (None, now);
        spans.record(
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
        let states: Vec<_> = span.states().map(|(state, _)| state).collect();
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
