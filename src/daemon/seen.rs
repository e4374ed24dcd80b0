//! Which traces were analysed already, by what is in them: a trace that was
//! renamed, copied or touched is still the same trace.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::identity::Identity;
use super::journal::{Journal, JournalError};

/// What became of a trace that was analysed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Verdict {
    /// It was read, and nothing was found at warn or above.
    Clean,
    /// It was read, and something was found.
    Found,
    /// It could not be read, or only in part.
    Failed,
}

/// Whether somebody may analyse a trace.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Claim {
    /// It is his.
    Granted,
    /// Somebody else is at it.
    Taken,
    /// It is his, but what it tells was counted before; it was not sent.
    Counted,
    /// It was done before.
    Done(Verdict),
}

/// The traces analysed or being analysed.
#[derive(Default)]
pub struct Seen(Mutex<State>);

#[derive(Default)]
struct State {
    known: HashMap<Identity, Known>,
    journal: Option<Journal>,
}

#[derive(Clone, Copy)]
enum Known {
    /// Somebody is at it.
    Taken,
    /// A daemon that was killed had counted it.
    Counted,
    Done(Verdict),
}

impl Seen {
    /// Knows what `directory` remembers, and remembers there what comes.
    ///
    /// # Errors
    /// If that directory can't be used.
    pub fn kept_in(directory: &Path) -> Result<Self, JournalError> {
        let (journal, known) = Journal::open(directory)?;
        tracing::info!(storage = %directory.display(), traces = known.len(), "analysed before");
        Ok(Self(Mutex::new(State {
            known: known
                .into_iter()
                .map(|(identity, entry)| (identity, entry.map_or(Known::Counted, Known::Done)))
                .collect(),
            journal: Some(journal),
        })))
    }

    /// Claims a trace, if nobody did before.
    pub fn claim(&self, identity: Identity) -> Claim {
        let mut state = self.lock();
        let claim = match state.known.get(&identity) {
            Some(Known::Done(verdict)) => return Claim::Done(*verdict),
            Some(Known::Taken) => return Claim::Taken,
            Some(Known::Counted) => Claim::Counted,
            None => Claim::Granted,
        };
        state.known.insert(identity, Known::Taken);
        claim
    }

    /// Gives a claim back: the trace was not analysed after all.
    pub fn release(&self, identity: Identity) {
        self.lock().known.remove(&identity);
    }

    /// A claimed trace was counted, and is done when what it told was sent. A
    /// restart before that sends it, and does not count it again.
    pub fn counted(&self, identity: Identity) {
        if let Some(journal) = &mut self.lock().journal {
            journal.add(identity, None);
        }
    }

    /// A claimed trace is done. With `lasting`, restarts don't change that.
    pub fn done(&self, identity: Identity, verdict: Verdict, lasting: bool) {
        let mut state = self.lock();
        state.known.insert(identity, Known::Done(verdict));
        if lasting && let Some(journal) = &mut state.journal {
            journal.add(identity, Some(verdict));
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_claim_is_exclusive_until_it_is_given_back() {
        let (seen, a) = (Seen::default(), Identity(1));
        assert_eq!(seen.claim(a), Claim::Granted);
        assert_eq!(seen.claim(a), Claim::Taken);
        seen.release(a);
        assert_eq!(seen.claim(a), Claim::Granted);
        seen.done(a, Verdict::Found, true);
        assert_eq!(seen.claim(a), Claim::Done(Verdict::Found));
    }

    #[test]
    fn what_is_done_survives_and_what_was_begun_does_not() {
        let directory = tempfile::tempdir().unwrap();
        let seen = Seen::kept_in(directory.path()).unwrap();
        for i in 0..4 {
            assert_eq!(seen.claim(Identity(i)), Claim::Granted);
        }
        seen.done(Identity(0), Verdict::Clean, true);
        seen.done(Identity(1), Verdict::Failed, true);
        seen.done(Identity(2), Verdict::Failed, false);
        seen.counted(Identity(3));
        assert!(Seen::kept_in(directory.path()).is_err(), "it is in use");
        drop(seen);
        let seen = Seen::kept_in(directory.path()).unwrap();
        assert_eq!(seen.claim(Identity(0)), Claim::Done(Verdict::Clean));
        assert_eq!(seen.claim(Identity(1)), Claim::Done(Verdict::Failed));
        assert_eq!(seen.claim(Identity(2)), Claim::Granted);
        assert_eq!(seen.claim(Identity(3)), Claim::Counted);
        seen.done(Identity(3), Verdict::Found, true);
        drop(seen);
        let seen = Seen::kept_in(directory.path()).unwrap();
        assert_eq!(seen.claim(Identity(3)), Claim::Done(Verdict::Found));
    }
}
