//! Profiles of the targets: sums since the daemon's start, and those of the last hour.
//!
//! Half of the memory is for the sums. When it is full, further stacks of any target are summed in a record without a
//! stack of their own. The other half is for the last hour. When it is full, the oldest analyses of all targets are
//! dropped from it.

mod recent;
mod settings;

use std::collections::HashMap;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

pub(crate) use recent::LONGEST;
pub use settings::{Settings, SettingsError};

use crate::labels::Labels;
use crate::live::Live;
use crate::pprof::{Limits, Profiles, Type, Window};
use crate::report::TraceInfo;
use recent::Recent;

/// Profiles of a target.
#[derive(Default)]
struct Target {
    sum: Profiles,
    /// Start of the first trace, ns since the Unix epoch; 0 if unknown.
    start: i64,
    /// Duration of all traces, ns.
    observed: u64,
    recent: Recent,
}

/// Profiles of all targets.
#[derive(Default)]
pub(crate) struct ProfileStore {
    settings: Live<Settings>,
    targets: Mutex<HashMap<Labels, Target>>,
}

/// Period that a profile covers.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Period {
    /// All analyses since the daemon's start.
    Start,
    /// The analyses that ended within this time before now.
    Last(Duration),
}

impl ProfileStore {
    /// Applies settings. Profiles that are switched off are dropped.
    pub(crate) fn configure(&self, settings: Settings) {
        if !settings.enabled {
            self.targets.lock().clear();
        }
        self.settings.update(settings);
    }

    /// Whether profiles are gathered.
    pub(crate) fn is_enabled(&self) -> bool {
        self.settings.get().enabled
    }

    /// Adds the profiles of a trace.
    pub(crate) fn record(&self, labels: &Labels, profiles: &Profiles, trace: &TraceInfo) {
        self.record_at(labels, profiles, trace, Instant::now());
    }

    fn record_at(&self, labels: &Labels, profiles: &Profiles, trace: &TraceInfo, now: Instant) {
        let settings = self.settings.get();
        if !settings.enabled {
            return;
        }
        let half = usize::try_from(settings.max_bytes / 2).unwrap_or(usize::MAX);
        let mut targets = self.targets.lock();
        let sums: usize = targets.values().map(|target| target.sum.size()).sum();
        let target = match targets.get_mut(labels) {
            Some(target) => target,
            None => targets.entry(labels.clone()).or_default(),
        };
        let free = half.saturating_sub(sums);
        let limits = Limits {
            records: settings.max_records,
            bytes: target.sum.size().saturating_add(free),
        };
        if target.observed == 0 {
            target.start = trace.start_time.map_or(0, |at| {
                i64::try_from(at.as_nanosecond()).unwrap_or_default()
            });
        }
        target.observed = target.observed.saturating_add(trace.duration_ns);
        let merged = target.sum.merge(profiles, profiles.records(), limits);
        target.recent.add(merged, trace.duration_ns, now);
        bound_recent(&mut targets, half);
    }

    /// Drops the profiles of a target.
    pub(crate) fn forget(&self, labels: &Labels) {
        self.targets.lock().remove(labels);
    }

    /// Returns the targets that have profiles.
    pub(crate) fn known(&self) -> Vec<Labels> {
        self.targets.lock().keys().cloned().collect()
    }

    /// Returns the sum of the profiles of a type over some targets, and the duration of their traces.
    pub(crate) fn sum(&self, of: &[Labels], kind: Type, period: Period) -> (Profiles, Window) {
        let now = Instant::now();
        let targets = self.targets.lock();
        let (mut sum, mut window) = (Profiles::default(), Window::default());
        for target in of.iter().filter_map(|labels| targets.get(labels)) {
            let of_kind = |id| kind.parts().contains(&target.sum.part(id));
            let observed = match period {
                Period::Start => {
                    let records = target.sum.records().filter(|(id, _)| of_kind(*id));
                    sum.merge(&target.sum, records, Limits::NONE);
                    target.observed
                }
                Period::Last(window) => {
                    let (records, observed) = target.recent.within(window, now);
                    let records = records.filter(|(id, _)| of_kind(*id));
                    sum.merge(&target.sum, records, Limits::NONE);
                    observed
                }
            };
            let observed = i64::try_from(observed).unwrap_or(i64::MAX);
            window.duration = window.duration.max(observed);
            if window.start == 0 || target.start < window.start {
                window.start = target.start;
            }
        }
        (sum, window)
    }
}

