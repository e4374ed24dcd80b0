//! Entries of `ignore` that no longer do what they were written for: expired ones, and those that
//! match no finding.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::civil::Date;
use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;

use crate::export::IgnoreEntries;
use crate::report::Suppressed;
use crate::rules::Settings;
use crate::rules::suppression::{Suppression, today};

/// Interval of the checks.
const PERIOD: Duration = Duration::from_secs(3600);
/// Time without a match after which an entry is reported.
const PATIENCE: Duration = Duration::from_secs(24 * 3600);

/// Entries of `ignore` in force, by place.
#[derive(Default)]
pub(super) struct Ignored(Mutex<HashMap<String, Entry>>);

struct Entry {
    suppression: Suppression,
    since: Instant,
    matched: bool,
    /// Whether the log has a line about it.
    logged: bool,
}

impl Ignored {
    /// Replaces the entries by those of all services. Entries that stay keep their history.
    pub(super) fn load<'s>(&self, all: impl Iterator<Item = &'s Settings>) {
        let mut old = std::mem::take(&mut *self.0.lock());
        let mut new = HashMap::new();
        for settings in all {
            // An entry for a disabled rule has nothing to match.
            let enabled = |s: &&Suppression| s.rule.is_none_or(|rule| settings.of(rule).enabled);
            for suppression in settings.ignore.iter().filter(enabled) {
                let kept = old.remove(&suppression.place);
                let kept = kept.filter(|entry| entry.suppression == *suppression);
                let place = suppression.place.clone();
                new.entry(place).or_insert_with(|| {
                    kept.unwrap_or_else(|| Entry {
                        suppression: suppression.clone(),
                        since: Instant::now(),
                        matched: false,
                        logged: false,
                    })
                });
            }
        }
        *self.0.lock() = new;
        self.log(today(), PATIENCE);
    }

    /// Records that entries matched the findings of a report.
    pub(super) fn note(&self, suppressed: &[Suppressed]) {
        if suppressed.is_empty() {
            return;
        }
        let mut entries = self.0.lock();
        for suppressed in suppressed {
            if let Some(entry) = entries.get_mut(&suppressed.place) {
                entry.matched = true;
            }
        }
    }

    /// Counts the entries by state.
    pub(super) fn count(&self) -> IgnoreEntries {
        let today = today();
        let mut count = IgnoreEntries::default();
        for entry in self.0.lock().values() {
            *match (entry.suppression.is_over(today), entry.matched) {
                (true, _) => &mut count.expired,
                (false, true) => &mut count.used,
                (false, false) => &mut count.unused,
            } += 1;
        }
        count
    }

    /// Logs each expired entry, and each that matched nothing for `patience`, once.
    fn log(&self, today: Date, patience: Duration) {
        for entry in self.0.lock().values_mut().filter(|entry| !entry.logged) {
            let Suppression {
                place,
                reason,
                until,
                ..
            } = &entry.suppression;
            let over = until.filter(|_| entry.suppression.is_over(today));
            if let Some(until) = over {
                tracing::warn!(entry = place, %until, reason, "entry of ignore expired; its findings are reported");
            } else if !entry.matched && entry.since.elapsed() >= patience {
                tracing::warn!(
                    entry = place,
                    reason,
                    "entry of ignore matched no finding for a day"
                );
            } else {
                continue;
            }
            entry.logged = true;
        }
    }

    /// Checks the entries until `stop`.
    pub(super) async fn follow(self: Arc<Self>, stop: CancellationToken) {
        let sleep = || stop.run_until_cancelled(tokio::time::sleep(PERIOD));
        while sleep().await.is_some() {
            self.log(today(), PATIENCE);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    #[test]
    fn entries_are_counted_by_state_and_keep_it_over_a_reload() {
        let config = |text: &str| Config::parse(text).unwrap();
        let text = "ignore:\n\
            - {function: main.a, reason: known}\n\
            - {function: main.b, reason: known}\n\
            - {function: main.c, reason: known, until: 2020-01-31}\n\
            - {rule: GCPauseSpike, reason: known}\n\
            rules: {GCPauseSpike: {enabled: false}}\n";
        let ignored = Ignored::default();
        let settings = config(text).settings(None);
        ignored.load([&settings, &settings].into_iter());
        let count = |used, unused, expired| IgnoreEntries {
            used,
            unused,
            expired,
        };
        assert_eq!(ignored.count(), count(0, 2, 1));
        ignored.0.lock().get_mut("line 2").unwrap().matched = true;
        ignored.load([&settings].into_iter());
        assert_eq!(ignored.count(), count(1, 1, 1));
        let logged = || {
            let entries = ignored.0.lock();
            let mut all: Vec<_> = entries.iter().filter(|(_, e)| e.logged).collect();
            all.sort_by_key(|(place, _)| *place);
            all.iter()
                .map(|(place, _)| (*place).clone())
                .collect::<Vec<_>>()
        };
        assert_eq!(logged(), ["line 4"]);
        ignored.log(today(), Duration::ZERO);
        assert_eq!(logged(), ["line 3", "line 4"]);
        // Another entry in the same line has matched nothing yet.
        let other = config(&text.replace("main.a", "main.x")).settings(None);
        ignored.load([&other].into_iter());
        assert_eq!(ignored.count(), count(0, 2, 1));
    }
}
