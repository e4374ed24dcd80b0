//! Tasks or regions by type.

use std::cmp::Reverse;
use std::collections::HashMap;

use foldhash::fast::RandomState;

use super::Over;
use crate::report::{Region, Request, Slow, Task};
use crate::rules::Distribution;
use crate::timeline::{Leaves, StateVector};
use crate::trace::internal::of_vec;
use crate::trace::{StringId, Tables, TaskId};
use crate::unnamed::OTHER;

/// Maximum number of types; further ones share one.
const TYPES: usize = 500;
/// Maximum length of a type, characters.
const NAME: usize = 200;
/// Number of slowest ones that are kept for each type.
const SLOWEST: usize = 10;
/// Approximate memory of a type, bytes.
const GROUP: usize = 8 << 10;

/// Tasks or regions of one type.
#[derive(Clone, Debug, Default)]
pub(super) struct Group {
    name: String,
    duration: Distribution,
    open: u64,
    time: StateVector,
    others: StateVector,
    queued: Distribution,
    leaves: Leaves,
    slowest: Vec<Over>,
}

impl Group {
    fn add(&mut self, over: &Over) {
        self.duration.record(over.duration);
        self.open += u64::from(over.lower_bound);
        over.spent.add_to(&mut self.time, &mut self.leaves);
        if let Some(others) = &over.others {
            self.others += **others;
        }
        if let Some(queued) = over.queued {
            self.queued.record(queued);
        }
        let slower = |known: &Over| known.duration >= over.duration;
        if !self.slowest.get(SLOWEST - 1).is_some_and(slower) {
            let at = self.slowest.partition_point(slower);
            self.slowest.truncate(SLOWEST - 1);
            self.slowest.insert(at, over.clone());
        }
    }

    pub(super) fn into_task(self) -> Task {
        Task {
            name: self.name,
            open: self.open,
            duration: self.duration,
            time: self.time,
            time_in_the_end: self.leaves,
            time_others: self.others,
            slowest: self.slowest.iter().map(slow).collect(),
        }
    }

    pub(super) fn into_request(self) -> Request {
        Request {
            handler: self.name,
            open: self.open,
            duration: self.duration,
            queued: self.queued,
            time: self.time,
            time_in_the_end: self.leaves,
            slowest: self.slowest.iter().map(slow).collect(),
        }
    }

    pub(super) fn into_region(self) -> Region {
        Region {
            name: self.name,
            open: self.open,
            duration: self.duration,
            time: self.time,
            time_in_the_end: self.leaves,
            slowest: self.slowest.iter().map(slow).collect(),
        }
    }
}

fn slow(over: &Over) -> Slow {
    Slow {
        duration_ns: over.duration,
        start_ns: over.start,
        goroutine: over.goroutine.is_some().then_some(over.goroutine.0),
        task: (over.task != TaskId::BACKGROUND).then_some(over.task.0),
        lower_bound: over.lower_bound,
        trace_id: over.ids.trace_id(),
        span_id: over.ids.span_id(),
        time: over.spent.time(),
        time_in_the_end: over.spent.leaves(),
    }
}

/// All types.
#[derive(Clone, Debug, Default)]
pub(super) struct Groups {
    groups: Vec<Group>,
    by_name: HashMap<Box<[u8]>, usize, RandomState>,
    /// Numbers of types by the name's string in the present generation.
    by_string: Vec<Option<u32>>,
    /// What ended since [`drain`](Self::drain), if anything observes it.
    ended: Option<Vec<(usize, Over)>>,
}

impl Groups {
    /// Bytes of memory that this holds.
    pub(super) fn held(&self) -> usize {
        self.groups.len() * GROUP + of_vec(&self.by_string, 1) as usize
    }

    /// Must be called when a generation's tables are replaced.
    pub(super) fn start_generation(&mut self) {
        self.by_string.clear();
    }

    /// Returns the number of the type with a name of the present generation.
    #[inline]
    pub(super) fn find_string(&mut self, name: StringId, tables: &Tables) -> usize {
        match self.by_string.get(name.index()) {
            Some(&Some(known)) => known as usize,
            _ => self.enter(name, tables),
        }
    }

    #[cold]
    fn enter(&mut self, name: StringId, tables: &Tables) -> usize {
        let number = self.find(tables.string(name));
        if self.by_string.len() <= name.index() {
            self.by_string.resize(name.index() + 1, None);
        }
        self.by_string[name.index()] = Some(number as u32);
        number
    }

