//! Lines of the journal.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};

use super::record::{Verdict, Word};
use crate::daemon::identity::Identity;

/// Maximum length of a line, bytes.
pub(super) const LONGEST: u64 = 256;
/// Version of gotracer. A trace that another version set aside is read again.
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Passes each line to `each` without reading the whole file into memory. Returns whether the last
/// line is terminated.
pub(super) fn read_lines(file: &File, mut each: impl FnMut(&str)) -> io::Result<bool> {
    let mut reader = BufReader::new(file);
    let mut line = Vec::new();
    let mut whole = true;
    loop {
        line.clear();
        if reader.by_ref().take(LONGEST).read_until(b'\n', &mut line)? == 0 {
            return Ok(whole);
        }
        let begins = whole;
        whole = line.pop_if(|last| *last == b'\n').is_some();
        // Fragments of an overlong line are skipped.
        if begins && whole {
            each(&String::from_utf8_lossy(&line));
        }
    }
}

/// Formats a line.
pub(super) fn line(identity: Identity, word: Word) -> String {
    let word = match word {
        Word::Begun => "begun",
        Word::Released => "released",
        Word::Interrupted => "interrupted",
        Word::Crashed | Word::Done(Verdict::Crashed) => "crashed",
        Word::SetAside(at) => return format!("{identity} aside {VERSION} {at}\n"),
        Word::Counted => "counted",
        Word::Done(Verdict::Clean) => "clean",
        Word::Done(Verdict::Found) => "found",
        Word::Done(Verdict::Failed) => "failed",
    };
    format!("{identity} {word}\n")
}

/// Parses a line. `None` if it is damaged, or of a later version.
pub(super) fn parse(line: &str) -> Option<(Identity, Word)> {
    let (identity, word) = line.split_once(' ')?;
    let word = match word {
        "begun" => Word::Begun,
        "released" => Word::Released,
        "interrupted" => Word::Interrupted,
        "crashed" => Word::Crashed,
        "counted" => Word::Counted,
        "clean" => Word::Done(Verdict::Clean),
        "found" => Word::Done(Verdict::Found),
        "failed" => Word::Done(Verdict::Failed),
        _ => {
            let (version, at) = word.strip_prefix("aside ")?.split_once(' ')?;
            match version == VERSION {
                true => Word::SetAside(at.parse().ok()?),
                false => Word::Released,
            }
        }
    };
    Some((Identity::parse(identity)?, word))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(n: u128) -> Identity {
        Identity(n.to_be_bytes())
    }

    #[test]
    fn lines_of_every_word_are_parsed() {
        for word in [
            Word::Begun,
            Word::Released,
            Word::Interrupted,
            Word::Crashed,
            Word::SetAside(1_800_000_000),
            Word::Counted,
            Word::Done(Verdict::Clean),
            Word::Done(Verdict::Found),
            Word::Done(Verdict::Failed),
        ] {
            let text = line(id(u128::MAX), word);
            assert_eq!(parse(text.trim_end()), Some((id(u128::MAX), word)));
        }
        let other = format!("{} aside 0.0.1 7", id(1));
        assert_eq!(parse(&other), Some((id(1), Word::Released)));
    }
}
