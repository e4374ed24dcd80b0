//! What the program itself wrote: tasks, regions, logs, labels. And the
//! events of experiments, which are passed on as they are.

use super::super::super::event::{Experimental, StringId, What};
use super::super::super::violation::Violation;
use super::super::wire;
use super::state::OpenRegion;
use super::{Order, Step, Taken, Task, Thread};

/// No task, as Go's `trace.NoTask`.
const NO_TASK: i64 = -1;
/// `trace.BackgroundTask`: as the parent of a task it means none.
const BACKGROUND_TASK: i64 = 0;

impl Order {
    pub(super) fn task_begin(&mut self, t: &Thread, mut step: Step<'_>) -> Taken {
        let id = step.arg(0);
        if self.tasks.contains_key(&id) {
            return Err(Violation::TaskExists { id: id as i64 }.into());
        }
        let parent = match step.arg(1) as i64 {
            BACKGROUND_TASK => NO_TASK,
            parent => parent,
        };
        let name_id = step.string(2)?;
        let name = self.names.find(step.epoch.tables, name_id);
        self.names.keep(name);
        self.tasks.insert(id, Task { name, parent });
        t.needs_all(wire::USER_TASK_BEGIN)?;
        step.take(What::TaskBegin {
            id: id as i64,
            parent,
            name: name_id,
            stack: step.stack(3)?,
        })
    }

    pub(super) fn task_end(&mut self, t: &Thread, mut step: Step<'_>) -> Taken {
        let id = step.arg(0);
        // The task may have begun before the trace, or in a generation whose
        // strings are gone.
        let (parent, name) = match self.tasks.remove(&id) {
            Some(task) => {
                let name = match self.names.string(task.name) {
                    Some(string) => string,
                    None => self.extra.add(self.names.text(task.name)),
                };
                self.names.release(task.name);
                (task.parent, name)
            }
            None => (NO_TASK, StringId::default()),
        };
        t.needs_all(wire::USER_TASK_END)?;
        step.take(What::TaskEnd {
            id: id as i64,
            parent,
            name,
            stack: step.stack(1)?,
        })
    }

    pub(super) fn region(&mut self, t: &Thread, mut step: Step<'_>) -> Taken {
        let event = step.raw.kind;
        t.needs_all(event)?;
        let task = step.arg(0);
        let id = step.string(1)?;
        let g = t.g.0;
        let slot = self.gs.expect_current(t, event)?;
        let region = OpenRegion {
            task,
            name: self.names.find(step.epoch.tables, id),
        };
        let open = &mut self.gs[slot].extras().regions;
        let stack = step.stack(2)?;
        let (task, name) = (task as i64, id);
        if event == wire::USER_REGION_BEGIN {
            self.names.keep(region.name);
            open.push(region);
            return step.take(What::RegionBegin { task, name, stack });
        }
        // Regions that began before the trace did are not known.
        if let Some(innermost) = open.pop() {
            self.names.release(innermost.name);
            if innermost != region {
                return Err(Violation::RegionNesting { g }.into());
            }
        }
        step.take(What::RegionEnd { task, name, stack })
    }

    pub(super) fn annotation(t: &Thread, mut step: Step<'_>) -> Taken {
        t.needs_all(step.raw.kind)?;
        step.take(if step.raw.kind == wire::USER_LOG {
            What::Log {
                task: step.arg(0) as i64,
                category: step.string(1)?,
                message: step.string(2)?,
                stack: step.stack(3)?,
            }
        } else {
            What::Label {
                label: step.string(0)?,
            }
        })
    }

    pub(super) fn experimental(t: &Thread, mut step: Step<'_>) -> Taken {
        t.needs_m(step.raw.kind)?;
        step.take(What::Experimental {
            kind: Experimental(step.raw.kind),
            args: [step.arg(0), step.arg(1), step.arg(2)],
        })
    }
}