    /// Returns the number of a type.
    pub(super) fn find(&mut self, name: &[u8]) -> usize {
        if let Some(known) = self.by_name.get(name) {
            return *known;
        }
        // Longer names with the same beginning are one type.
        let mut text: String = String::from_utf8_lossy(name).chars().take(NAME).collect();
        if let Some(known) = self.by_name.get(text.as_bytes()) {
            return *known;
        }
        let number = self.groups.len();
        if number > TYPES {
            return TYPES;
        }
        if number == TYPES {
            text = OTHER.into();
        }
        self.by_name.insert(text.as_bytes().into(), number);
        self.groups.push(Group {
            name: text,
            ..Group::default()
        });
        number
    }

    /// Keeps what ends for [`drain`](Self::drain).
    pub(super) fn observe(&mut self) {
        self.ended = Some(Vec::new());
    }

    /// Passes what ended since the last call to `each`, with its type.
    pub(super) fn drain(&mut self, each: &mut impl FnMut(&str, &Over)) {
        let ended = self.ended.as_mut().map(std::mem::take);
        for (group, over) in ended.unwrap_or_default() {
            each(self.name(group), &over);
        }
    }

    /// Returns the name of a type.
    pub(super) fn name(&self, group: usize) -> &str {
        self.groups.get(group).map_or("", |group| &group.name)
    }

    /// Adds a task or region that has ended.
    pub(super) fn add(&mut self, group: usize, over: &Over) {
        if let Some(ended) = &mut self.ended {
            ended.push((group, over.clone()));
        }
        if let Some(group) = self.groups.get_mut(group) {
            group.add(over);
        }
    }

    /// Drops everything but the numbers of types.
    pub(super) fn clear(&mut self) {
        for group in &mut self.groups {
            let name = std::mem::take(&mut group.name);
            *group = Group {
                name,
                ..Group::default()
            };
        }
    }

    /// Returns types that are not empty, those with the most time first.
    pub(super) fn sorted(self) -> Vec<Group> {
        let groups = self.groups.into_iter();
        let mut groups: Vec<_> = groups.filter(|g| g.duration.count() > 0).collect();
        groups.sort_by(|a, b| {
            let sum = |group: &Group| Reverse(group.duration.sum());
            sum(a).cmp(&sum(b)).then_with(|| a.name.cmp(&b.name))
        });
        groups
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tasks::Ids;
    use crate::tasks::scope::Spent;
    use crate::timeline::StackKey;
    use crate::trace::GoId;

    fn over(duration: u64) -> Over {
        Over {
            task: TaskId(1),
            goroutine: GoId(7),
            start: 0,
            duration,
            lower_bound: duration == 3,
            ids: Ids::default(),
            spent: Spent::default(),
            others: None,
            stack: StackKey::NONE,
            open: false,
            queued: None,
        }
    }

    #[test]
    fn the_slowest_are_kept_and_types_come_by_their_sum() {
        let mut groups = Groups::default();
        let (few, many) = (groups.find(b"few"), groups.find(b"many"));
        (0..30).for_each(|n| groups.add(many, &over(n)));
        groups.add(few, &over(1_000));
        let mut sorted = groups.clone().sorted();
        let many = sorted.pop().unwrap().into_task();
        let few = sorted.pop().unwrap().into_task();
        assert_eq!((few.name.as_str(), few.duration.max()), ("few", 1_000));
        let slowest: Vec<_> = many.slowest.iter().map(|slow| slow.duration_ns).collect();
        assert_eq!(slowest, [29, 28, 27, 26, 25, 24, 23, 22, 21, 20]);
        assert_eq!((many.duration.count(), many.open), (30, 1));
        groups.clear();
        assert!(groups.clone().sorted().is_empty());
        assert_eq!(groups.find(b"few"), 0);
    }

    #[test]
    fn the_number_of_types_is_bounded() {
        let mut groups = Groups::default();
        let numbers: Vec<_> = (0..2 * TYPES)
            .map(|n| groups.find(format!("{n}").as_bytes()))
            .collect();
        assert_eq!(numbers[TYPES - 1], TYPES - 1);
        assert!(numbers[TYPES..].iter().all(|number| *number == TYPES));
        assert_eq!(groups.find(b"3"), 3);
        groups.add(TYPES, &over(1));
        assert_eq!(groups.sorted()[0].name, OTHER);
        let mut groups = Groups::default();
        let long = "x".repeat(NAME);
        let (a, b) = (format!("{long}a"), format!("{long}b"));
        assert_eq!(groups.find(a.as_bytes()), groups.find(b.as_bytes()));
        assert_eq!(groups.find(b"\xff"), groups.find("\u{fffd}".as_bytes()));
    }
}
