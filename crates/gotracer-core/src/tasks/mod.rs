//! Tasks, regions and logs of `runtime/trace`: how long they took, and where the
//! time of their goroutines went.
//!
//! The time of a task is that of the goroutine that began it, from begin to end.
//! Other goroutines count from their first region or log in the task to their
//! last one. What they do in a child task counts in its parents too, once.
//!
//! A trace without such events costs nothing, because only they reach [`Tasks::event`].

mod by_id;
mod by_slot;
mod chains;
mod groups;
mod ids;
mod lane;
mod open;
mod over;
mod owner;
mod regions;
mod requests;
mod scope;
mod span;
mod stretch;

use std::collections::BTreeSet;

use by_id::OpenTasks;
use by_slot::BySlot;
pub use chains::Chains;
pub use ids::{IdKeys, Ids};
pub use requests::{KINDS, Requests};
pub use span::{Span, span};

use crate::report::{Region, Task};
use crate::rules::custom::{Activity, Subject};
use crate::timeline::{Goroutine, StackKey, Timeline};
use crate::trace::{Event, EventKind, GoId, Slot, Tables, TaskId};
use crate::unnamed::UNKNOWN;
use groups::{Group, Groups};
use open::{Begun, OpenTask};
pub(crate) use over::Over;
use owner::Owner;
use regions::{OpenRegion, Regions};
use scope::Scope;

/// Maximum number of tasks that are open at a time. Beyond it the oldest ends as
/// a lower bound, because a program may forget to end tasks.
const OPEN: usize = 1 << 16;
/// Maximum number of other goroutines of all open tasks.
const OTHERS: usize = 1 << 14;
/// Maximum number of empty lists that are kept.
const SPARE: usize = 64;
/// Maximum number of a task's ancestors that are followed.
const DEPTH: usize = 8;

/// Tasks and regions since the last report.
#[derive(Debug, Default)]
pub struct Tasks {
    keys: IdKeys,
    open: OpenTasks,
    /// Open tasks of the goroutines that began them.
    begun: BySlot<Vec<TaskId>>,
    /// Empty lists of tasks, for the next goroutines.
    spare: Vec<Vec<TaskId>>,
    /// Lowest id of a task that began within the trace.
    first: Option<TaskId>,
    /// Tasks from before the trace that ended within it.
    over: BTreeSet<TaskId>,
    /// Other goroutines of all open tasks.
    others: usize,
    regions: Regions,
    tasks: Groups,
    region_types: Groups,
}

impl Tasks {
    /// Returns an empty set; logs with these categories hold ids.
    pub fn new(keys: IdKeys) -> Self {
        Self {
            keys,
            ..Self::default()
        }
    }

    /// Returns whether an event belongs to a task, a region or a log.
    pub fn handles(event: &Event) -> bool {
        matches!(
            event.kind,
            EventKind::TaskBegin { .. }
                | EventKind::TaskEnd { .. }
                | EventKind::RegionBegin { .. }
                | EventKind::RegionEnd { .. }
                | EventKind::Log { .. }
        )
    }

    /// Bytes of memory that this holds.
    pub fn held(&self) -> u64 {
        let open = self.open.held();
        let others = self.others * size_of::<open::Other>();
        let groups = self.tasks.held() + self.region_types.held();
        let over = self.over.len() * 2 * size_of::<TaskId>();
        (open + over + others + self.begun.held() + self.regions.held() + groups) as u64
    }

    /// Must be called when a generation's tables are replaced.
    pub fn start_generation(&mut self) {
        self.tasks.start_generation();
        self.region_types.start_generation();
    }

