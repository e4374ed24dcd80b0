//! Which traces were analyzed already, by their content: a trace that was
//! renamed, copied or touched is still the same trace.

mod known;
mod line;
mod log;
mod record;
mod turns;

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use parking_lot::{Mutex, MutexGuard};
use tokio_util::sync::CancellationToken;

use self::known::Known;
use self::log::ProcessedLog;
use self::record::{Pending, Record, Word};
use self::turns::{Turn, Turns};
use super::identity::Identity;
use crate::storage::Health;

pub use log::ProcessedLogError;
pub(super) use record::Verdict;

/// Interval of the journal's maintenance.
const PERIOD: Duration = Duration::from_secs(1);

/// Whether a caller may analyze a trace.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Claim {
    /// The caller may analyze the trace.
    Granted,
    /// Another caller analyzes the trace.
    Taken,
    /// The caller may analyze the trace, but an earlier process counted it. Only its OTLP export is
    /// missing.
    Counted,
    /// The trace must not be read again because the process died each time. The caller reports
    /// that.
    Crashed,
    /// The trace is done.
    Done(Verdict),
}

/// Traces that were analyzed or are being analyzed.
#[derive(Default)]
pub(super) struct ProcessedSet {
    state: Mutex<State>,
    turns: Turns,
}

#[derive(Default)]
struct State {
    known: Known,
    /// Claims of this process.
    taken: HashSet<Identity>,
    journal: Option<ProcessedLog>,
    /// Whether the process is shutting down; reads cut off now are not crashes.
    closed: bool,
}

impl State {
    fn note(&mut self, identity: Identity, word: Word) {
        self.known.apply(identity, word);
        if let Some(journal) = &mut self.journal {
            journal.append(identity, word);
        }
    }

    fn maintain(&mut self) {
        let Self { known, journal, .. } = self;
        if let Some(journal) = journal {
            journal.maintain(words(known));
        }
    }

    /// Marks the traces that were being read when the last process died.
    fn blame(&mut self) {
        let begun = |(identity, record)| match record {
            Record::Pending(pending) if pending.begun => Some((identity, pending)),
            _ => None,
        };
        let begun: Vec<(Identity, Pending)> = self.known.iter().filter_map(begun).collect();
        if !begun.is_empty() {
            tracing::warn!(
                traces = begun.len(),
                "the last process died while it read traces; they are read one at a time"
            );
        }
        let alone = begun.len() == 1;
        for (identity, pending) in begun {
            let word = match pending.is_guilty(alone) {
                true => Word::Crashed,
                false => Word::Interrupted,
            };
            self.note(identity, word);
        }
    }
}

impl ProcessedSet {
    /// Reads the journal in `directory`, and writes it from now on.
    ///
    /// # Errors
    /// If that directory cannot be used.
    pub(super) fn kept_in(
        directory: &Path,
        health: Arc<Health>,
    ) -> Result<Self, ProcessedLogError> {
        let mut known = Known::default();
        let mut journal = ProcessedLog::open(directory, health, |id, word| known.apply(id, word))?;
        tracing::info!(storage = %directory.display(), traces = known.len(), "analysed before");
        journal.compact(words(&known));
        let mut state = State {
            known,
            journal: Some(journal),
            ..State::default()
        };
        state.blame();
        Ok(Self {
            state: Mutex::new(state),
            turns: Turns::default(),
        })
    }

    /// Claims a trace unless another caller has it. A file whose `changed` time (Unix seconds) is
    /// later than that of a set-aside trace is read again.
    pub(super) fn claim(&self, identity: Identity, changed: u64) -> Claim {
        let mut state = self.lock();
        if state.taken.contains(&identity) {
            return Claim::Taken;
        }
        let claim = match state.known.get(identity) {
            Some(Record::Done(verdict) | Record::Passing(verdict)) => return Claim::Done(verdict),
            Some(Record::SetAside(at)) if !(u64::from(at) + 1..=now()).contains(&changed) => {
                return Claim::Done(Verdict::Crashed);
            }
            Some(Record::Crashed) => Claim::Crashed,
            Some(Record::Pending(Pending { counted: true, .. })) => Claim::Counted,
            _ => Claim::Granted,
        };
        state.taken.insert(identity);
        claim
    }

    /// Whether a trace is done.
    pub(super) fn is_done(&self, identity: Identity) -> bool {
        let record = self.lock().known.get(identity);
        matches!(record, Some(Record::Done(_) | Record::Passing(_)))
    }

