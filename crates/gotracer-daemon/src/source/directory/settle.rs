//! Distinguishes complete traces from those that are still being written.
//!
//! A file that was closed after writing, or moved into place, is final. For
//! other files (created before the start, or on a network file system) there is
//! no event. They are read once length and time of change have not changed for
//! `settle`. A truncated trace is final only after `incomplete_after`, since its
//! writer may have paused.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::stamp::Stamp;
use crate::backoff::Backoff;

/// Largest multiple of `settle` for a file that was written to while it was
/// watched and not closed, or whose writer paused before.
const LONGEST: u32 = 12;
/// Pauses before a file that could not be read is offered again, for the first `TRIES` tries.
const RETRY: Backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(30));
const TRIES: u32 = 20;
/// Pause after `TRIES` tries.
const RARE_RETRY: Duration = Duration::from_secs(600);
/// The pause before a copy of a trace that is being analyzed is offered again.
const TAKEN_RETRY: Duration = Duration::from_secs(3);
/// Upper bound of configured durations: adding it to an `Instant` does not
/// overflow.
const FOREVER: Duration = Duration::from_secs(10 * 365 * 86_400);

/// Reason to offer a file again.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fate {
    /// The trace is truncated, and its writer may continue.
    Incomplete,
    /// The file could not be read or put away now.
    Retry,
    /// A file with the same trace is not done yet.
    Taken,
}

/// A file that is to be analyzed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Ready {
    /// Its path below the directory.
    pub path: PathBuf,
    /// The state in which it was seen.
    pub stamp: Stamp,
    /// Whether its writer is done: a truncated trace will not grow.
    pub is_final: bool,
    /// How often it was tried before.
    pub tries: u32,
}

/// Condition on which a file is ready.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Until {
    /// It was closed or stands still.
    Settled,
    /// It was closed, changed, or has stood still for very long.
    Certain,
    /// The next try.
    Retry(Instant),
}

struct File {
    stamp: Stamp,
    /// Time of the last change; before the first scan, by the file's own time.
    since: Instant,
    /// Time of the last change by this machine's clock, for `is_final`: the
    /// clock of a file server may be behind.
    trusted: Instant,
    finished: bool,
    open: bool,
    until: Until,
    /// How often its writer paused.
    pauses: u32,
    tries: u32,
}

/// Files of a directory that wait or are being analyzed.
pub(super) struct Settler {
    settle: Duration,
    incomplete_after: Duration,
    /// Whether the whole directory was scanned once.
    begun: bool,
    waiting: HashMap<PathBuf, File>,
    handed_on: HashMap<PathBuf, File>,
}

impl Settler {
    /// Files are ready after `settle` without changes; truncated ones, after
    /// `incomplete_after`.
    pub(super) fn new(settle: Duration, incomplete_after: Duration) -> Self {
        Self {
            settle: settle.min(FOREVER),
            incomplete_after: incomplete_after.max(settle).min(FOREVER),
            begun: false,
            waiting: HashMap::new(),
            handed_on: HashMap::new(),
        }
    }

    /// Records a scan of the whole directory.
    pub(super) fn saw_all(&mut self, found: Vec<(PathBuf, Stamp)>, now: Instant) {
        let there: HashSet<&Path> = found.iter().map(|(path, _)| path.as_path()).collect();
        self.waiting
            .retain(|path, _| there.contains(path.as_path()));
        self.handed_on
            .retain(|path, _| there.contains(path.as_path()));
        for (path, stamp) in found {
            self.saw(path, stamp, now);
        }
        self.begun = true;
    }

    /// Records the state of a file.
    pub(super) fn saw(&mut self, path: PathBuf, stamp: Stamp, now: Instant) {
        match self.handed_on.get(&path) {
            Some(known) if known.stamp == stamp => return,
            Some(_) => {
                let known = self.handed_on.remove(&path);
                self.waiting.extend(known.map(|file| (path.clone(), file)));
            }
            None => {}
        }
        match self.waiting.get_mut(&path) {
            Some(known) if known.stamp == stamp => {}
            Some(known) => known.change(stamp, now),
            None => {
                let since = now.checked_sub(stamp.age()).unwrap_or(now);
                let file = File {
                    stamp,
                    since,
                    trusted: if self.begun { now } else { since },
                    finished: false,
                    open: false,
                    until: Until::Settled,
                    pauses: 0,
                    tries: 0,
                };
                self.waiting.insert(path, file);
            }
        }
    }