    /// Observes an event that [`handles`](Self::handles) accepts, after the timeline did.
    /// `stack` is the event's stack if custom rules need it.
    pub fn event(
        &mut self,
        event: &Event,
        stack: StackKey,
        tables: &Tables,
        chains: &mut Chains,
        t: &Timeline,
    ) {
        let g = event.g;
        let slot = t.slot(g);
        match event.kind {
            EventKind::TaskBegin {
                id, parent, name, ..
            } => {
                self.touch(parent, g, t);
                let group = self.tasks.find_string(name, tables);
                let task = self.begin(id, parent, group, t);
                task.stack = stack;
                if let Some(slot) = slot {
                    let scope = Scope::begin(slot, g, chains, t);
                    task.begun = Begun::Alive { g, scope };
                    chains.works_for(slot, g, Owner::task(task.root), t.now());
                    let spare = || self.spare.pop().unwrap_or_default();
                    self.begun.entry(slot, g, spare).push(id);
                }
            }
            EventKind::TaskEnd { id, .. } => {
                self.touch(id, g, t);
                let by = self.end(id, g, chains, t);
                let slot = if by == g { slot } else { t.slot(by) };
                if let Some(slot) = slot {
                    self.assign(slot, by, chains, t);
                }
            }
            EventKind::RegionBegin { task, name, .. } => {
                self.touch(task, g, t);
                let group = self.region_types.find_string(name, tables);
                if let Some(slot) = slot {
                    let region = || OpenRegion {
                        group,
                        task,
                        start: t.now(),
                        scope: Scope::begin(slot, g, chains, t),
                        stack,
                    };
                    if self.regions.begin(slot, g, region) && task.0 > TaskId::BACKGROUND.0 {
                        let owner = Owner::task(self.root(task));
                        chains.works_for(slot, g, owner, t.now());
                    } else {
                        self.assign(slot, g, chains, t);
                    }
                }
            }
            EventKind::RegionEnd { task, name, .. } => {
                self.touch(task, g, t);
                let group = self.region_types.find_string(name, tables);
                let ids = self.open.get(task).map(|task| task.ids);
                let mut over = self.regions.end(slot, g, (group, task), chains, t);
                over.set_ids(ids);
                self.region_types.add(group, &over);
                if let Some(slot) = slot {
                    self.assign(slot, g, chains, t);
                }
            }
            EventKind::Log {
                task,
                category,
                message,
                ..
            } => {
                self.touch(task, g, t);
                let (category, message) = (tables.string(category), tables.string(message));
                if let Some(task) = self.open.get_mut(task) {
                    self.keys.read(category, message, &mut task.ids);
                }
            }
            _ => {}
        }
    }

    /// Assigns a goroutine to the request that it works for: that of the region or task it began
    /// last.
    fn assign(&self, slot: Slot, g: GoId, chains: &mut Chains, t: &Timeline) {
        let task = self.begun.get(slot, g).and_then(|begun| begun.last());
        let task = task.and_then(|id| Some((self.open.get(*id)?.start, *id)));
        let newest = task.max(self.regions.task(slot, g));
        let owner = newest.map(|(_, id)| Owner::task(self.root(id)));
        chains.works_for(slot, g, owner.unwrap_or_default(), t.now());
    }

    /// Returns the outermost task above a task.
    fn root(&self, id: TaskId) -> TaskId {
        self.open.get(id).map_or(id, |task| task.root)
    }

    /// Whether any task or region is open in its goroutine.
    #[inline]
    pub fn is_any_open(&self) -> bool {
        !self.begun.is_empty() || !self.regions.is_empty()
    }

    /// Ends the regions of a goroutine that ends, and its part in the tasks that it began.
    pub fn ended(&mut self, g: &Goroutine, chains: &Chains, t: &Timeline) {
        if let Some(begun) = self.begun.remove(g.slot, g.id) {
            for id in begun {
                if let Some(task) = self.open.get_mut(id) {
                    task.begun.end(chains, t);
                }
            }
        }
        for (group, mut over) in self.regions.ended(g, chains, t) {
            over.set_ids(self.open.get(over.task).map(|task| task.ids));
            self.region_types.add(group, &over);
        }
    }

    /// Begins a task, whose goroutine is not known yet.
    fn begin(&mut self, id: TaskId, parent: TaskId, group: usize, t: &Timeline) -> &mut OpenTask {
        if self.open.len() >= OPEN {
            self.end_oldest(t);
        }
        // A damaged trace may begin a task twice.
        self.remove(id, t);
        self.first = Some(self.first.map_or(id, |first| first.min(id)));
        let root = match parent.0 > TaskId::BACKGROUND.0 {
            true => self.root(parent),
            false => id,
        };
        let task = OpenTask::new(group, Some(parent), root, t.now());
        self.open.insert(id, task)
    }

    /// Counts a goroutine as active in a task and in its parents.
    fn touch(&mut self, id: TaskId, g: GoId, t: &Timeline) {
        if id.0 <= TaskId::BACKGROUND.0 {
            return;
        }
        match self.open.get(id) {
            Some(task) if task.is_only_of(g) => return,
            Some(_) => {}
            // A region may end after its task.
            None if self.first.is_some_and(|first| id >= first) || self.over.contains(&id) => {
                return;
            }
            None => self.begin_cut(id, t),
        }
        let mut next = Some(id);
        for _ in 0..DEPTH {
            let Some(task) = next.and_then(|id| self.open.get_mut(id)) else {
                return;
            };
            let room = self.others < OTHERS;
            self.others += usize::from(task.touch(g, t, room));
            next = task.parent;
        }
    }