    /// Waits until a claimed trace may be read, and journals that reading begins. Reading ends when
    /// the returned turn is dropped.
    pub(super) fn begin(&self, identity: Identity) -> Turn<'_> {
        let suspect = match self.lock().known.get(identity) {
            Some(Record::Pending(pending)) => pending.is_suspect(),
            _ => false,
        };
        let turn = self.turns.take(suspect);
        let mut state = self.lock();
        if !state.closed {
            state.note(identity, Word::Begun);
        }
        turn
    }

    /// Releases a claim without a result.
    pub(super) fn release(&self, identity: Identity) {
        let mut state = self.lock();
        state.taken.remove(&identity);
        state.note(identity, Word::Released);
    }

    /// Records that a claimed trace was counted. It is done once its OTLP export is acknowledged;
    /// after a restart before that, the trace is exported and not counted again.
    pub(super) fn counted(&self, identity: Identity) {
        self.lock().note(identity, Word::Counted);
    }

    /// Records that a claimed trace is done; `lasting` keeps that across restarts.
    pub(super) fn done(&self, identity: Identity, verdict: Verdict, lasting: bool) {
        let mut state = self.lock();
        state.taken.remove(&identity);
        if !lasting {
            state.note(identity, Word::Released);
            state.known.insert(identity, Record::Passing(verdict));
        } else if verdict == Verdict::Crashed {
            let at = u32::try_from(now()).unwrap_or(u32::MAX);
            state.note(identity, Word::SetAside(at));
        } else {
            state.note(identity, Word::Done(verdict));
        }
    }

    /// Maintains the journal every second until `stop`.
    pub(super) async fn follow(self: Arc<Self>, stop: CancellationToken) {
        while !stop.is_cancelled() {
            stop.run_until_cancelled(tokio::time::sleep(PERIOD)).await;
            let seen = Arc::clone(&self);
            // Writing may block.
            let maintained = tokio::task::spawn_blocking(move || seen.lock().maintain());
            let _ = maintained.await;
        }
    }

    /// Records the shutdown. Traces still being read are not blamed then.
    pub(super) fn close(&self) {
        let mut state = self.lock();
        state.closed = true;
        for identity in state.taken.clone() {
            if let Some(Record::Pending(Pending { begun: true, .. })) = state.known.get(identity) {
                state.note(identity, Word::Released);
            }
        }
        state.maintain();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock()
    }
}

fn words(known: &Known) -> impl Iterator<Item = (Identity, Word)> + Clone + '_ {
    let words = |(identity, record): (Identity, Record)| record.words().map(move |w| (identity, w));
    known.iter().flat_map(words)
}

