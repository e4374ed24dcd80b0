//! Events of Ps, of the garbage collector, of stops of the world, and user annotations.

use super::super::error::Corruption;
use super::super::event::{
    EventKind, GoId, ProcId, ProcState, Range, StackId, StateTransition, StringId, TaskId, ThreadId,
};
use super::super::violation::Violation;
use super::model::{GC_P, Model, Task};
use super::step::{Change, Refusal, Result, Step, Taken};
use super::wire;

impl Model {
    pub(super) fn runtime(&mut self, proc: usize, mut step: Step<'_, '_>) -> Result<Taken> {
        let event_type = step.next.kind;
        let p = self.procs[proc];
        let kind = match event_type {
            wire::PROC_START => {
                let thread = step.args.next();
                return self.proc_start(proc, ThreadId(thread as i64), step);
            }
            wire::PROC_STOP => return self.proc_stop(proc, step),
            wire::GC_START => return self.gc_start(proc, step),
            wire::GC_DONE => {
                if !std::mem::take(&mut self.collecting) {
                    return Err(Violation::Gc {
                        event: wire::name(event_type),
                    }
                    .into());
                }
                EventKind::RangeEnd {
                    range: Range::GcMark,
                }
            }
            wire::STW_START => {
                let reason = step.args.next();
                if std::mem::replace(&mut self.stopped, true) {
                    return Err(range(event_type, "begins twice"));
                }
                self.stop = self.names.stop(reason);
                EventKind::RangeBegin {
                    range: Range::StopTheWorld {
                        reason: self.stop,
                        g: p.goroutine(),
                    },
                    stack: StackId::NONE,
                }
            }
            wire::STW_DONE => {
                if !std::mem::take(&mut self.stopped) {
                    return Err(range(event_type, "ends without having begun"));
                }
                EventKind::RangeEnd {
                    range: Range::StopTheWorld {
                        reason: self.stop,
                        g: p.goroutine(),
                    },
                }
            }
            wire::SWEEP_START => {
                if std::mem::replace(&mut self.procs[proc].sweeping, true) {
                    return Err(range(event_type, "begins twice"));
                }
                EventKind::RangeBegin {
                    range: Range::GcSweep { p: p.p },
                    stack: step.stack(),
                }
            }
            wire::SWEEP_DONE => {
                if !std::mem::take(&mut self.procs[proc].sweeping) {
                    return Err(range(event_type, "ends without having begun"));
                }
                EventKind::SweepEnd {
                    p: p.p,
                    swept: step.args.next(),
                    reclaimed: step.args.next(),
                }
            }
            wire::ASSIST_START => {
                if std::mem::replace(&mut self.gs[p.g_slot].assisting, true) {
                    return Err(range(event_type, "begins twice"));
                }
                EventKind::RangeBegin {
                    range: Range::MarkAssist { g: p.goroutine() },
                    stack: step.stack(),
                }
            }
            wire::ASSIST_DONE => {
                // It may have begun before the trace.
                self.gs[p.g_slot].assisting = false;
                EventKind::RangeEnd {
                    range: Range::MarkAssist { g: p.goroutine() },
                }
            }
            wire::TASK_CREATE => self.task_create(&mut step)?,
            wire::TASK_END => {
                let id = step.args.next();
                let task = self.tasks.remove(&id);
                EventKind::TaskEnd {
                    id: TaskId(id as i64),
                    parent: task.as_ref().map_or(TaskId::NONE, |t| t.parent),
                    name: task.map_or(StringId::default(), |t| t.name),
                    stack: step.stack(),
                }
            }
            wire::REGION => self.region(p.g_slot, p.g, &mut step)?,
            wire::LOG => {
                let task = TaskId(step.args.next() as i64);
                let category = step.args.next();
                let category = step.string(category)?;
                let kind = EventKind::Log {
                    task,
                    category,
                    message: StringId::default(),
                    stack: step.stack(),
                };
                self.write(proc, &mut step, kind)?;
                return Ok(Taken::Log);
            }
            wire::FUTILE_WAKEUP => return Err(Corruption::FutileWakeup.into()),
            _ => return Err(Corruption::BadEventType(event_type).into()),
        };
        self.write(proc, &mut step, kind)
    }

