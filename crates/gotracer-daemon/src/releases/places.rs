//! Goroutines by the place that creates them, over all captures of a version.

use serde::{Deserialize, Serialize};

use crate::report::Creations;

/// Limit of places; those with the most goroutines left over stay.
const MOST: usize = 100;

/// Goroutines by the place that created them.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Places(Vec<Creations>);

/// Returns the goroutines left over.
pub(super) fn left(place: &Creations) -> u64 {
    place.created.saturating_sub(place.exited)
}

impl Places {
    /// Adds the places of a capture.
    pub fn add(&mut self, more: &[Creations]) {
        for one in more {
            let same = |known: &&mut Creations| {
                known.place.function == one.place.function && known.place.file == one.place.file
            };
            match self.0.iter_mut().find(same) {
                Some(known) => {
                    known.created += one.created;
                    known.exited += one.exited;
                    known.place.line = one.place.line;
                }
                None => self.0.push(one.clone()),
            }
        }
        self.0
            .sort_by_key(|p| std::cmp::Reverse((left(p), p.created)));
        self.0.truncate(MOST);
    }

    /// Iterates over the places, those with the most goroutines left over first.
    pub fn iter(&self) -> impl Iterator<Item = &Creations> {
        self.0.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Frame;

    fn creations(function: &str, line: u64, created: u64, exited: u64) -> Creations {
        let (function, file) = (function.into(), "a.go".into());
        Creations {
            place: Frame {
                function,
                file,
                line,
            },
            created,
            exited,
        }
    }

    #[test]
    fn a_place_is_its_function_and_the_least_go_first() {
        let mut places = Places::default();
        places.add(&[
            creations("main.leak", 7, 10, 0),
            creations("main.busy", 9, 1_000, 1_000),
        ]);
        places.add(&[creations("main.leak", 8, 5, 1)]);
        let told: Vec<_> = places.iter().map(|p| (p.place.line, left(p))).collect();
        assert_eq!(told, [(8, 14), (9, 0)]);
        let many: Vec<_> = (0..2 * MOST)
            .map(|i| creations(&format!("main.f{i}"), 1, 1, 0))
            .collect();
        places.add(&many);
        assert_eq!(places.iter().count(), MOST);
        assert_eq!(places.iter().next().unwrap().place.function, "main.leak");
        assert!(!places.iter().any(|p| p.place.function == "main.busy"));
    }
}
