//! Data of one version of a service.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::capture::Capture;
use super::instance::Instance;
use super::places::Places;
use super::settings::Settings;
use crate::compare::{Created, Sites};
use crate::report::{Report, Status};
use crate::rules::Distribution;
use crate::units;

/// Limit of programs with captures of their own per version. Captures of further programs count in
/// the totals.
const INSTANCES: usize = 16;
/// Limit of kept captures per version; the latest stay.
const CAPTURES: usize = 192;
/// Time without captures after which a program makes room for another one.
const GONE: Duration = Duration::from_secs(3600);

/// Data of a version.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Version {
    /// Totals over all captures.
    pub totals: Totals,
    /// Programs with data of their own, by their label `instance`.
    pub instances: BTreeMap<String, Instance>,
    /// Number of captures that were ever kept, and the time that they cover.
    kept: u64,
    kept_ns: u64,
}

/// Totals over all captures.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Totals {
    /// End of the first capture.
    pub first_seen: Timestamp,
    /// End of the last capture.
    pub last_seen: Timestamp,
    /// Number of captures.
    pub captures: u64,
    /// Observed time in nanoseconds.
    pub observed_ns: u64,
    /// Measurements by rule name.
    pub signals: BTreeMap<String, Distribution>,
    /// Goroutines at the captures' ends, minus those at their starts.
    pub gained: i64,
    /// Goroutines by the place that creates them.
    pub places: Places,
    /// Live heap, if a capture had it.
    pub heap: Option<Heap>,
}

/// Live heap at the captures' ends in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Heap {
    /// Minimum.
    pub lowest: u64,
    /// Maximum.
    pub highest: u64,
    /// Last value.
    pub last: u64,
}

/// Key of a capture: its instance and its number within the version.
pub(super) type Key = (String, u64);

impl Version {
    /// Creates a version whose first capture ended at `at`.
    pub(super) fn new(at: Timestamp) -> Self {
        Self {
            totals: Totals {
                first_seen: at,
                last_seen: at,
                captures: 0,
                observed_ns: 0,
                signals: BTreeMap::new(),
                gained: 0,
                places: Places::default(),
                heap: None,
            },
            instances: BTreeMap::new(),
            kept: 0,
            kept_ns: 0,
        }
    }

    /// Adds a capture of an instance that ended at `at`, by the clock of this machine. Returns the
    /// captures that were added to or removed from the kept ones.
    pub(super) fn add(
        &mut self,
        instance: &str,
        report: &Report,
        at: Timestamp,
        settings: &Settings,
    ) -> Vec<Key> {
        self.totals.add(report, at);
        let mut turnover = Vec::new();
        if !self.knows(instance, at, &mut turnover) {
            return turnover;
        }
        let program = self.instances.entry(instance.into());
        let program = program.or_insert_with(|| Instance::new(at));
        program.last_seen = program.last_seen.max(at);
        if age(program.first_seen, at) < settings.warmup {
            return turnover;
        }
        // Traces from files come in any order, so growth uses the time in the trace if there is
        // one.
        let ended =
            Timestamp::try_from(report.trace.window(units::system_time(at)).1).unwrap_or(at);
        let number = self.kept;
        program
            .captures
            .push_back((number, Capture::new(report, ended)));
        self.kept += 1;
        self.kept_ns += report.trace.duration_ns;
        turnover.push((instance.into(), number));
        self.bound(&mut turnover);
        turnover
    }

    /// Returns whether there is enough data for a comparison.
    pub(super) fn is_evidence(&self, settings: &Settings) -> bool {
        self.kept >= settings.min_captures
            && u128::from(self.kept_ns) >= settings.min_observed.as_nanos()
    }

    /// Returns the number of kept captures and of their programs.
    pub(super) fn evidence(&self) -> (usize, usize) {
        let kept = self.instances.values().map(|i| i.captures.len());
        let kept: Vec<_> = kept.filter(|&n| n > 0).collect();
        (kept.iter().sum(), kept.len())
    }

    /// Returns whether captures of an instance are kept, and makes room for the instance if possible.
    fn knows(&mut self, instance: &str, at: Timestamp, turnover: &mut Vec<Key>) -> bool {
        if self.instances.len() < INSTANCES || self.instances.contains_key(instance) {
            return true;
        }
        let oldest = self.instances.iter().min_by_key(|(_, i)| i.last_seen);
        let gone = oldest.filter(|(_, i)| age(i.last_seen, at) > GONE);
        let Some(name) = gone.map(|(name, _)| name.clone()) else {
            return false;
        };
        let captures = self.instances.remove(&name).map(|i| i.captures);
        let numbers = captures.into_iter().flatten().map(|(number, _)| number);
        turnover.extend(numbers.map(|n| (name.clone(), n)));
        true
    }

    /// Removes the oldest capture of the program with the most captures, if there are too many.
    fn bound(&mut self, turnover: &mut Vec<Key>) {
        if self.evidence().0 <= CAPTURES {
            return;
        }
        let most = self
            .instances
            .iter_mut()
            .max_by_key(|(_, i)| i.captures.len());
        if let Some((name, instance)) = most {
            let oldest = instance.captures.pop_front();
            turnover.extend(oldest.map(|(n, _)| (name.clone(), n)));
        }
    }