/// Drops the oldest analyses until the last hour takes at most `most` bytes.
fn bound_recent(targets: &mut HashMap<Labels, Target>, most: usize) {
    let mut bytes: usize = targets.values().map(|target| target.recent.size()).sum();
    while bytes > most {
        let oldest = targets.values_mut().map(|target| &mut target.recent);
        let oldest = oldest.filter(|recent| recent.oldest().is_some());
        let Some(recent) = oldest.min_by_key(|recent| recent.oldest()) else {
            return;
        };
        bytes -= recent.size();
        recent.drop_oldest();
        bytes += recent.size();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    fn labels(instance: &str) -> Labels {
        Labels::new().with("instance", instance)
    }

    /// A store with a limit of some KiB.
    fn store(max_records: usize, kib: u64) -> ProfileStore {
        let store = ProfileStore::default();
        store.configure(Settings {
            enabled: true,
            max_records,
            max_bytes: kib << 10,
        });
        store
    }

    fn count(store: &ProfileStore, of: &[Labels], period: Period) -> u64 {
        let (sum, _) = store.sum(of, Type::Wait, period);
        sum.records().map(|(_, values)| values.count).sum()
    }

    #[test]
    fn sums_and_windows_have_what_was_analyzed() {
        let store = store(100, 1 << 10);
        let trace = sample::report("a").trace;
        let once = Profiles::sample(1..2);
        let (start, hour) = (Instant::now(), Duration::from_secs(3600));
        let Some(long_ago) = start.checked_sub(Duration::from_secs(600)) else {
            return;
        };
        store.record_at(&labels("a"), &once, &trace, long_ago);
        store.record_at(&labels("a"), &once, &trace, start);
        store.record_at(&labels("b"), &once, &trace, start);
        let both = [labels("a"), labels("b")];
        assert_eq!(count(&store, &both, Period::Start), 3);
        assert_eq!(count(&store, &both[..1], Period::Start), 2);
        assert_eq!(count(&store, &both[..1], Period::Last(hour)), 2);
        let minute = Duration::from_secs(60);
        assert_eq!(count(&store, &both[..1], Period::Last(minute)), 1);
        let (_, window) = store.sum(&both[..1], Type::Wait, Period::Start);
        assert_eq!(window.duration as u64, 2 * trace.duration_ns);
        store.forget(&labels("a"));
        assert_eq!(count(&store, &both, Period::Start), 1);
    }

    #[test]
    fn memory_is_bounded_and_sums_lose_nothing() {
        let (store, trace) = (store(1_000_000, 64), sample::report("a").trace);
        let targets: Vec<_> = (0..20).map(|n| labels(&n.to_string())).collect();
        let mut counted = 0;
        for round in 0..50 {
            for (n, target) in (0..).zip(&targets) {
                let first = n * 1_000 + round * 10;
                let many = Profiles::sample(first..first + 20);
                counted += 20;
                store.record(target, &many, &trace);
            }
        }
        assert_eq!(count(&store, &targets, Period::Start), counted);
        let targets = store.targets.lock();
        let sums: usize = targets.values().map(|t| t.sum.size()).sum();
        let recent: usize = targets.values().map(|t| t.recent.size()).sum();
        // Each target keeps a record for all others.
        assert!(sums < (32 << 10) + 20 * 1_024, "{sums} bytes of sums");
        assert!(recent <= 32 << 10, "{recent} bytes of the last hour");
    }

    #[test]
    fn nothing_is_gathered_unless_switched_on() {
        let (store, trace) = (ProfileStore::default(), sample::report("a").trace);
        let once = Profiles::sample(1..2);
        store.record(&labels("a"), &once, &trace);
        assert!(store.known().is_empty());
    }
}
