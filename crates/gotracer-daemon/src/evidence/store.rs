//! Store of kept traces.

use std::collections::HashSet;
use std::io::{self, Read, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use parking_lot::{Mutex, MutexGuard};

use super::anonymous::{self, Again, AnonymousError};
use super::backend::Backend;
use super::error::EvidenceError;
use super::item::Item;
use super::policy::Policy;
use super::quota;
use super::recording::{Incomplete, Recording};
use super::settings::Settings;
use super::stats::{Lost, Stats};
use crate::labels::Labels;
use crate::live::Live;
use crate::report::Report;

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
mod tests;