    fn proc_start(&mut self, proc: usize, m: ThreadId, mut step: Step<'_, '_>) -> Result<Taken> {
        let p = &mut self.procs[proc];
        if std::mem::replace(&mut p.running, true) {
            return Err(proc_state(wire::PROC_START, p.p));
        }
        p.m = m;
        let from = match std::mem::replace(&mut p.seen, true) {
            true => ProcState::Idle,
            false => ProcState::Undetermined,
        };
        let (id, to) = (p.p, ProcState::Running);
        self.write(
            proc,
            &mut step,
            EventKind::StateTransition(StateTransition::Proc { id, from, to }),
        )
    }

    fn proc_stop(&mut self, proc: usize, mut step: Step<'_, '_>) -> Result<Taken> {
        let p = &mut self.procs[proc];
        if !std::mem::take(&mut p.running) || p.g != 0 {
            return Err(proc_state(wire::PROC_STOP, p.p));
        }
        let from = match std::mem::replace(&mut p.seen, true) {
            true => ProcState::Running,
            false => ProcState::Undetermined,
        };
        let (id, to) = (p.p, ProcState::Idle);
        self.write(
            proc,
            &mut step,
            EventKind::StateTransition(StateTransition::Proc { id, from, to }),
        )?;
        self.procs[proc].m = ThreadId::NONE;
        Ok(Taken::Event)
    }

    fn gc_start(&mut self, proc: usize, mut step: Step<'_, '_>) -> Result<Taken> {
        if step.args.next() != self.collections {
            return Err(Refusal::NotReady);
        }
        self.collections += 1;
        if self.gc_awaited {
            self.change = Some(Change::Collection);
        }
        if std::mem::replace(&mut self.collecting, true) {
            let event = wire::GC_START;
            return Err(Violation::Gc {
                event: wire::name(event),
            }
            .into());
        }
        let kind = EventKind::RangeBegin {
            range: Range::GcMark,
            stack: step.stack(),
        };
        self.write(proc, &mut step, kind)?;
        (step.out.m, step.out.p) = (ThreadId::NONE, GC_P);
        Ok(Taken::Event)
    }

    fn task_create(&mut self, step: &mut Step<'_, '_>) -> Result<EventKind> {
        let (id, parent, name) = (step.args.next(), step.args.next(), step.args.next());
        let name = step.string(name)?;
        let parent = TaskId(parent as i64);
        if self.tasks.insert(id, Task { name, parent }).is_some() {
            return Err(Violation::TaskExists {
                id: TaskId(id as i64),
            }
            .into());
        }
        Ok(EventKind::TaskBegin {
            id: TaskId(id as i64),
            // Only in this event, as in the reference.
            parent: match parent {
                TaskId::BACKGROUND => TaskId::NONE,
                parent => parent,
            },
            name,
            stack: step.stack(),
        })
    }

    fn region(&mut self, slot: u32, g: u64, step: &mut Step<'_, '_>) -> Result<EventKind> {
        let (task, mode, id) = (step.args.next(), step.args.next(), step.args.next());
        let name = step.string(id)?;
        let stack = step.stack();
        let region = (task, id);
        let task = TaskId(task as i64);
        match mode {
            0 => {
                self.gs.open_region(slot, region);
                Ok(EventKind::RegionBegin { task, name, stack })
            }
            1 => {
                // Regions that began before the trace did are not known.
                let open = &mut self.gs[slot].regions;
                if open.pop().is_some_and(|innermost| innermost != region) {
                    let g = GoId(g as i64);
                    return Err(Violation::RegionNesting { g }.into());
                }
                Ok(EventKind::RegionEnd { task, name, stack })
            }
            mode => Err(Corruption::RegionMode(mode).into()),
        }
    }
}

fn range(event: u8, wrong: &'static str) -> Refusal {
    Violation::Range {
        event: wire::name(event),
        wrong,
    }
    .into()
}

fn proc_state(event: u8, p: ProcId) -> Refusal {
    Violation::ProcState {
        event: wire::name(event),
        p,
    }
    .into()
}
