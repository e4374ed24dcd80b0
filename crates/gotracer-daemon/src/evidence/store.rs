//! Store of kept traces.

use std::collections::HashSet;
use std::io::{self, Read, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use parking_lot::{Mutex, MutexGuard};

use super::anonymous::{self, Again, AnonymousError};
use super::backend::Backend;
use super::item::Item;
use super::policy::Policy;
use super::quota;
use super::recording::{Incomplete, Recording};
use super::settings::Settings;
use super::stats::{Lost, Stats};
use crate::labels::Labels;
use crate::live::Live;
use crate::objects::ObjectError;
use crate::report::Report;

/// Reason for which the store cannot be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EvidenceError {
    /// The directory cannot be used.
    #[error("cannot keep evidence in {}: {error}", .path.display())]
    Directory {
        /// The directory.
        path: PathBuf,
        /// Error of the system.
        error: io::Error,
    },
    /// Another daemon uses the directory and would delete this daemon's recordings.
    #[error("cannot keep evidence in {}: another gotracer uses it", .0.display())]
    InUse(PathBuf),
    /// There is no directory for traces that wait for the bucket.
    #[error(
        "cannot keep evidence that waits for its bucket: {0}; `evidence: {{directory: …}}` says \
         where it can be"
    )]
    Temporary(#[source] io::Error),
    /// The bucket cannot be used.
    #[error(transparent)]
    Bucket(#[from] ObjectError),
    /// A thread cannot be started.
    #[error("cannot start a thread for evidence: {0}")]
    Thread(#[source] io::Error),
}

/// Reason for which a trace is not kept.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Disk(#[from] io::Error),
    #[error(transparent)]
    Names(AnonymousError),
    #[error(transparent)]
    Incomplete(#[from] Incomplete),
}

/// Location of a trace's bytes.
pub enum Kept {
    /// In memory.
    Bytes(Vec<u8>),
    /// In a recording.
    Recording(Recording),
}

/// Store of evidence.
#[derive(Debug)]
pub struct Evidence {
    settings: Live<Settings>,
    backend: Backend,
    url: String,
    stats: Arc<Stats>,
    numbers: AtomicU64,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// Kept traces, oldest first.
    items: Vec<Item>,
    policy: Policy,
}

impl Evidence {
    /// Opens the store of the settings, if evidence is enabled. `url` is the external URL of
    /// gotracer's pages. Shares the directory of `before` if both have the same one.
    ///
    /// # Errors
    /// If the directory or bucket cannot be used.
    pub fn open(
        settings: &Settings,
        url: &str,
        stats: &Arc<Stats>,
        before: Option<&Self>,
    ) -> Result<Option<Self>, EvidenceError> {
        let before = before.map(|before| &before.backend);
        let Some((backend, items)) = Backend::open(settings, stats, before)? else {
            return Ok(None);
        };
        Ok(Some(Self {
            settings: Live::new(settings.clone()),
            backend,
            url: url.into(),
            stats: Arc::clone(stats),
            numbers: AtomicU64::new(0),
            state: Mutex::new(State {
                items,
                policy: Policy::default(),
            }),
        }))
    }

    /// Returns the current settings.
    pub fn settings(&self) -> Arc<Settings> {
        self.settings.get()
    }

    /// Returns whether the settings name the same location.
    pub fn is_at(&self, settings: &Settings) -> bool {
        let location = |settings: &Settings| (settings.directory.clone(), settings.bucket.clone());
        location(&self.settings()) == location(settings)
    }

    /// Replaces the settings.
    pub fn configure(&self, settings: Settings) {
        self.settings.set(settings);
        self.sweep(Timestamp::now());
    }

    /// Starts a recording that may become evidence. Returns `None` if its file cannot be created;
    /// then a trace to be kept counts as lost.
    pub fn record(&self) -> Option<Recording> {
        let recording = self.backend.record(self.settings().most());
        recording
            .inspect_err(|error| tracing::debug!(%error, "a trace can't be recorded as evidence"))
            .ok()
    }

    /// Counts a trace that could not be recorded.
    pub fn lose(&self, item: &Item) {
        self.stats.lose(Lost::Disk, 1);
        self.lock().policy.lost(&item.id);
    }

    /// Returns the metadata to keep a report's trace under, if its findings are worth it.
    pub fn judge(&self, target: &Labels, report: &Report, now: Timestamp) -> Option<Item> {
        let mut state = self.lock();
        let finding = state.policy.news(&self.settings(), target, report, now)?;
        let item = Item {
            rule: Some(finding.rule.name.into()),
            severity: Some(finding.severity),
            ..self.item(target, report, now, "finding")
        };
        state.policy.note(target, finding, now, &item.id);
        Some(item)
    }

    /// Returns the URL of a recent trace of a rule that has a finding in this report.
    pub fn recent(&self, target: &Labels, report: &Report) -> Option<String> {
        let state = self.lock();
        let id = state.policy.recent(&self.settings(), target, report)?;
        Some(self.url(id))
    }

    /// Returns the metadata to keep a report's trace under for another reason than its findings.
    pub fn item(&self, target: &Labels, report: &Report, now: Timestamp, reason: &str) -> Item {
        let number = self.numbers.fetch_add(1, Ordering::Relaxed);
        Item::new(target, report, now, reason, number)
    }

    /// Keeps a trace and its report. Returns whether both were written; a failure is logged and
    /// counted. `again` analyzes the anonymized copy, if `anonymize` is on.
    pub fn keep(&self, item: Item, report: &Report, trace: Kept, again: &Again<'_>) -> bool {
        let (id, file) = (item.id.clone(), item.file.clone());
        let kept = self.put(item, report, trace, *again);
        match &kept {
            Ok(()) => {
                self.stats.kept.fetch_add(1, Ordering::Relaxed);
            }
            Err(error) => {
                let why = match error {
                    Failure::Disk(_) | Failure::Names(AnonymousError::Io(_)) => Lost::Disk,
                    Failure::Names(_) => Lost::Names,
                    Failure::Incomplete(Incomplete::Quota(_)) => Lost::Quota,
                    Failure::Incomplete(Incomplete::Disk(_)) => Lost::Disk,
                };
                match why {
                    // Logged once until a write succeeds.
                    Lost::Disk => self.backend.failed(error),
                    _ => tracing::error!(file, %error, "a trace is not kept as evidence"),
                }
                self.stats.lose(why, 1);
                self.lock().policy.lost(&id);
            }
        }
        self.sweep(Timestamp::now());
        kept.is_ok()
    }

    fn put(
        &self,
        mut item: Item,
        report: &Report,
        trace: Kept,
        again: Again<'_>,
    ) -> Result<(), Failure> {
        let settings = self.settings();
        let trace = match trace {
            Kept::Recording(recording) => recording,
            Kept::Bytes(bytes) => {
                let mut recording = self.backend.record(settings.most())?;
                // `bytes` below reports an incomplete recording.
                let _ = recording.write_all(&bytes);
                recording
            }
        };
        item.bytes = trace.bytes()?;
        let copied;
        let (trace, report) = if settings.anonymize {
            let copy = self.backend.record(settings.most())?;
            copied = anonymous::copy(&trace, copy, again).map_err(|error| match error {
                AnonymousError::Incomplete(why) => Failure::Incomplete(why),
                error => Failure::Names(error),
            })?;
            item.bytes = copied.0.bytes()?;
            item.anonymized = true;
            (copied.0, &copied.1)
        } else {
            (trace, report)
        };
        let document = item.told(report)?;
        item.document_bytes = document.len() as u64;
        if item.size() > settings.most() {
            return Err(Incomplete::Quota(settings.most()).into());
        }
        self.backend.put(&item, trace, &document)?;
        tracing::info!(
            file = item.file,
            reason = item.reason,
            bytes = item.bytes,
            "kept as evidence"
        );
        self.lock().items.push(item);
        Ok(())
    }

    /// Returns the URL of a kept trace.
    pub fn url(&self, id: &str) -> String {
        format!("{}/api/v1/evidence/{id}", self.url)
    }

    /// Lists all kept traces, newest first.
    pub fn all(&self) -> Vec<Item> {
        let mut state = self.lock();
        self.miss(&mut state);
        state.items.iter().rev().cloned().collect()
    }

    /// Returns the kept trace with this identifier.
    pub fn find(&self, id: &str) -> Option<Item> {
        let state = self.lock();
        let found = state.items.iter().find(|item| item.id == id)?;
        self.backend.has(found).then(|| found.clone())
    }

    /// Removes traces whose files were deleted by another program.
    fn miss(&self, state: &mut State) {
        let State { items, policy } = state;
        let missing = items.extract_if(.., |item| !self.backend.has(item));
        let missing = missing
            .inspect(|item| {
                policy.lost(&item.id);
                self.backend.delete(item);
            })
            .count();
        if missing > 0 {
            tracing::warn!(
                traces = missing,
                "evidence was deleted, and not by gotracer"
            );
            self.stats.lose(Lost::Missing, missing);
        }
    }

    /// Opens one of the files of a trace. Blocks.
    ///
    /// # Errors
    /// If the file is gone or cannot be read.
    pub fn read(&self, name: &str) -> io::Result<Box<dyn Read + Send>> {
        self.backend.read(name)
    }

    /// Deletes traces that are too old or exceed the quota, the oldest first.
    pub fn sweep(&self, now: Timestamp) {
        let settings = self.settings();
        if let Err(error) = self.backend.check() {
            tracing::debug!(%error, "evidence cannot be written");
        }
        let mut state = self.lock();
        self.miss(&mut state);
        for item in quota::take_excess(&mut state.items, &settings, now) {
            self.backend.delete(&item);
        }
        let given_up = self.backend.give_up(&settings);
        if !given_up.is_empty() {
            let traces = given_up.len();
            tracing::error!(
                traces,
                "the bucket is down for too long: the oldest are given up"
            );
            self.stats.lose(Lost::Waiting, traces);
            state.items.retain(|item| !given_up.contains(item));
        }
        state.policy.forget(&settings, now);
        let (traces, bytes) = (state.items.len(), state.items.iter().map(Item::size).sum());
        self.stats.traces.store(traces as u64, Ordering::Relaxed);
        self.stats.bytes.store(bytes, Ordering::Relaxed);
    }

    /// Waits for pending uploads, at most `longest`.
    pub fn flush(&self, longest: Duration) {
        let traces = self.backend.flush(longest);
        if traces > 0 {
            tracing::error!(traces, "evidence did not get to its bucket before the end");
            self.stats.lose(Lost::Waiting, traces);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        let mut state = self.state.lock();
        let found = self.backend.found();
        if !found.is_empty() {
            // Some of these traces may have been listed since.
            let known: HashSet<_> = state.items.iter().map(|item| item.id.clone()).collect();
            let new = found.into_iter().filter(|item| !known.contains(&item.id));
            state.items.extend(new);
            state.items.sort_by_key(|item| item.time);
        }
        state
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;
    use crate::source::Limits;
    use std::fs;
    use std::path::Path;

    /// Size of a trace in these tests, far larger than its document.
    const PART: u64 = 20_000;

    fn settings(directory: &Path) -> Settings {
        Settings {
            directory: Some(directory.into()),
            max_bytes: 100 * PART,
            max_target_bytes: 50 * PART,
            ..Settings::default()
        }
    }

    fn open(settings: &Settings) -> Evidence {
        let stats = Arc::default();
        Evidence::open(settings, "http://x", &stats, None)
            .unwrap()
            .unwrap()
    }

    fn names(directory: &Path) -> usize {
        fs::read_dir(directory).unwrap().count()
    }

    fn keep(evidence: &Evidence, instance: &str, bytes: usize) -> String {
        let target: Labels = [("instance", instance)].into_iter().collect();
        let report = sample::eventful("a");
        let item = evidence.item(&target, &report, Timestamp::now(), "alert A");
        let id = item.id.clone();
        put(evidence, item, Kept::Bytes(parts(bytes)));
        id
    }

    fn parts(n: usize) -> Vec<u8> {
        vec![7; n * PART as usize]
    }

    fn put(evidence: &Evidence, item: Item, trace: Kept) -> bool {
        let again = Again {
            report: &|_| None,
            limits: &Limits::default(),
        };
        evidence.keep(item, &sample::eventful("a"), trace, &again)
    }

    #[test]
    fn quotas_hold_and_a_restart_knows_what_there_is() {
        let directory = tempfile::tempdir().unwrap();
        let settings = settings(directory.path());
        let evidence = open(&settings);
        let ids = ["a", "b", "a", "c"].map(|instance| keep(&evidence, instance, 30));
        let kept = |evidence: &Evidence| {
            let is = |id: &String| {
                let item = evidence.find(id);
                item.is_some_and(|item| evidence.read(&item.file).is_ok())
            };
            ids.iter().map(is).collect::<Vec<_>>()
        };
        // The first trace of a was deleted for its second.
        assert_eq!(kept(&evidence), [false, true, true, true]);
        assert_eq!(names(directory.path()), 6);
        assert_eq!(evidence.url("1"), "http://x/api/v1/evidence/1");
        keep(&evidence, "d", 30);
        assert_eq!(kept(&evidence), [false, false, true, true]);

        fs::write(directory.path().join("package.json"), "{}").unwrap();
        let all = evidence.all();
        drop(evidence);
        let again = open(&settings);
        assert_eq!(again.all(), all);
        assert_eq!(names(directory.path()), 7);
        // A trace whose file was deleted is not listed.
        fs::remove_file(directory.path().join(&all[0].file)).unwrap();
        assert_eq!(again.find(&all[0].id), None);
        assert_eq!(again.all(), all[1..]);
        assert_eq!(again.stats.lost(Lost::Missing), 1);
        assert_eq!(names(directory.path()), 5);
        again.sweep(Timestamp::now() + jiff::SignedDuration::from_hours(24 * 8));
        assert!(again.all().is_empty());
        assert_eq!(names(directory.path()), 1);
    }

    #[test]
    fn what_no_quota_can_hold_drives_nothing_out() {
        let directory = tempfile::tempdir().unwrap();
        let evidence = open(&settings(directory.path()));
        let first = keep(&evidence, "a", 49);
        let report = sample::eventful("a");
        let item = evidence.judge(&Labels::new(), &report, Timestamp::now());
        let item = item.unwrap();
        assert!(evidence.recent(&Labels::new(), &report).is_some());
        assert!(!put(&evidence, item, Kept::Bytes(parts(50))));
        assert_eq!(evidence.recent(&Labels::new(), &report), None);
        assert_eq!(evidence.stats.lost(Lost::Quota), 1);
        assert!(evidence.find(&first).is_some());
        assert_eq!(names(directory.path()), 2);
    }

    #[test]
    fn what_can_not_be_anonymised_is_not_kept() {
        let directory = tempfile::tempdir().unwrap();
        let evidence = open(&Settings {
            anonymize: true,
            ..settings(directory.path())
        });
        let id = keep(&evidence, "a", 30);
        assert_eq!(evidence.find(&id), None);
        assert_eq!(evidence.stats.lost(Lost::Names), 1);
        assert_eq!(names(directory.path()), 0);
    }

    #[test]
    fn a_recording_that_nobody_keeps_is_gone() {
        use std::io::Read;
        let directory = tempfile::tempdir().unwrap();
        let evidence = open(&settings(directory.path()));
        let record = || {
            let recording = evidence.record().unwrap();
            let mut reader = recording.of(&b"bytes"[..]);
            reader.read_to_end(&mut Vec::new()).unwrap();
            recording
        };
        let recording = record();
        assert_eq!(names(directory.path()), 1);
        drop(recording);
        assert_eq!(names(directory.path()), 0);
        let report = sample::eventful("a");
        let item = evidence.item(&Labels::new(), &report, Timestamp::now(), "alert A");
        assert!(put(&evidence, item, Kept::Recording(record())));
        let item = evidence.all().remove(0);
        let mut bytes = Vec::new();
        let mut file = evidence.read(&item.file).unwrap();
        file.read_to_end(&mut bytes).unwrap();
        assert_eq!((item.bytes, bytes), (5, b"bytes".to_vec()));
    }
}
