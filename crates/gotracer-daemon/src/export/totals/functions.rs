//! Time of goroutines by start function: a bounded number of functions, and all others together.

use std::time::SystemTime;

use super::recent::Recent;
use super::room::{Limits, Room};
use super::states::States;
use super::{OTHER, shorten};
use crate::export::births::Births;
use crate::report::GoroutineGroup;
use crate::unnamed;

/// Time of goroutines by start function.
pub(crate) type Functions = Recent<States>;

/// Adds the goroutines of a report. A function gets series while there are fewer than
/// `goroutine_functions`, those with most time in the trace first.
pub(super) fn record(
    functions: &mut Functions,
    groups: &[GoroutineGroup],
    now: SystemTime,
    births: &Births,
    (room, limits): (&mut Room, &Limits<'_>),
) {
    let (most, series) = (limits.settings.goroutine_functions, limits.series.functions);
    functions.forget(now, room);
    if series == 0 {
        return;
    }
    // A report for people may contain the runtime's goroutines.
    for group in groups.iter().filter(|group| !group.system) {
        let name = match group.function.as_str() {
            unnamed::OTHER => OTHER.into(),
            function => shorten(function),
        };
        let own = functions.contains(&name)
            || name != OTHER && functions.names() < most && room.admit(series, limits);
        let place = (&mut *room, limits);
        if let Some(states) = functions.entry((&name, own), series, now, births, place) {
            states.add(&group.time);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::recent::SILENT;
    use super::super::room::Series;
    use super::*;
    use crate::export::settings::Settings;
    use crate::report::Life;
    use crate::timeline::{State, StateVector};

    fn group(function: &str, ns: u64) -> GoroutineGroup {
        let mut states = [0; State::ALL.len()];
        states[State::Network.index()] = ns;
        GoroutineGroup {
            function: function.into(),
            system: false,
            count: 1,
            alive: 1,
            life: Life::default(),
            time: StateVector::from_values(states, 0, [0; 3]),
            worst: None,
        }
    }

    /// Limits with seven series per function.
    fn limits(settings: &Settings) -> Limits<'_> {
        Limits {
            settings,
            fixed: 0,
            series: Series {
                functions: 7,
                ..Series::default()
            },
        }
    }

    fn known(functions: &Functions) -> Vec<(String, u64)> {
        let time = |states: &States| states.iter().map(|(_, t)| t.as_nanos() as u64).sum();
        let all = functions.iter();
        all.map(|(name, states, _)| (name.to_owned(), time(states)))
            .collect()
    }

    #[test]
    fn the_first_functions_have_series_and_the_rest_is_other() {
        let settings = Settings {
            goroutine_functions: 2,
            series_limit: 28,
            ..Settings::default()
        };
        let limits = limits(&settings);
        let (mut functions, mut room) = (Functions::default(), Room::default());
        let (births, start) = (Births::default(), SystemTime::UNIX_EPOCH);
        let mut record = |groups: &[GoroutineGroup], after: Duration| {
            let place = (&mut room, &limits);
            super::record(&mut functions, groups, start + after, &births, place);
            known(&functions)
        };
        let mut system = group("runtime.bgsweep", 99);
        system.system = true;
        let all = [
            group("main.a", 5),
            system,
            group("(unknown)", 4),
            group("main.b", 3),
            group("(other)", 2),
        ];
        let first = [("(unknown)", 4), ("main.a", 5), ("other", 5)];
        let text = |all: &[(&str, u64)]| -> Vec<_> {
            all.iter().map(|(n, t)| ((*n).to_owned(), *t)).collect()
        };
        assert_eq!(record(&all, Duration::ZERO), text(&first));
        // A day later, the functions of another release take the place of those that are gone.
        let later = record(&[group("main.c", 1), group("main.b", u64::MAX)], SILENT);
        assert_eq!(later, text(&[("main.b", u64::MAX), ("main.c", 1)]));
        let more = [group("main.b", 9), group("main.a", 1)];
        let last = record(&more, SILENT + Duration::from_secs(1));
        let want = [("main.b", u64::MAX), ("main.c", 1), ("other", 1)];
        assert_eq!(last, text(&want));
        assert_eq!(room.used(), 21);
    }

    #[test]
    fn series_beyond_the_limit_are_dropped_and_counted() {
        let settings = Settings {
            goroutine_functions: 9,
            series_limit: 14,
            ..Settings::default()
        };
        let limits = limits(&settings);
        let (mut functions, mut room) = (Functions::default(), Room::default());
        let groups: Vec<_> = ["a", "b", "c"].iter().map(|name| group(name, 1)).collect();
        let place = (&mut room, &limits);
        let now = SystemTime::UNIX_EPOCH;
        super::record(&mut functions, &groups, now, &Births::default(), place);
        assert_eq!(known(&functions).len(), 2);
        assert!(room.dropped > 0 && room.used() <= 14);
    }
}
