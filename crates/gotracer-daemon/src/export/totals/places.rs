//! Goroutines by the places that create them: a bounded number of places, and
//! all others together.

use std::collections::BTreeMap;

use super::shorten;
use crate::export::births::{Birth, Births};
use crate::report::{Creations, Frame, human};

/// Numbers of goroutines.
#[derive(Clone, Copy, Debug, Default)]
pub struct Created {
    /// Goroutines created.
    pub created: u64,
    /// Goroutines that ended.
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

/// Places by label.
#[derive(Debug, Default)]
pub struct Places {
    /// Places with series of their own.
    pub known: BTreeMap<String, (Created, Birth)>,
    /// All others, once there is a place.
    pub other: Option<(Created, Birth)>,
}

impl Places {
    /// Counts the goroutines of one place in a trace. If there are more than `limit` places, a
    /// place that grew more in this trace than a known one did in total replaces it, and the series
    /// of the known place end. `admit` decides whether there may be a new series.
    pub fn count(
        &mut self,
        of: &Creations,
        limit: usize,
        births: &Births,
        admit: impl FnOnce() -> bool,
    ) {
        let label = label(&of.place);
        let new = || (Created::default(), births.with_a_trace());
        let (other, _) = self.other.get_or_insert_with(new);
        if let Some((known, _)) = self.known.get_mut(&label) {
            known.add(of.created, of.exited);
            return;
        }
        let (mut created, birth) = new();
        created.add(of.created, of.exited);
        let least = self.known.iter().min_by_key(|(_, (c, _))| c.growth());
        let least = least.map(|(label, (c, _))| (label.clone(), c.growth()));
        let room = match least {
            _ if self.known.len() < limit => admit(),
            Some((label, growth)) if limit > 0 && growth < created.growth() => {
                self.known.remove(&label).is_some()
            }
            _ => false,
        };
        match room {
            true => drop(self.known.insert(label, (created, birth))),
            false => other.add(of.created, of.exited),
        }
    }
}

/// Returns the label of a place, as in the table of findings: function, file, line.
fn label(place: &Frame) -> String {
    match (place.function.as_str(), human::file_name(place)) {
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
        let (mut places, births) = (Places::default(), Births::default());
        for (function, created, exited) in [
            ("idle", 9, 9),
            ("leak", 5, 0),
            ("busy", 90, 89),
            ("quick", 8, 7),
        ] {
            places.count(&creations(function, created, exited), 2, &births, || true);
        }
        let known: Vec<_> = places.known.keys().map(String::as_str).collect();
        assert_eq!(known, ["busy a.go:7", "leak a.go:7"]);
        let (other, _) = places.other.unwrap();
        assert_eq!((other.created, other.exited), (8, 7));
    }

    #[test]
    fn without_room_all_are_others() {
        let (mut places, births) = (Places::default(), Births::default());
        places.count(&creations("a", 3, 1), 0, &births, || true);
        places.count(&creations("b", 3, 1), 9, &births, || false);
        assert!(places.known.is_empty());
        let (other, _) = places.other.unwrap();
        assert_eq!((other.created, other.exited), (6, 2));
    }
}
