//! Ring buffers of the latest reports and failures, for the web pages.
//!
//! Failures have their own buffer: frequent reports must not evict the few failures.

use std::cmp::Reverse;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::SystemTime;

use parking_lot::Mutex;

use super::failure::Failure;
use crate::labels::Labels;
use crate::report::Report;

/// Capacity of the buffer of traces that could be read, and of those that could not. Failures are
/// rare and often looked up late.
const READ: usize = 100;
const FAILED: usize = 200;
/// Maximum number of failures per source. One target that is down must not evict the failures of
/// others.
const ALIKE: usize = 10;

/// Limit of the text in all kept reports, bytes. Real reports have some kilobytes; a report of a
/// crafted trace may have megabytes. The oldest reports are dropped first.
const TEXT: usize = 32 << 20;

/// Result of one trace.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    /// Number of the report in URLs. [`RecentReports::add`] assigns one if it is 0.
    pub id: u64,
    /// Path or URL.
    pub source: String,
    /// Labels of the target.
    pub labels: Arc<Labels>,
    /// End of the analysis.
    pub at: SystemTime,
    /// Report, if the trace could be read.
    pub report: Option<Arc<Report>>,
    /// Failure, if the trace could not be read or only in part.
    pub failure: Option<Failure>,
}

/// Latest reports and failures.
#[derive(Default)]
pub(super) struct RecentReports(Mutex<Kept>);

#[derive(Default)]
struct Kept {
    added: u64,
    read: VecDeque<Entry>,
    failed: VecDeque<Entry>,
}

impl Kept {
    /// Drops the oldest reports until the others have at most `most` bytes of text.
    fn bound(&mut self, most: usize) {
        let mut entries: Vec<_> = self.read.iter_mut().chain(&mut self.failed).collect();
        entries.sort_by_key(|entry| Reverse(entry.id));
        let mut text = 0;
        for entry in entries {
            text += entry.report.as_deref().map_or(0, Report::size);
            if text > most {
                entry.report = None;
            }
        }
    }
}

impl RecentReports {
    /// Reserves the number of an entry that is added later.
    pub(super) fn reserve(&self) -> u64 {
        let mut kept = self.0.lock();
        kept.added += 1;
        kept.added
    }

    /// Adds an entry, and drops the oldest of its kind if the buffer is full.
    pub(super) fn add(&self, mut entry: Entry) {
        let mut kept = self.0.lock();
        if entry.id == 0 {
            kept.added += 1;
            entry.id = kept.added;
        }
        if entry.failure.is_some() {
            let alike = |kept: &Entry| kept.source == entry.source && kept.labels == entry.labels;
            let mut positions = (0..).zip(&kept.failed).filter(|(_, e)| alike(e));
            let oldest = positions.nth(ALIKE - 1).map(|(index, _)| index);
            oldest.and_then(|index: usize| kept.failed.remove(index));
        }
        let (queue, most) = if entry.failure.is_some() {
            (&mut kept.failed, FAILED)
        } else {
            (&mut kept.read, READ)
        };
        queue.truncate(most - 1);
        queue.push_front(entry);
        kept.bound(TEXT);
    }

    /// Returns the entry with this number, if it is still kept.
    pub(super) fn find(&self, id: u64) -> Option<Entry> {
        let kept = self.0.lock();
        let mut all = kept.read.iter().chain(&kept.failed);
        all.find(|entry| entry.id == id).cloned()
    }

    /// Returns all entries, newest first.
    pub(super) fn all(&self) -> Vec<Entry> {
        let kept = self.0.lock();
        let mut all: Vec<_> = kept.read.iter().chain(&kept.failed).cloned().collect();
        all.sort_by_key(|entry| Reverse(entry.id));
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::daemon::failure::Reason;
    use std::time::Duration;

    #[test]
    fn successes_do_not_push_out_failures() {
        let recent = RecentReports::default();
        let entry = |second: u64, failure| Entry {
            id: 0,
            source: second.to_string(),
            labels: Arc::default(),
            at: SystemTime::UNIX_EPOCH + Duration::from_secs(second),
            report: None,
            failure,
        };
        recent.add(entry(0, Some(Failure::new(Reason::Empty, "empty"))));
        (1..200).for_each(|second| recent.add(entry(second, None)));
        let all = recent.all();
        assert_eq!(all.len(), READ + 1);
        assert_eq!(
            (all[0].source.as_str(), all[READ].source.as_str()),
            ("199", "0")
        );
        assert_eq!(recent.find(all[READ].id).unwrap().source, "0");
        assert!(recent.find(2).is_none());
        for _ in 0..300 {
            recent.add(entry(300, Some(Failure::new(Reason::Refused, "refused"))));
        }
        let failed = recent.all().into_iter().filter(|e| e.failure.is_some());
        assert_eq!(failed.count(), ALIKE + 1);
    }

    #[test]
    fn the_oldest_reports_go_when_all_have_too_much_text() {
        let mut kept = Kept::default();
        let report = Arc::new(crate::report::sample::report("a"));
        for id in 0..10 {
            kept.read.push_front(Entry {
                id,
                source: String::new(),
                labels: Arc::default(),
                at: SystemTime::UNIX_EPOCH,
                report: Some(Arc::clone(&report)),
                failure: None,
            });
        }
        kept.bound(4 * report.size());
        let left = kept.read.iter().filter(|e| e.report.is_some());
        assert_eq!(left.map(|e| e.id).collect::<Vec<_>>(), [9, 8, 7, 6]);
    }
}
