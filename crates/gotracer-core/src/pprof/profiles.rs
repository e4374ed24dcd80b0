//! Profiles of all types that outlive their trace, and sums of them.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;

use super::kind::Part;
use super::values::Values;
use crate::timeline::FrameText;
use crate::unnamed::OTHER;

/// Approximate memory of an entry of a table beside its own size, bytes: its ID, its place in the map, and the
/// allocation of a text or a list.
const ENTRY: usize = 48;

/// Number of a record in its [`Profiles`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct RecordId(u32);

/// Limits of profiles. Records beyond one are summed in a record of their part whose only frame is `(other)`.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Maximum number of records.
    pub records: usize,
    /// Maximum memory, bytes.
    pub bytes: usize,
}

impl Limits {
    /// No limits.
    pub const NONE: Self = Self {
        records: usize::MAX,
        bytes: usize::MAX,
    };
}

/// Values with consecutive IDs.
#[derive(Clone, Debug)]
struct Table<T> {
    all: Vec<T>,
    ids: HashMap<T, u32, foldhash::fast::RandomState>,
}

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self {
            all: Vec::new(),
            ids: HashMap::default(),
        }
    }
}

impl<T: Clone + Eq + Hash> Table<T> {
    fn find<Q: Eq + Hash + ?Sized>(&self, value: &Q) -> Option<u32>
    where
        T: Borrow<Q>,
    {
        self.ids.get(value).copied()
    }

    /// Adds a value that the table does not have.
    fn add(&mut self, value: T) -> u32 {
        let id = self.all.len() as u32;
        self.all.push(value.clone());
        self.ids.insert(value, id);
        id
    }

    fn get(&self, id: u32) -> &T {
        &self.all[id as usize]
    }
}

/// Frame of a stack. Its texts are IDs.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) struct Frame {
    pub function: u32,
    pub file: u32,
    pub line: u64,
}

/// Identity of a record. Stack, reason and start function are IDs.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) struct Key {
    pub part: Part,
    pub stack: u32,
    pub state: &'static str,
    pub reason: u32,
    pub start: u32,
}

/// Records of all parts with their stacks.
#[derive(Clone, Debug, Default)]
pub struct Profiles {
    texts: Table<Arc<str>>,
    frames: Table<Frame>,
    stacks: Table<Arc<[u32]>>,
    keys: Table<Key>,
    values: Vec<Values>,
    bytes: usize,
}

impl Profiles {
    /// Returns hand-made profiles for tests: a wait of a nanosecond at each of these lines.
    #[doc(hidden)]
    pub fn sample(lines: std::ops::Range<u64>) -> Self {
        let mut profiles = Self::default();
        for line in lines {
            let frame = |function, line| FrameText {
                function,
                file: "main.go",
                line,
            };
            let stack = [frame("main.wait", line), frame("main.main", 1)];
            let texts = ("select", "select", "main.main");
            let values = Values { count: 1, ns: 1 };
            profiles.add(Part::Wait, stack.into_iter(), texts, values);
        }
        profiles
    }

    /// Whether there are no records.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// Returns the number of records.
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// Returns the approximate memory, bytes.
    pub fn size(&self) -> usize {
        self.bytes
    }

