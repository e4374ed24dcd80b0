//! Tasks, regions and logs of `runtime/trace`: how long they took, and where the
//! time of their goroutines went.
//!
//! The time of a task is that of the goroutine that began it, from begin to end.
//! Other goroutines count from their first region or log in the task to their
//! last one. What they do in a child task counts in its parents too, once.
//!
//! A trace without such events costs nothing, because only they reach [`Tasks::event`].

mod by_id;
mod chains;
mod groups;
mod ids;
mod lane;
mod open;
mod owner;
mod regions;
mod requests;
mod scope;
mod span;
mod stretch;

use std::collections::{BTreeSet, HashMap};

use foldhash::fast::RandomState;

use by_id::OpenTasks;
pub use chains::Chains;
pub use ids::{IdKeys, Ids};
pub use requests::{KINDS, Requests};
pub use span::{Span, span};

use crate::report::{Region, Task};
use crate::rules::custom::{Activity, Subject};
use crate::timeline::{Actor, Goroutine, StackKey, State, StateVector, Timeline};
use crate::trace::{Event, EventKind, GoId, Tables, TaskId, Time};
use groups::{Group, Groups};
use open::{Begun, OpenTask};
use owner::Owner;
use regions::Regions;
use scope::Spent;

/// Maximum number of tasks that are open at a time. Beyond it the oldest ends as
/// a lower bound, because a program may forget to end tasks.
const OPEN: usize = 1 << 16;
/// Maximum number of other goroutines of all open tasks.
const OTHERS: usize = 1 << 14;
/// Maximum number of empty lists that are kept.
const SPARE: usize = 64;
/// Maximum number of a task's ancestors that are followed.
const DEPTH: usize = 8;

/// Type of a task that began before the trace.
const UNKNOWN: &[u8] = b"(unknown)";

