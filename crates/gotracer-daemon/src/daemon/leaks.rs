//! Leaked goroutines of a target, by place.

use serde::Serialize;

use crate::pprof::Counted;
use crate::unnamed::UNKNOWN;

/// Maximum number of places per target.
const PLACES: usize = 10;

/// Leaked goroutines of a target.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Leaks {
    /// Number of goroutines that are proved leaked.
    pub goroutines: u64,
    /// Places where most of them wait, the worst first.
    pub places: Vec<Place>,
}

/// Place where leaked goroutines wait.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Place {
    /// Function that waits.
    pub function: String,
    /// Number of goroutines.
    pub goroutines: u64,
}

impl Leaks {
    /// Counts the stacks of a profile by the place where they wait.
    pub(super) fn of(stacks: &[Counted]) -> Self {
        let mut places: Vec<Place> = Vec::new();
        let mut goroutines: u64 = 0;
        for stack in stacks {
            goroutines = goroutines.saturating_add(stack.count);
            let function = own(&stack.functions);
            let room = places.len() < PLACES;
            match places.iter_mut().find(|place| place.function == function) {
                Some(place) => place.goroutines = place.goroutines.saturating_add(stack.count),
                None if room => places.push(Place {
                    function: function.to_owned(),
                    goroutines: stack.count,
                }),
                None => {}
            }
        }
        Self { goroutines, places }
    }
}

/// Returns the innermost function that is not the runtime's or of its packages for waiting.
fn own(functions: &[String]) -> &str {
    let inner = ["runtime.", "internal/", "sync.", "time."];
    let own = functions
        .iter()
        .find(|function| !inner.iter().any(|prefix| function.starts_with(prefix)));
    own.or(functions.first()).map_or(UNKNOWN, String::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn goroutines_are_counted_by_the_programs_function() {
        let stack = |count, functions: &[&str]| Counted {
            count,
            functions: functions.iter().map(ToString::to_string).collect(),
        };
        let leaks = Leaks::of(&[
            stack(7, &["runtime.gopark", "runtime.chansend1", "main.send"]),
            stack(2, &["runtime.gopark", "sync.(*Mutex).Lock", "main.lock"]),
            stack(1, &["runtime.gopark", "runtime.chansend", "main.send"]),
            stack(1, &["runtime.gopark"]),
            stack(1, &[]),
        ]);
        let places = leaks.places.iter();
        let places: Vec<_> = places
            .map(|p| (p.function.as_str(), p.goroutines))
            .collect();
        assert_eq!(leaks.goroutines, 12);
        let expected = [
            ("main.send", 8),
            ("main.lock", 2),
            ("runtime.gopark", 1),
            ("(unknown)", 1),
        ];
        assert_eq!(places, expected);
    }
}