/// Unix time, in seconds.
fn now() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since.unwrap_or_default().as_secs()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn id(n: u128) -> Identity {
        Identity(n.to_be_bytes())
    }

    fn open(directory: &Path) -> ProcessedSet {
        ProcessedSet::kept_in(directory, Arc::default()).unwrap()
    }

    /// Starts to read the traces and drops everything, as a crash does.
    fn die_reading(directory: &Path, traces: &[u128]) {
        let seen = open(directory);
        for &n in traces {
            assert_eq!(seen.claim(id(n), 0), Claim::Granted, "{n}");
            // Reads all of them at the same time, if that is allowed.
            drop(seen.begin(id(n)));
        }
    }

    fn claim(directory: &Path, n: u128, changed: u64) -> Claim {
        open(directory).claim(id(n), changed)
    }

    #[test]
    fn a_claim_is_exclusive_until_it_is_given_back() {
        let (seen, a) = (ProcessedSet::default(), id(1));
        assert_eq!(seen.claim(a, 0), Claim::Granted);
        assert_eq!(seen.claim(a, 0), Claim::Taken);
        seen.release(a);
        assert_eq!(seen.claim(a, 0), Claim::Granted);
        seen.done(a, Verdict::Found, true);
        assert_eq!(seen.claim(a, 0), Claim::Done(Verdict::Found));
    }

    #[test]
    fn what_is_done_survives_and_what_was_begun_does_not() {
        let directory = tempfile::tempdir().unwrap();
        let seen = open(directory.path());
        for n in 0..4 {
            assert_eq!(seen.claim(id(n), 0), Claim::Granted);
            drop(seen.begin(id(n)));
        }
        seen.done(id(0), Verdict::Clean, true);
        seen.done(id(1), Verdict::Failed, true);
        seen.done(id(2), Verdict::Failed, false);
        assert_eq!(seen.claim(id(2), 0), Claim::Done(Verdict::Failed));
        seen.counted(id(3));
        let second = ProcessedSet::kept_in(directory.path(), Arc::default());
        assert!(second.is_err(), "it is in use");
        drop(seen);
        let seen = open(directory.path());
        assert_eq!(seen.claim(id(0), 0), Claim::Done(Verdict::Clean));
        assert_eq!(seen.claim(id(1), 0), Claim::Done(Verdict::Failed));
        assert_eq!(seen.claim(id(2), 0), Claim::Granted);
        assert_eq!(seen.claim(id(3), 0), Claim::Counted);
        drop(seen.begin(id(3)));
        drop(seen);
        // A crash during the export does not count a trace twice.
        let seen = open(directory.path());
        assert_eq!(seen.claim(id(3), 0), Claim::Counted);
        seen.done(id(3), Verdict::Found, true);
        drop(seen);
        assert_eq!(claim(directory.path(), 3, 0), Claim::Done(Verdict::Found));
    }

    #[test]
    fn a_trace_that_kills_twice_is_set_aside_and_no_other() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path();
        die_reading(path, &[1, 2, 3]);
        // The second trace crashes the process and is now read alone.
        let seen = open(path);
        for n in [1, 3] {
            assert_eq!(seen.claim(id(n), 0), Claim::Granted);
            drop(seen.begin(id(n)));
            seen.done(id(n), Verdict::Clean, true);
        }
        drop(seen);
        die_reading(path, &[2]);
        assert_eq!(claim(path, 2, 0), Claim::Crashed);
        // The crash was not reported yet.
        let seen = open(path);
        assert_eq!(seen.claim(id(2), 0), Claim::Crashed);
        seen.done(id(2), Verdict::Crashed, true);
        drop(seen);
        for n in [1, 3] {
            assert_eq!(claim(path, n, 0), Claim::Done(Verdict::Clean));
        }
        let aside = Claim::Done(Verdict::Crashed);
        assert_eq!(claim(path, 2, 0), aside);
        // The file's clock is ahead.
        assert_eq!(claim(path, 2, now() + 3600), aside);
    }

    #[test]
    fn a_trace_is_never_blamed_for_the_company_it_keeps() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path();
        die_reading(path, &[1]);
        die_reading(path, &[1, 2]);
        assert_eq!(claim(path, 1, 0), Claim::Granted);
        assert_eq!(claim(path, 2, 0), Claim::Granted);
        // Three crashes are enough.
        die_reading(path, &[1, 2]);
        assert_eq!(claim(path, 1, 0), Claim::Crashed);
        assert_eq!(claim(path, 2, 0), Claim::Granted);
    }

    #[test]
    fn a_trace_that_is_set_aside_is_read_again_when_it_is_touched_or_by_another_version() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path();
        let journal = path.join("analysed");
        let before = now() - 10;
        let version = env!("CARGO_PKG_VERSION");
        fs::write(&journal, format!("{} aside {version} {before}\n", id(1))).unwrap();
        assert_eq!(claim(path, 1, before), Claim::Done(Verdict::Crashed));
        assert_eq!(claim(path, 1, before + 1), Claim::Granted);
        // Two more attempts, and no others.
        die_reading_touched(path, before + 1);
        die_reading_touched(path, before + 1);
        assert_eq!(claim(path, 1, before + 1), Claim::Crashed);
        fs::write(&journal, format!("{} aside 0.0.1 {before}\n", id(1))).unwrap();
        assert_eq!(claim(path, 1, before), Claim::Granted);
    }

    fn die_reading_touched(directory: &Path, changed: u64) {
        let seen = open(directory);
        assert_eq!(seen.claim(id(1), changed), Claim::Granted);
        drop(seen.begin(id(1)));
    }

    #[test]
    fn what_is_being_read_at_the_end_is_not_its_reason() {
        let directory = tempfile::tempdir().unwrap();
        for _ in 0..5 {
            let seen = open(directory.path());
            assert_eq!(seen.claim(id(1), 0), Claim::Granted);
            let _turn = seen.begin(id(1));
            seen.close();
        }
    }
}
