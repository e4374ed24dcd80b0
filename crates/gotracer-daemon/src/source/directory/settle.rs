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
pub struct Ready {
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
pub struct Settler {
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
    pub fn new(settle: Duration, incomplete_after: Duration) -> Self {
        Self {
            settle: settle.min(FOREVER),
            incomplete_after: incomplete_after.max(settle).min(FOREVER),
            begun: false,
            waiting: HashMap::new(),
            handed_on: HashMap::new(),
        }
    }

    /// Records a scan of the whole directory.
    pub fn saw_all(&mut self, found: Vec<(PathBuf, Stamp)>, now: Instant) {
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
    pub fn saw(&mut self, path: PathBuf, stamp: Stamp, now: Instant) {
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
    pub fn touched(&mut self, path: &Path, now: Instant) {
        if let Some(file) = self.waiting.get_mut(path)
            && matches!(file.until, Until::Retry(_))
        {
            file.until = Until::Retry(now);
        }
    }

    /// Records that a file was written to and not closed yet.
    pub fn written(&mut self, path: &Path) {
        if let Some(file) = self.waiting.get_mut(path) {
            file.open = true;
            file.finished = false;
        }
    }

    /// Records that a file was closed after writing, or moved into place.
    pub fn finished(&mut self, path: &Path) {
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
    pub fn gone(&mut self, path: &Path) {
        self.waiting.remove(path);
        self.handed_on.remove(path);
    }

    /// Schedules a file to be offered again, unless it has changed since.
    pub fn answer(&mut self, path: &Path, stamp: Stamp, fate: Fate, now: Instant) {
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
    pub fn settling(&self) -> impl Iterator<Item = &Path> {
        let settling = self
            .waiting
            .iter()
            .filter(|(_, f)| f.until == Until::Settled);
        settling.map(|(path, _)| path.as_path())
    }

    /// Number of truncated files that are not final yet.
    pub fn incomplete(&self) -> usize {
        let incomplete = |f: &&File| f.until == Until::Certain;
        self.waiting.values().filter(incomplete).count()
    }

    /// Returns the time until the next file is ready if none changes.
    pub fn next_ready(&self, now: Instant) -> Option<Duration> {
        let due = |file: &File| file.due(self.settle, self.incomplete_after);
        let due = self.waiting.values().map(due);
        due.min().map(|due| due.saturating_duration_since(now))
    }

    /// Returns the files to analyze now. Each state of a file is returned once.
    pub fn take_ready(&mut self, now: Instant) -> Vec<Ready> {
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
mod tests {
    use super::*;
    use std::time::SystemTime;

    const SETTLE: Duration = Duration::from_secs(5);
    const CERTAIN: Duration = Duration::from_secs(600);

    fn settler() -> Settler {
        Settler::new(SETTLE, CERTAIN)
    }

    fn paths(settler: &mut Settler, now: Instant) -> Vec<PathBuf> {
        let ready = settler.take_ready(now);
        ready.into_iter().map(|r| r.path).collect()
    }

    fn a() -> PathBuf {
        PathBuf::from("a")
    }

    #[test]
    fn a_growing_file_waits_until_it_stands_still() {
        let mut settler = settler();
        let start = Instant::now();
        for second in 0..10 {
            let now = start + Duration::from_secs(second);
            settler.saw(a(), Stamp::with_length(second), now);
            assert!(paths(&mut settler, now).is_empty());
        }
        let now = start + Duration::from_secs(9) + SETTLE;
        settler.saw(a(), Stamp::with_length(9), now);
        assert_eq!(settler.next_ready(now), Some(Duration::ZERO));
        assert_eq!(paths(&mut settler, now), [a()]);
        settler.saw(a(), Stamp::with_length(9), now);
        assert!(paths(&mut settler, now + SETTLE).is_empty());
        assert_eq!(settler.next_ready(now), None);
    }

    #[test]
    fn a_closed_file_is_final_at_once_and_an_open_one_is_waited_for() {
        let mut settler = settler();
        let now = Instant::now();
        settler.saw(a(), Stamp::with_length(1), now);
        settler.written(&a());
        assert!(paths(&mut settler, now + 2 * SETTLE).is_empty());
        settler.finished(&a());
        let ready = settler.take_ready(now);
        assert!(ready.len() == 1 && ready[0].is_final);

        settler.saw(a(), Stamp::with_length(2), now);
        settler.written(&a());
        let ready = settler.take_ready(now + LONGEST * SETTLE);
        assert!(ready.len() == 1 && !ready[0].is_final);
    }

    #[test]
    fn a_file_that_breaks_off_waits_for_its_writer() {
        let mut settler = settler();
        let now = Instant::now();
        let stamp = Stamp::with_length(1);
        settler.saw(a(), stamp, now);
        let ready = settler.take_ready(now + SETTLE);
        assert!(!ready[0].is_final);
        settler.answer(&a(), stamp, Fate::Incomplete, now + SETTLE);
        assert_eq!(settler.incomplete(), 1);
        assert_eq!(settler.settling().count(), 0);
        let almost = (now + CERTAIN).checked_sub(Duration::from_secs(1)).unwrap();
        assert!(paths(&mut settler, almost).is_empty());

        // The writer continues. Its next pause has to be longer.
        settler.saw(a(), Stamp::with_length(2), almost);
        assert_eq!(settler.incomplete(), 0);
        assert!(paths(&mut settler, almost + SETTLE).is_empty());
        assert_eq!(paths(&mut settler, almost + 2 * SETTLE), [a()]);
        settler.answer(&a(), Stamp::with_length(2), Fate::Incomplete, almost);

        // The writer is dead.
        let ready = settler.take_ready(almost + CERTAIN);
        assert!(ready[0].is_final);
    }

    #[test]
    fn a_file_that_is_closed_while_it_is_read_is_offered_as_final() {
        let mut settler = settler();
        let (now, stamp) = (Instant::now(), Stamp::with_length(1));
        settler.saw(a(), stamp, now);
        assert!(!settler.take_ready(now + SETTLE)[0].is_final);
        settler.finished(&a());
        settler.answer(&a(), stamp, Fate::Incomplete, now);
        assert!(settler.take_ready(now + SETTLE)[0].is_final);
    }

    #[test]
    fn a_file_that_could_not_be_read_is_offered_again_and_again() {
        let mut settler = settler();
        let (start, stamp) = (Instant::now(), Stamp::with_length(1));
        settler.saw(a(), stamp, start);
        settler.finished(&a());
        let mut now = start;
        for tries in 0..2 * TRIES {
            let ready = settler.take_ready(now);
            assert_eq!(ready[0].tries, tries);
            assert!(ready[0].is_final);
            settler.answer(&a(), stamp, Fate::Retry, now);
            let pause = settler.next_ready(now).unwrap();
            assert!(pause >= RETRY.delay(0) && pause <= RARE_RETRY);
            now += pause;
        }
        // The answer is about a state that the file is no longer in.
        assert_eq!(paths(&mut settler, now), [a()]);
        settler.saw(a(), Stamp::with_length(2), now);
        settler.answer(&a(), stamp, Fate::Retry, now);
        assert_eq!(settler.settling().count(), 1);
    }

    #[test]
    fn new_permissions_end_the_pause() {
        let mut settler = settler();
        let (now, stamp) = (Instant::now(), Stamp::with_length(1));
        settler.saw(a(), stamp, now);
        settler.finished(&a());
        settler.take_ready(now);
        settler.answer(&a(), stamp, Fate::Retry, now);
        assert!(paths(&mut settler, now).is_empty());
        settler.touched(&a(), now);
        assert_eq!(paths(&mut settler, now), [a()]);
    }

    #[test]
    fn a_closed_file_that_gets_another_time_stays_final() {
        let mut settler = settler();
        let now = Instant::now();
        settler.saw(a(), Stamp::with_length(1), now);
        settler.finished(&a());
        assert!(settler.take_ready(now)[0].is_final);
        let later = Stamp::with_length(1).modified_at(SystemTime::UNIX_EPOCH);
        settler.saw(a(), later, now);
        assert!(settler.take_ready(now)[0].is_final);
        // Unless it is written to.
        settler.saw(a(), Stamp::with_length(1), now);
        settler.written(&a());
        assert!(settler.take_ready(now).is_empty());
    }

    #[test]
    fn a_file_that_changed_is_offered_again() {
        let mut settler = settler();
        let now = Instant::now();
        settler.saw(a(), Stamp::with_length(1), now);
        assert_eq!(paths(&mut settler, now + SETTLE), [a()]);
        settler.saw(a(), Stamp::with_length(2), now + SETTLE);
        assert_eq!(paths(&mut settler, now + 2 * SETTLE), [a()]);
        settler.gone(&a());
        settler.saw(a(), Stamp::with_length(2), now);
        assert_eq!(paths(&mut settler, now + SETTLE), [a()]);
    }
}