    /// Iterates over all records.
    pub fn records(&self) -> impl Iterator<Item = (RecordId, Values)> + '_ {
        let ids = (0..).map(RecordId);
        ids.zip(self.values.iter().copied())
    }

    /// Returns the part of a record.
    pub fn part(&self, id: RecordId) -> Part {
        self.keys.get(id.0).part
    }

    /// Adds values to a record. `texts` are the state, the reason and the start function.
    pub(super) fn add<'t>(
        &mut self,
        part: Part,
        stack: impl Iterator<Item = FrameText<'t>>,
        (state, reason, start): (&'static str, &str, &str),
        values: Values,
    ) {
        let key = Key {
            part,
            stack: self.stack(stack),
            state,
            reason: self.text(reason),
            start: self.text(start),
        };
        let id = self.record(key);
        self.values[id as usize].add(values);
    }

    /// Adds values to the record for all others of a part, if there are some.
    pub(super) fn add_other(&mut self, part: Part, values: Values) {
        if values != Values::default() {
            let id = self.other(part);
            self.values[id as usize].add(values);
        }
    }

    /// Adds records of other profiles within the limits. Returns the own IDs of these records.
    pub fn merge(
        &mut self,
        other: &Self,
        records: impl IntoIterator<Item = (RecordId, Values)>,
        limits: Limits,
    ) -> Vec<(RecordId, Values)> {
        let mut stacks = vec![None; other.stacks.all.len()];
        let mut texts = vec![None; other.texts.all.len()];
        let mut merged = Vec::new();
        for (RecordId(id), values) in records {
            let key = *other.keys.get(id);
            let full = self.values.len() >= limits.records || self.bytes >= limits.bytes;
            let own = match (full, self.find(other, key)) {
                (_, Some(known)) => known,
                (true, None) => self.other(key.part),
                (false, None) => {
                    let mut text = |profiles: &mut Self, id: u32| {
                        *texts[id as usize]
                            .get_or_insert_with(|| profiles.text(other.texts.get(id)))
                    };
                    let (reason, start) = (text(self, key.reason), text(self, key.start));
                    let stack = stacks[key.stack as usize]
                        .get_or_insert_with(|| self.stack(other.stack_of(key)));
                    self.record(Key {
                        stack: *stack,
                        reason,
                        start,
                        ..key
                    })
                }
            };
            self.values[own as usize].add(values);
            merged.push((RecordId(own), values));
        }
        merged
    }

    /// Returns the ID of the record with a key of other profiles, if it exists. Adds nothing.
    fn find(&self, other: &Self, key: Key) -> Option<u32> {
        let text = |id: u32| self.texts.find(&**other.texts.get(id));
        let frame = |frame: FrameText<'_>| {
            self.frames.find(&Frame {
                function: self.texts.find(frame.function)?,
                file: self.texts.find(frame.file)?,
                line: frame.line,
            })
        };
        let stack: Option<Vec<u32>> = other.stack_of(key).map(frame).collect();
        self.keys.find(&Key {
            stack: self.stacks.find(&stack?[..])?,
            reason: text(key.reason)?,
            start: text(key.start)?,
            ..key
        })
    }

    fn stack_of(&self, key: Key) -> impl Iterator<Item = FrameText<'_>> {
        let frames = self.stacks.get(key.stack).iter();
        frames.map(|id| self.frame(*id))
    }

    /// Returns the IDs of a stack's frames, innermost first.
    pub(super) fn frames_of(&self, key: Key) -> &[u32] {
        self.stacks.get(key.stack)
    }

    /// Returns the texts of a frame.
    pub(super) fn frame(&self, id: u32) -> FrameText<'_> {
        let frame = self.frames.get(id);
        FrameText {
            function: self.texts.get(frame.function),
            file: self.texts.get(frame.file),
            line: frame.line,
        }
    }

    /// Returns the texts of a record's labels, with their names.
    pub(super) fn labels(&self, key: Key) -> [(&'static str, &str); 3] {
        [
            ("state", key.state),
            ("reason", self.texts.get(key.reason)),
            ("start", self.texts.get(key.start)),
        ]
    }

    /// Iterates over the records of some parts.
    pub(super) fn of<'p>(&'p self, parts: &'p [Part]) -> impl Iterator<Item = (Key, Values)> + 'p {
        let all = self.keys.all.iter().copied().zip(&self.values);
        let all = all.map(|(key, values)| (key, *values));
        all.filter(|(key, _)| parts.contains(&key.part))
    }

    fn other(&mut self, part: Part) -> u32 {
        let frame = FrameText {
            function: OTHER,
            file: "",
            line: 0,
        };
        let key = Key {
            part,
            stack: self.stack(std::iter::once(frame)),
            state: "",
            reason: self.text(""),
            start: self.text(""),
        };
        self.record(key)
    }

    fn record(&mut self, key: Key) -> u32 {
        if let Some(known) = self.keys.find(&key) {
            return known;
        }
        self.bytes += 2 * size_of::<Key>() + size_of::<Values>() + ENTRY;
        self.values.push(Values::default());
        self.keys.add(key)
    }

    fn stack<'t>(&mut self, frames: impl Iterator<Item = FrameText<'t>>) -> u32 {
        let mut ids = Vec::new();
        for text in frames {
            let frame = Frame {
                function: self.text(text.function),
                file: self.text(text.file),
                line: text.line,
            };
            let id = self.frames.find(&frame).unwrap_or_else(|| {
                self.bytes += 2 * size_of::<Frame>() + ENTRY;
                self.frames.add(frame)
            });
            ids.push(id);
        }
        self.stacks.find(&ids[..]).unwrap_or_else(|| {
            self.bytes += ids.len() * size_of::<u32>() + ENTRY + 2 * size_of::<Arc<[u32]>>();
            self.stacks.add(ids.into())
        })
    }

    fn text(&mut self, text: &str) -> u32 {
        self.texts.find(text).unwrap_or_else(|| {
            self.bytes += text.len() + ENTRY + 2 * size_of::<Arc<str>>();
            self.texts.add(text.into())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sum(records: impl Iterator<Item = (RecordId, Values)>) -> Values {
        records.fold(Values::default(), |mut sum, (_, values)| {
            sum.add(values);
            sum
        })
    }

    #[test]
    fn equal_records_are_one_after_a_merge() {
        let (few, all) = (Profiles::sample(5..10), Profiles::sample(1..20));
        let mut merged = few.clone();
        let added = merged.merge(&all, all.records(), Limits::NONE);
        assert_eq!((merged.len(), added.len()), (19, 19));
        assert_eq!(sum(merged.records()), Values { count: 24, ns: 24 });
        let twice = merged.records().filter(|(_, values)| values.count == 2);
        assert_eq!(twice.count(), 5);
    }

    #[test]
    fn records_beyond_a_limit_are_summed() {
        for limits in [
            Limits {
                records: 10,
                ..Limits::NONE
            },
            Limits {
                bytes: 4_000,
                ..Limits::NONE
            },
        ] {
            let mut merged = Profiles::default();
            let many = Profiles::sample(1..1_000);
            for _ in 0..3 {
                merged.merge(&many, many.records(), limits);
            }
            assert!(merged.len() < 40, "{} records", merged.len());
            assert!(merged.size() < 5_000, "{} bytes", merged.size());
            let all = sum(merged.records());
            assert_eq!((all.count, all.ns), (3 * 999, 3 * 999));
            let mut other = merged.of(&[Part::Wait]);
            let other =
                other.find(|(key, _)| merged.frame(merged.frames_of(*key)[0]).function == OTHER);
            assert!(other.expect("others").1.count > 2_000);
        }
    }
}