    /// Records a change of metadata: the file may be readable now.
    pub(super) fn touched(&mut self, path: &Path, now: Instant) {
        if let Some(file) = self.waiting.get_mut(path)
            && matches!(file.until, Until::Retry(_))
        {
            file.until = Until::Retry(now);
        }
    }

    /// Records that a file was written to and not closed yet.
    pub(super) fn written(&mut self, path: &Path) {
        if let Some(file) = self.waiting.get_mut(path) {
            file.open = true;
            file.finished = false;
        }
    }

    /// Records that a file was closed after writing, or moved into place.
    pub(super) fn finished(&mut self, path: &Path) {
        let file = match self.waiting.get_mut(path) {
            Some(file) => file,
            None => match self.handed_on.get_mut(path) {
                Some(file) => file,
                None => return,
            },
        };
        file.finished = true;
        file.open = false;
    }

    /// Removes a file that was deleted.
    pub(super) fn gone(&mut self, path: &Path) {
        self.waiting.remove(path);
        self.handed_on.remove(path);
    }

    /// Schedules a file to be offered again, unless it has changed since.
    pub(super) fn answer(&mut self, path: &Path, stamp: Stamp, fate: Fate, now: Instant) {
        if self.handed_on.get(path).is_none_or(|f| f.stamp != stamp) {
            return;
        }
        let Some((path, mut file)) = self.handed_on.remove_entry(path) else {
            return;
        };
        match fate {
            Fate::Incomplete => {
                file.until = Until::Certain;
                file.pauses += 1;
            }
            Fate::Retry => {
                file.until = Until::Retry(now + pause_after(file.tries));
                file.tries += 1;
            }
            Fate::Taken => file.until = Until::Retry(now + TAKEN_RETRY),
        }
        self.waiting.insert(path, file);
    }

    /// Files that may still be written to, and should be checked soon.
    pub(super) fn settling(&self) -> impl Iterator<Item = &Path> {
        let settling = self
            .waiting
            .iter()
            .filter(|(_, f)| f.until == Until::Settled);
        settling.map(|(path, _)| path.as_path())
    }

    /// Number of truncated files that are not final yet.
    pub(super) fn incomplete(&self) -> usize {
        let incomplete = |f: &&File| f.until == Until::Certain;
        self.waiting.values().filter(incomplete).count()
    }

    /// Returns the time until the next file is ready if none changes.
    pub(super) fn next_ready(&self, now: Instant) -> Option<Duration> {
        let due = |file: &File| file.due(self.settle, self.incomplete_after);
        let due = self.waiting.values().map(due);
        due.min().map(|due| due.saturating_duration_since(now))
    }

    /// Returns the files to analyze now. Each state of a file is returned once.
    pub(super) fn take_ready(&mut self, now: Instant) -> Vec<Ready> {
        let (settle, incomplete_after) = (self.settle, self.incomplete_after);
        let due = |_: &PathBuf, file: &mut File| file.due(settle, incomplete_after) <= now;
        let mut ready = Vec::new();
        for (path, file) in self.waiting.extract_if(due) {
            ready.push(Ready {
                path: path.clone(),
                stamp: file.stamp,
                is_final: file.finished || file.trusted + incomplete_after <= now,
                tries: file.tries,
            });
            self.handed_on.insert(path, file);
        }
        ready.sort_by(|a, b| b.stamp.age().cmp(&a.stamp.age()).then(a.path.cmp(&b.path)));
        ready
    }
}

fn pause_after(tries: u32) -> Duration {
    match tries {
        ..TRIES => RETRY.delay(tries),
        _ => RARE_RETRY,
    }
}

impl File {
    /// Returns the time of its analysis if it does not change.
    fn due(&self, settle: Duration, incomplete_after: Duration) -> Instant {
        match self.until {
            Until::Retry(at) => at,
            _ if self.finished => self.since,
            Until::Certain => self.trusted + incomplete_after,
            Until::Settled if self.open => self.since + settle * LONGEST,
            Until::Settled => self.since + settle * LONGEST.min(1 << self.pauses.min(8)),
        }
    }

    /// Records a new state: written to, replaced, or with another time, as
    /// `cp -p` sets it after closing the file.
    fn change(&mut self, stamp: Stamp, now: Instant) {
        self.finished &= self.stamp.only_touched(&stamp);
        self.stamp = stamp;
        self.since = now;
        self.trusted = now;
        self.until = Until::Settled;
        self.tries = 0;
    }
}

#[cfg(test)]
mod tests;
