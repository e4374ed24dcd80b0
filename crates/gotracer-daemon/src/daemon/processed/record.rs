//! State of one trace across restarts, and the journal words that change it.

/// Number of crashes after which a trace is set aside even if other traces were read at the same
/// time.
const CRASHES: u8 = 3;

/// Result of reading a trace.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Verdict {
    /// The trace was read, and has no finding at warn or above.
    Clean,
    /// The trace was read, and has findings.
    Found,
    /// The trace could not be read, or only in part.
    Failed,
    /// The process died each time it read the trace.
    Crashed,
}

/// Event in the life of a trace: one line of the journal.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Word {
    /// Reading begins.
    Begun,
    /// Reading ended without a result and without a crash.
    Released,
    /// The process died while it read the trace.
    Interrupted,
    /// The process died because of the trace.
    Crashed,
    /// The trace is set aside since this Unix time, in seconds.
    SetAside(u32),
    /// The trace was counted; its OTLP export is not acknowledged yet.
    Counted,
    /// The trace is done.
    Done(Verdict),
}

/// State of a trace.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Record {
    /// The trace is not done.
    Pending(Pending),
    /// The process died because of the trace; this is not reported yet.
    Crashed,
    /// The process died because of the trace, which was reported at this Unix time, in seconds.
    SetAside(u32),
    /// The trace is done.
    Done(Verdict),
    /// The trace is done until the next start, when its file may be readable.
    Passing(Verdict),
}

/// State of a trace that is not done.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Pending {
    /// Whether reading began and did not end.
    pub begun: bool,
    /// Whether this process or an earlier one counted the trace.
    pub counted: bool,
    /// Number of times that the process died while it read the trace.
    pub crashes: u8,
}

impl Pending {
    /// Whether the trace must be read while no other is.
    pub(super) fn is_suspect(self) -> bool {
        self.crashes > 0
    }

    /// Whether a crash is the fault of this trace: it was read alone, and in an earlier crash as
    /// well.
    pub(super) fn is_guilty(self, alone: bool) -> bool {
        let crashes = self.crashes.saturating_add(1);
        crashes >= CRASHES || alone && crashes > 1
    }
}

impl Record {
    /// Applies a word. `None` means that no state has to be recorded.
    pub(super) fn after(before: Option<Self>, word: Word) -> Option<Self> {
        let pending = match before {
            Some(Self::Pending(pending)) => pending,
            _ => Pending::default(),
        };
        let after = match word {
            Word::Begun => Self::Pending(Pending {
                begun: true,
                ..pending
            }),
            Word::Released => Self::Pending(Pending {
                begun: false,
                ..pending
            }),
            Word::Interrupted => Self::Pending(Pending {
                begun: false,
                crashes: pending.crashes.saturating_add(1),
                ..pending
            }),
            Word::Counted => Self::Pending(Pending {
                counted: true,
                ..Pending::default()
            }),
            Word::Crashed => Self::Crashed,
            Word::SetAside(at) => Self::SetAside(at),
            Word::Done(verdict) => Self::Done(verdict),
        };
        (after != Self::Pending(Pending::default())).then_some(after)
    }

    /// Returns the words that lead to this state, for a compacted journal.
    pub(super) fn words(self) -> impl Iterator<Item = Word> + Clone {
        let pending = match self {
            Self::Pending(pending) => pending,
            _ => Pending::default(),
        };
        let counted = pending.counted.then_some(Word::Counted);
        let crashes = std::iter::repeat_n(Word::Interrupted, pending.crashes.into());
        let begun = pending.begun.then_some(Word::Begun);
        let last = match self {
            Self::Pending(_) | Self::Passing(_) => None,
            Self::Crashed => Some(Word::Crashed),
            Self::SetAside(at) => Some(Word::SetAside(at)),
            Self::Done(verdict) => Some(Word::Done(verdict)),
        };
        counted.into_iter().chain(crashes).chain(begun).chain(last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(words: &[Word]) -> Option<Record> {
        words.iter().fold(None, |r, &word| Record::after(r, word))
    }

    #[test]
    fn its_words_lead_to_each_state() {
        use Word::{Begun, Counted, Crashed, Done, Interrupted, Released, SetAside};
        for words in [
            &[Begun][..],
            &[Counted],
            &[Counted, Begun],
            &[Counted, Interrupted],
            &[Begun, Interrupted, Begun, Interrupted, Begun],
            &[Begun, Interrupted, Crashed],
            &[Crashed, SetAside(7)],
            &[Begun, Done(Verdict::Found)],
            &[SetAside(7), Begun],
        ] {
            let record = state(words).unwrap();
            let again: Vec<_> = record.words().collect();
            assert_eq!(state(&again), Some(record), "{words:?}");
        }
        assert_eq!(state(&[Begun, Released]), None);
        assert_eq!(state(&[SetAside(7), Released]), None);
        let passing = Record::Passing(Verdict::Failed);
        assert_eq!(passing.words().count(), 0);
    }

    #[test]
    fn only_who_was_alone_twice_is_guilty() {
        let after = |crashes| Pending {
            crashes,
            ..Pending::default()
        };
        assert!(!after(0).is_guilty(true));
        assert!(after(1).is_guilty(true));
        assert!(!after(1).is_guilty(false));
        assert!(after(2).is_guilty(false));
    }
}
