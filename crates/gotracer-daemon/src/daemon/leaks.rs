//! Profiles of leaked goroutines, once an hour per target.

use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use tokio::time::Instant;

use super::pipeline::Memory;
use super::target_table::TargetTable;
use crate::export::{LeakProfile, Metrics};
use crate::pprof::Counted;
use crate::source::scrape::{LeakError, Scraper, Target};

/// Time from one profile to the next. Each makes the program collect garbage.
const INTERVAL: Duration = Duration::from_secs(3600);
/// Memory that decoding a profile may take, bytes.
const ROOM: u64 = 8 << 20;
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
    fn of(stacks: &[Counted]) -> Self {
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
    own.or(functions.first())
        .map_or("(unknown)", String::as_str)
}

/// Requests of a target's profiles.
pub(super) struct LeakProfiles {
    next: Instant,
    /// Whether it was logged that the program has no such profile.
    told: bool,
}

impl LeakProfiles {
    /// Creates the requests of a new target, whose first profile is due at once.
    pub(super) fn new() -> Self {
        Self {
            next: Instant::now(),
            told: false,
        }
    }

    /// Requests a profile if one is due. The caller holds the target's lock: the garbage collection would be a part of
    /// a trace.
    pub(super) async fn request(
        &mut self,
        (scraper, target): (&Scraper, &Target),
        (metrics, table): (&Metrics, &Arc<TargetTable>),
        memory: &Memory,
    ) {
        if !scraper.options().leak_profile || Instant::now() < self.next {
            return;
        }
        // Without memory, the profile is requested after the next trace.
        let Some(_room) = memory.try_reserve(ROOM) else {
            return;
        };
        self.next = Instant::now() + INTERVAL;
        let url = target.url();
        let result = match scraper.leaks(target).await {
            Ok(stacks) => {
                let leaks = Leaks::of(&stacks);
                let goroutines = leaks.goroutines;
                if let Some(place) = leaks.places.first() {
                    let place = &place.function;
                    tracing::warn!(target = %url, goroutines, place, "goroutines proved leaked");
                }
                table.leaked(target, leaks);
                LeakProfile::Proved(goroutines)
            }
            Err(LeakError::Unsupported) => {
                if !self.told {
                    let error = LeakError::Unsupported;
                    tracing::info!(target = %url, %error, "leak profile not supported");
                }
                self.told = true;
                LeakProfile::Unsupported
            }
            Err(error) => {
                tracing::warn!(target = %url, %error, "leak profile failed");
                LeakProfile::Failed
            }
        };
        metrics.leak_profile(&target.labels, result);
    }
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
