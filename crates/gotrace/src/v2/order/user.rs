//! User annotations (tasks, regions, logs, labels) and the events of
//! experiments.

use super::super::super::args::Args;
use super::super::super::event::{EventKind, Experimental, StringId, TaskId};
use super::super::super::violation::Violation;
use super::super::epoch::Epoch;
use super::super::wire;
use super::fast;
use super::state::{OpenRegion, push};
use super::tasks::Task;
use super::{Order, Step, Taken, Thread};

/// The parent of a task: the wire format has the background task for none.
fn parent_of(arg: u64) -> TaskId {
    match TaskId(arg as i64) {
        TaskId::BACKGROUND => TaskId::NONE,
        parent => parent,
    }
}

impl Order {
    /// Fast path of tasks, regions and logs: accepts the event if the thread has a P and a goroutine and all names are
    /// known. `None` means that nothing has changed and the full model must decide.
    #[inline]
    pub(crate) fn take_user(
        &mut self,
        t: &Thread,
        event_type: u8,
        args: &mut Args<'_>,
        epoch: Epoch<'_>,
    ) -> Option<EventKind> {
        if fast::never() || !t.p.is_some() || !t.g.is_some() {
            return None;
        }
        let tables = epoch.tables;
        let task = TaskId(args.next() as i64);
        match event_type {
            wire::USER_REGION_BEGIN => {
                let name = tables.dense_string_id(args.next())?;
                let stack = tables.dense_stack_id(args.next())?;
                let region = OpenRegion {
                    task,
                    name: self.names.find_fast(name)?,
                };
                let g = self.gs.current_fast(t)?;
                self.names.keep(region.name);
                self.open += push(&mut g.extras().regions, region);
                Some(EventKind::RegionBegin { task, name, stack })
            }
            wire::USER_REGION_END => {
                let name = tables.dense_string_id(args.next())?;
                let stack = tables.dense_stack_id(args.next())?;
                let region = OpenRegion {
                    task,
                    name: self.names.find_fast(name)?,
                };
                let open = &mut self.gs.current_fast(t)?.extras().regions;
                open.pop_if(|innermost| *innermost == region)?;
                self.names.release(region.name);
                Some(EventKind::RegionEnd { task, name, stack })
            }
            wire::USER_LOG => Some(EventKind::Log {
                task,
                category: tables.dense_string_id(args.next())?,
                message: tables.dense_string_id(args.next())?,
                stack: tables.dense_stack_id(args.next())?,
            }),
            wire::USER_TASK_BEGIN => {
                let parent = parent_of(args.next());
                let string = tables.dense_string_id(args.next())?;
                let stack = tables.dense_stack_id(args.next())?;
                let name = self.names.find_fast(string)?;
                if self.tasks.find(task).is_some() {
                    return None;
                }
                self.tasks.add(Task {
                    id: task,
                    name,
                    parent,
                });
                self.names.keep(name);
                Some(EventKind::TaskBegin {
                    id: task,
                    parent,
                    name: string,
                    stack,
                })
            }
            wire::USER_TASK_END => {
                let stack = tables.dense_stack_id(args.next())?;
                let slot = self.tasks.find(task)?;
                let name = self.names.string(self.tasks.get(slot).name)?;
                let ended = self.tasks.remove(slot);
                self.names.release(ended.name);
                Some(EventKind::TaskEnd {
                    id: task,
                    parent: ended.parent,
                    name,
                    stack,
                })
            }
            _ => None,
        }
    }

    pub(super) fn task_begin(&mut self, t: &Thread, mut step: Step<'_>) -> Taken {
        let id = TaskId(step.arg(0) as i64);
        if self.tasks.find(id).is_some() {
            return Err(Violation::TaskExists { id }.into());
        }
        let parent = parent_of(step.arg(1));
        let name_id = step.string(2)?;
        let name = self.names.find(step.epoch.tables, name_id);
        self.names.keep(name);
        self.tasks.add(Task { id, name, parent });
        t.needs_all(wire::USER_TASK_BEGIN)?;
        step.take(EventKind::TaskBegin {
            id,
            parent,
            name: name_id,
            stack: step.stack(3)?,
        })
    }

    pub(super) fn task_end(&mut self, t: &Thread, mut step: Step<'_>) -> Taken {
        let id = TaskId(step.arg(0) as i64);
        // The task may have begun before the trace, or in a generation whose
        // strings are gone.
        let (parent, name) = match self.tasks.find(id) {
            Some(slot) => {
                let task = self.tasks.remove(slot);
                let name = match self.names.string(task.name) {
                    Some(string) => string,
                    None => self.extra.add(self.names.text(task.name)),
                };
                self.names.release(task.name);
                (task.parent, name)
            }
            None => (TaskId::NONE, StringId::default()),
        };
        t.needs_all(wire::USER_TASK_END)?;
        step.take(EventKind::TaskEnd {
            id,
            parent,
            name,
            stack: step.stack(1)?,
        })
    }

    pub(super) fn region(&mut self, t: &Thread, mut step: Step<'_>) -> Taken {
        let event = step.raw.kind;
        t.needs_all(event)?;
        let task = TaskId(step.arg(0) as i64);
        let id = step.string(1)?;
        let g = t.g;
        let slot = self.gs.expect_current(t, event)?;
        let region = OpenRegion {
            task,
            name: self.names.find(step.epoch.tables, id),
        };
        let open = &mut self.gs[slot].extras().regions;
        let stack = step.stack(2)?;
        let name = id;
        if event == wire::USER_REGION_BEGIN {
            self.names.keep(region.name);
            self.open += push(open, region);
            return step.take(EventKind::RegionBegin { task, name, stack });
        }
        // Regions that began before the trace did are not known.
        if let Some(innermost) = open.pop() {
            self.names.release(innermost.name);
            if innermost != region {
                return Err(Violation::RegionNesting { g }.into());
            }
        }
        step.take(EventKind::RegionEnd { task, name, stack })
    }

    pub(super) fn annotation(t: &Thread, mut step: Step<'_>) -> Taken {
        t.needs_all(step.raw.kind)?;
        step.take(if step.raw.kind == wire::USER_LOG {
            EventKind::Log {
                task: TaskId(step.arg(0) as i64),
                category: step.string(1)?,
                message: step.string(2)?,
                stack: step.stack(3)?,
            }
        } else {
            EventKind::Label {
                label: step.string(0)?,
            }
        })
    }

    pub(super) fn experimental(t: &Thread, mut step: Step<'_>) -> Taken {
        t.needs_m(step.raw.kind)?;
        let args = [step.arg(0), step.arg(1), step.arg(2)];
        step.take(EventKind::Experimental(Experimental::new(
            step.raw.kind,
            args,
        )))
    }
}
