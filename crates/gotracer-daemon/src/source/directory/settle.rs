//! Telling a trace that is complete from one that is still being written.
//!
//! Who closes a file after writing, or moves it into place, has finished it.
//! Of files for which no such event comes (there before the start, on a
//! network file system) the length and the time of change must have stood
//! still for a while.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::stamp::Stamp;

/// How many times longer a file must stand still that was written to while it
/// was watched and not closed: its writer may be slow, or dead.
const OPEN_FACTOR: u32 = 12;

struct Candidate {
    stamp: Stamp,
    /// Since when it has stood still.
    since: Instant,
    finished: bool,
    open: bool,
}

/// The files of a directory, by what is known of them.
pub struct Settler {
    settle: Duration,
    pending: HashMap<PathBuf, Candidate>,
    handed_on: HashMap<PathBuf, Stamp>,
}

impl Settler {
    /// Files must stand still for `settle`.
    pub fn new(settle: Duration) -> Self {
        Self {
            settle,
            pending: HashMap::new(),
            handed_on: HashMap::new(),
        }
    }

    /// A file was looked at and is in this state.
    pub fn saw(&mut self, path: PathBuf, stamp: Stamp, now: Instant) {
        if self.handed_on.get(&path) == Some(&stamp) {
            self.pending.remove(&path);
            return;
        }
        match self.pending.get_mut(&path) {
            Some(known) if known.stamp == stamp => {}
            Some(known) => {
                known.stamp = stamp;
                known.since = now;
            }
            None => {
                let since = now.checked_sub(stamp.age()).unwrap_or(now);
                let candidate = Candidate {
                    stamp,
                    since,
                    finished: false,
                    open: false,
                };
                self.pending.insert(path, candidate);
            }
        }
    }

    /// A file was written to by somebody who will close it.
    pub fn written(&mut self, path: &Path) {
        if let Some(candidate) = self.pending.get_mut(path) {
            candidate.open = true;
            candidate.finished = false;
        }
    }

    /// A file was closed after writing, or moved into place.
    pub fn finished(&mut self, path: &Path) {
        if let Some(candidate) = self.pending.get_mut(path) {
            candidate.finished = true;
        }
    }

    /// A file is no longer there.
    pub fn gone(&mut self, path: &Path) {
        self.pending.remove(path);
        self.handed_on.remove(path);
    }

    /// Files that are not complete yet.
    pub fn pending(&self) -> impl Iterator<Item = &Path> {
        self.pending.keys().map(PathBuf::as_path)
    }

    /// Forgets the files that `exists` says are gone.
    pub fn retain(&mut self, exists: impl Fn(&Path) -> bool) {
        self.pending.retain(|path, _| exists(path));
        self.handed_on.retain(|path, _| exists(path));
    }

    /// The files that are complete, each state of each once.
    pub fn take_ready(&mut self, now: Instant) -> Vec<(PathBuf, Stamp)> {
        let settle = self.settle;
        let ready = |c: &Candidate| {
            let still = now.saturating_duration_since(c.since);
            let wait = settle * if c.open { OPEN_FACTOR } else { 1 };
            c.finished || still >= wait
        };
        let ready = self.pending.extract_if(|_, candidate| ready(candidate));
        let mut ready: Vec<_> = ready.map(|(path, c)| (path, c.stamp)).collect();
        ready.sort_by(|(a_path, a), (b_path, b)| b.age().cmp(&a.age()).then(a_path.cmp(b_path)));
        self.handed_on.extend(ready.iter().cloned());
        ready
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SETTLE: Duration = Duration::from_secs(5);

    fn paths(settler: &mut Settler, now: Instant) -> Vec<PathBuf> {
        let ready = settler.take_ready(now);
        ready.into_iter().map(|(path, _)| path).collect()
    }

    fn a() -> PathBuf {
        PathBuf::from("a")
    }

    #[test]
    fn a_growing_file_waits_until_it_stands_still() {
        let mut settler = Settler::new(SETTLE);
        let start = Instant::now();
        for second in 0..10 {
            let now = start + Duration::from_secs(second);
            settler.saw(a(), Stamp::with_length(second), now);
            assert!(paths(&mut settler, now).is_empty());
        }
        let now = start + Duration::from_secs(9) + SETTLE;
        settler.saw(a(), Stamp::with_length(9), now);
        assert_eq!(paths(&mut settler, now), [a()]);
        settler.saw(a(), Stamp::with_length(9), now);
        assert!(paths(&mut settler, now + SETTLE).is_empty());
    }

    #[test]
    fn a_closed_file_is_complete_at_once_and_an_open_one_is_waited_for() {
        let mut settler = Settler::new(SETTLE);
        let now = Instant::now();
        settler.saw(a(), Stamp::with_length(1), now);
        settler.written(&a());
        assert!(paths(&mut settler, now + 2 * SETTLE).is_empty());
        settler.finished(&a());
        assert_eq!(paths(&mut settler, now), [a()]);

        settler.saw(a(), Stamp::with_length(2), now);
        settler.written(&a());
        assert_eq!(paths(&mut settler, now + OPEN_FACTOR * SETTLE), [a()]);
    }

    #[test]
    fn a_file_that_changed_is_offered_again() {
        let mut settler = Settler::new(SETTLE);
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
