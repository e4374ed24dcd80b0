//! Goroutines by the places that create them: a bounded number of places, and
//! all others together.

use std::collections::BTreeMap;

use super::target::shorten;
use crate::report::{Creations, Frame};

/// What became of goroutines.
#[derive(Clone, Copy, Debug, Default)]
pub struct Created {
    /// How many were created.
    pub created: u64,
    /// How many ended.
    pub exited: u64,
}

impl Created {
    fn growth(self) -> u64 {
        self.created.saturating_sub(self.exited)
    }

    /// Adds more of them.
    pub fn add(&mut self, created: u64, exited: u64) {
        self.created += created;
        self.exited += exited;
    }
}

/// The places, by what their label says.
#[derive(Debug, Default)]
pub struct Places {
    /// Those that are told apart.
    pub known: BTreeMap<String, Created>,
    /// All others.
    pub other: Created,
}

impl Places {
    /// Counts what a trace told of one place. Of more than `limit` places those
    /// that grew most are told apart: one that grows faster in a single trace
    /// than another did in all takes its room, and the other's series end.
    /// `admit` is asked whether there is room for one more.
    pub fn count(&mut self, of: &Creations, limit: usize, admit: impl FnOnce() -> bool) {
        let label = label(&of.place);
        if let Some(known) = self.known.get_mut(&label) {
            known.add(of.created, of.exited);
            return;
        }
        let mut new = Created::default();
        new.add(of.created, of.exited);
        let least = self.known.iter().min_by_key(|(_, c)| c.growth());
        let least = least.map(|(label, c)| (label.clone(), c.growth()));
        let room = match least {
            _ if self.known.len() < limit => admit(),
            Some((label, growth)) if limit > 0 && growth < new.growth() => {
                self.known.remove(&label).is_some()
            }
            _ => false,
        };
        match room {
            true => drop(self.known.insert(label, new)),
            false => self.other.add(of.created, of.exited),
        }
    }
}

/// As in the table of findings: function, file, line.
fn label(place: &Frame) -> String {
    let file = place.file.rsplit('/').next().unwrap_or_default();
    match (place.function.as_str(), file) {
        ("", "") => "unknown".into(),
        (function, "") => shorten(function),
        (function, file) => format!("{} {}:{}", shorten(function), shorten(file), place.line),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn creations(function: &str, created: u64, exited: u64) -> Creations {
        Creations {
            place: Frame {
                function: function.into(),
                file: "/src/a.go".into(),
                line: 7,
            },
            created,
            exited,
        }
    }

    #[test]
    fn who_grows_fastest_is_told_apart() {
        let mut places = Places::default();
        for (function, created, exited) in [
            ("idle", 9, 9),
            ("leak", 5, 0),
            ("busy", 90, 89),
            ("quick", 8, 7),
        ] {
            places.count(&creations(function, created, exited), 2, || true);
        }
        let known: Vec<_> = places.known.keys().map(String::as_str).collect();
        assert_eq!(known, ["busy a.go:7", "leak a.go:7"]);
        assert_eq!((places.other.created, places.other.exited), (8, 7));
    }

    #[test]
    fn without_room_all_are_others() {
        let mut places = Places::default();
        places.count(&creations("a", 3, 1), 0, || true);
        places.count(&creations("b", 3, 1), 9, || false);
        assert!(places.known.is_empty());
        assert_eq!((places.other.created, places.other.exited), (6, 2));
    }
}