/// Tasks and regions since the last report.
#[derive(Clone, Debug, Default)]
pub struct Tasks {
    keys: IdKeys,
    /// Open tasks by id; ids increase with time.
    open: OpenTasks,
    /// Open tasks of the goroutines that began them.
    begun: HashMap<GoId, Vec<TaskId>, RandomState>,
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
        let begun = self.begun.len() * size_of::<(GoId, Vec<TaskId>)>();
        let groups = self.tasks.held() + self.region_types.held();
        let over = self.over.len() * 2 * size_of::<TaskId>();
        (open + over + others + begun + self.regions.held() + groups) as u64
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
        match event.kind {
            EventKind::TaskBegin {
                id, parent, name, ..
            } => {
                self.touch(parent, g, t);
                let begun = Begun::now(g, chains, t);
                self.begin(id, parent, tables.string(name), begun, t);
                if let Some(task) = self.open.get_mut(&id) {
                    task.stack = stack;
                }
                self.assign(g, chains, t);
            }
            EventKind::TaskEnd { id, .. } => {
                self.touch(id, g, t);
                let by = self.end(id, g, chains, t);
                self.assign(by, chains, t);
            }
            EventKind::RegionBegin { task, name, .. } => {
                self.touch(task, g, t);
                let group = self.region_types.find(tables.string(name));
                self.regions.begin(g, task, group, stack, chains, t);
                self.assign(g, chains, t);
            }
            EventKind::RegionEnd { task, name, .. } => {
                self.touch(task, g, t);
                let group = self.region_types.find(tables.string(name));
                let ids = self.open.get(&task).map(|task| task.ids);
                let over = self.regions.end(g, task, group, chains, t);
                self.region_types.add(group, &over.with(ids));
                self.assign(g, chains, t);
            }
            EventKind::Log {
                task,
                category,
                message,
                ..
            } => {
                self.touch(task, g, t);
                let (category, message) = (tables.string(category), tables.string(message));
                if let Some(task) = self.open.get_mut(&task) {
                    self.keys.read(category, message, &mut task.ids);
                }
            }
            _ => {}
        }
    }

    /// Assigns a goroutine to the request that it works for: that of the region or task it began
    /// last.
    fn assign(&self, g: GoId, chains: &mut Chains, t: &Timeline) {
        let task = self.begun.get(&g).and_then(|begun| begun.last());
        let task = task.and_then(|id| Some((self.open.get(id)?.start, *id)));
        let newest = task.max(self.regions.task(g));
        let owner = newest.map(|(_, id)| Owner::task(self.root(id)));
        chains.works_for(g, owner.unwrap_or_default(), t);
    }

    /// Returns the outermost task above a task.
    fn root(&self, id: TaskId) -> TaskId {
        self.open.get(&id).map_or(id, |task| task.root)
    }

    /// Ends the regions of a goroutine that ends, and its part in the tasks that it began.
    pub fn ended(&mut self, g: &Goroutine, chains: &Chains, t: &Timeline) {
        if self.begun.is_empty() && self.regions.is_empty() {
            return;
        }
        if let Some(begun) = self.begun.remove(&g.id) {
            for id in begun {
                if let Some(task) = self.open.get_mut(&id) {
                    task.begun.end(chains, t);
                }
            }
        }
        for (group, over) in self.regions.ended(g.id, chains, t) {
            let ids = self.open.get(&over.task).map(|task| task.ids);
            self.region_types.add(group, &over.with(ids));
        }
    }

    fn begin(&mut self, id: TaskId, parent: TaskId, name: &[u8], begun: Begun, t: &Timeline) {
        if self.open.len() >= OPEN {
            self.end_oldest(t);
        }
        // A damaged trace may begin a task twice.
        if let Some(twice) = self.open.remove(&id) {
            self.forget(id, &twice);
        }
        self.first = Some(self.first.map_or(id, |first| first.min(id)));
        let group = self.tasks.find(name);
        let root = match parent.0 > TaskId::BACKGROUND.0 {
            true => self.root(parent),
            false => id,
        };
        if let Begun::Alive { g, .. } = begun {
            let spare = || self.spare.pop().unwrap_or_default();
            self.begun.entry(g).or_insert_with(spare).push(id);
        }
        let task = OpenTask::new(group, Some(parent), root, begun, t.now());
        self.open.insert(id, task);
    }

    /// Counts a goroutine as active in a task and in its parents.
    fn touch(&mut self, id: TaskId, g: GoId, t: &Timeline) {
        if id.0 <= TaskId::BACKGROUND.0 {
            return;
        }
        if !self.open.contains_key(&id) {
            // A region may end after its task.
            if self.first.is_some_and(|first| id >= first) || self.over.contains(&id) {
                return;
            }
            if self.open.len() >= OPEN {
                self.end_oldest(t);
            }
            let group = self.tasks.find(UNKNOWN);
            let task = OpenTask::new(group, None, id, Begun::Unknown, t.start());
            self.open.insert(id, task.cut());
        }
        let mut next = Some(id);
        for _ in 0..DEPTH {
            let Some(task) = next.and_then(|id| self.open.get_mut(&id)) else {
                return;
            };
            let room = self.others < OTHERS;
            self.others += usize::from(task.touch(g, t, room));
            next = task.parent;
        }
    }

    /// Ends a task. Returns the goroutine that began it, or `g`.
    fn end(&mut self, id: TaskId, g: GoId, chains: &Chains, t: &Timeline) -> GoId {
        if let Some(task) = self.open.remove(&id) {
            self.forget(id, &task);
            if self.first.is_none_or(|first| id < first) {
                if self.over.len() >= OPEN {
                    self.over.pop_first();
                }
                self.over.insert(id);
            }
            let over = task.end(g, id, Some(chains), t, false);
            self.tasks.add(task.group, &over);
            return over.goroutine;
        }
        g
    }

    fn end_oldest(&mut self, t: &Timeline) {
        if let Some((id, task)) = self.open.pop_first() {
            self.forget(id, &task);
            let over = task.end(GoId::NONE, id, None, t, true);
            self.tasks.add(task.group, &over);
        }
    }

    fn forget(&mut self, id: TaskId, task: &OpenTask) {
        self.others -= task.others.len();
        if let Begun::Alive { g, .. } = &task.begun
            && let Some(begun) = self.begun.get_mut(g)
        {
            begun.retain(|known| *known != id);
            if begun.is_empty()
                && let Some(empty) = self.begun.remove(g)
                && self.spare.len() < SPARE
            {
                self.spare.push(empty);
            }
        }
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
                tasks.add(
                    task.group,
                    &task.end(GoId::NONE, *id, Some(chains), t, true),
                );
            }
            for (group, over) in self.regions.open(chains, t) {
                let ids = self.open.get(&over.task).map(|task| task.ids);
                regions.add(group, &over.with(ids));
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
            let over = task.end(GoId::NONE, *id, Some(chains), t, true);
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

/// Task or region that has ended, or that the trace's end cuts off.
#[derive(Clone, Debug)]
pub(crate) struct Over {
    task: TaskId,
    goroutine: GoId,
    start: u64,
    duration: u64,
    lower_bound: bool,
    ids: Ids,
    spent: Spent,
    /// Time of other goroutines, if there were any.
    others: Option<Box<StateVector>>,
    /// Stack at the begin, or a stack of the handler; only kept for custom rules.
    stack: StackKey,
    /// Whether it had not ended at the trace's end.
    open: bool,
    /// Time between a request's arrival and its first run.
    queued: Option<u64>,
}

impl Over {
    /// Returns the view of custom rules, at the time of the end.
    fn activity<'n>(&self, subject: Subject, name: &'n str, t: &Timeline) -> Activity<'n> {
        let duration = Time::try_from(self.duration).unwrap_or(Time::MAX);
        let others = self.others.as_ref();
        let others = others.map_or(0, |others| others.of(State::Running));
        Activity {
            subject,
            name,
            actor: Actor {
                g: self.goroutine,
                stack: self.stack,
            },
            start: t.now().saturating_sub(duration),
            end: t.now(),
            cpu: self.spent.running().saturating_add(others),
            cut: self.lower_bound,
            open: self.open,
        }
    }

    #[inline]
    fn with(mut self, ids: Option<Ids>) -> Self {
        self.ids = ids.unwrap_or_default();
        self
    }
}