    /// Returns the keys of the kept captures.
    pub(super) fn kept(&self) -> impl Iterator<Item = Key> {
        self.instances.iter().flat_map(|(name, instance)| {
            let numbers = instance.captures.iter();
            numbers.map(|(number, _)| (name.clone(), *number))
        })
    }

    /// Returns a kept capture.
    pub(super) fn capture(&self, (instance, number): &Key) -> Option<&Capture> {
        let captures = &self.instances.get(instance)?.captures;
        let found = captures.iter().rfind(|(n, _)| n == number);
        found.map(|(_, capture)| capture)
    }

    /// Drops all captures, and returns their keys: old versions are not compared.
    pub(super) fn retire(&mut self) -> Vec<Key> {
        let kept = self.kept().collect();
        self.instances.values_mut().for_each(|i| i.captures.clear());
        kept
    }
}

fn age(since: Timestamp, now: Timestamp) -> Duration {
    Duration::try_from(now.duration_since(since)).unwrap_or_default()
}

impl Totals {
    fn add(&mut self, report: &Report, at: Timestamp) {
        self.first_seen = self.first_seen.min(at);
        self.last_seen = self.last_seen.max(at);
        self.captures += 1;
        self.observed_ns += report.trace.duration_ns;
        for rule in &report.rules {
            if rule.status != Status::NotApplicable {
                let signal = self.signals.entry(rule.rule.name.into()).or_default();
                signal.merge(&rule.measurement);
            }
        }
        let goroutines = &report.program.goroutines;
        self.gained += goroutines.end as i64 - goroutines.start as i64;
        self.places.add(&goroutines.places);
        if let Some(live) = report.program.heap_live_bytes {
            let known = self.heap.unwrap_or(Heap {
                lowest: live,
                highest: live,
                last: live,
            });
            self.heap = Some(Heap {
                lowest: known.lowest.min(live),
                highest: known.highest.max(live),
                last: live,
            });
        }
    }

    /// Returns the observed time in seconds.
    pub fn seconds(&self) -> f64 {
        self.observed_ns.max(1) as f64 / 1e9
    }

    /// Goroutines by the place that creates them.
    pub fn sites(&self) -> Sites {
        Sites::new(self.places.iter(), self.seconds())
    }

    /// Returns the same numbers for one place.
    pub fn created(&self, place: &crate::report::Creations) -> Created {
        Created {
            per_second: place.created as f64 / self.seconds(),
            left_per_second: super::places::left(place) as f64 / self.seconds(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;
    use jiff::SignedDuration;

    fn second(n: i64) -> Timestamp {
        Timestamp::from_second(1_000_000 + n).unwrap()
    }

    fn settings() -> Settings {
        Settings {
            warmup: Duration::from_secs(60),
            ..Settings::default()
        }
    }

    #[test]
    fn what_a_new_program_tells_counts_but_is_not_compared() {
        let mut version = Version::new(second(0));
        let report = sample::report("a");
        for n in 0..9 {
            let turnover = version.add("a", &report, second(10 * n), &settings());
            assert_eq!(turnover.len(), usize::from(n >= 6), "{n}");
        }
        assert_eq!(version.totals.captures, 9);
        assert_eq!(version.totals.gained, 9 * 3);
        assert_eq!(version.evidence(), (3, 1));
        assert!(!version.is_evidence(&settings()));
        let few = Settings {
            min_captures: 3,
            min_observed: Duration::from_secs(15),
            ..settings()
        };
        assert!(version.is_evidence(&few));
    }

    #[test]
    fn captures_are_bounded_and_shared_out_among_programs() {
        let mut version = Version::new(second(0));
        let report = sample::report("a");
        let settings = Settings {
            warmup: Duration::ZERO,
            ..settings()
        };
        let mut kept = std::collections::HashSet::new();
        let mut add = |version: &mut Version, name: &str, at| {
            for key in version.add(name, &report, at, &settings) {
                match version.capture(&key) {
                    Some(_) => assert!(kept.insert(key)),
                    None => assert!(kept.remove(&key)),
                }
            }
            kept.len()
        };
        for n in 0..1_000 {
            add(&mut version, "busy", second(n));
        }
        assert_eq!(version.evidence(), (CAPTURES, 1));
        for n in 0..2_000 {
            let name = format!("i{}", n % 40);
            add(&mut version, &name, second(1_000 + n));
        }
        assert_eq!(version.evidence(), (CAPTURES, INSTANCES));
        let of = |v: &Version, name: &str| v.instances[name].captures.len();
        assert_eq!(of(&version, "i0"), CAPTURES / INSTANCES);
        assert_eq!(of(&version, "busy"), CAPTURES / INSTANCES);
        // The program without captures for longest makes room.
        let later = second(1_000) + SignedDuration::from_hours(2);
        let all = add(&mut version, "i39", later);
        assert!(!version.instances.contains_key("busy"));
        assert_eq!(all, version.evidence().0);
        assert_eq!(version.retire().len(), all);
        assert_eq!(version.evidence(), (0, 0));
        assert_eq!(version.totals.captures, 3_001);
    }
}