    /// Begins a task that is older than the trace.
    #[cold]
    fn begin_cut(&mut self, id: TaskId, t: &Timeline) {
        if self.open.len() >= OPEN {
            self.end_oldest(t);
        }
        let group = self.tasks.find(UNKNOWN.as_bytes());
        let task = OpenTask::new(group, None, id, t.start());
        self.open.insert(id, task.cut());
    }

    /// Ends a task. Returns the goroutine that began it, or `g`.
    fn end(&mut self, id: TaskId, g: GoId, chains: &Chains, t: &Timeline) -> GoId {
        if let Some(task) = self.open.get(id) {
            let over = task.end(g, id, Some(chains), t, false);
            self.tasks.add(task.group, &over);
            self.remove(id, t);
            if self.first.is_none_or(|first| id < first) {
                if self.over.len() >= OPEN {
                    self.over.pop_first();
                }
                self.over.insert(id);
            }
            return over.goroutine;
        }
        g
    }

    fn end_oldest(&mut self, t: &Timeline) {
        if let Some((id, task)) = self.open.oldest() {
            let over = task.end(GoId::NONE, id, None, t, true);
            self.tasks.add(task.group, &over);
            self.remove(id, t);
        }
    }

    /// Removes a task, if it is open.
    fn remove(&mut self, id: TaskId, t: &Timeline) {
        let Some(task) = self.open.get(id) else {
            return;
        };
        self.others -= task.others.len();
        if let Begun::Alive { g, .. } = task.begun
            && let Some(slot) = t.slot(g)
            && let Some(begun) = self.begun.get_mut(slot, g)
        {
            begun.retain(|known| *known != id);
            if begun.is_empty()
                && let Some(empty) = self.begun.remove(slot, g)
                && self.spare.len() < SPARE
            {
                self.spare.push(empty);
            }
        }
        self.open.remove(id);
    }

    /// Returns tasks and regions for a report, those with most time first. Open ones are
    /// lower bounds; they are omitted while more events may follow.
    pub fn report(
        &self,
        chains: &Chains,
        t: &Timeline,
        under_way: bool,
    ) -> (Vec<Task>, Vec<Region>) {
        let (mut tasks, mut regions) = (self.tasks.clone(), self.region_types.clone());
        if !under_way {
            for (id, task) in self.open.iter() {
                tasks.add(task.group, &task.end(GoId::NONE, id, Some(chains), t, true));
            }
            for (group, mut over) in self.regions.open(chains, t) {
                over.set_ids(self.open.get(over.task).map(|task| task.ids));
                regions.add(group, &over);
            }
        }
        let tasks = tasks.sorted().into_iter().map(Group::into_task);
        let regions = regions.sorted().into_iter().map(Group::into_region);
        (tasks.collect(), regions.collect())
    }

    /// Keeps the tasks and regions that end for [`drain`](Self::drain).
    pub fn observe(&mut self) {
        self.tasks.observe();
        self.region_types.observe();
    }

    /// Passes the tasks and regions that ended since the last call to `each`.
    pub fn drain(&mut self, t: &Timeline, each: &mut impl FnMut(&Activity<'_>)) {
        let task = &mut |name: &str, over: &Over| each(&over.activity(Subject::Task, name, t));
        self.tasks.drain(task);
        let region = &mut |name: &str, over: &Over| each(&over.activity(Subject::Region, name, t));
        self.region_types.drain(region);
    }

    /// Passes the tasks and regions that are open to `each`, as if they ended now.
    pub fn each_open(&self, chains: &Chains, t: &Timeline, mut each: impl FnMut(&Activity<'_>)) {
        for (id, task) in self.open.iter() {
            let over = task.end(GoId::NONE, id, Some(chains), t, true);
            let name = self.tasks.name(task.group);
            each(&over.activity(Subject::Task, name, t));
        }
        for (group, over) in self.regions.open(chains, t) {
            let name = self.region_types.name(group);
            each(&over.activity(Subject::Region, name, t));
        }
    }

    /// Drops the tasks and regions that were reported.
    pub fn start_stretch(&mut self) {
        self.tasks.clear();
        self.region_types.clear();
    }
}
