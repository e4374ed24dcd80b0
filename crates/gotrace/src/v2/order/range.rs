//! Ranges of the runtime (stop-the-world, garbage collection) and its metrics.

use super::super::super::event::{EventKind, GoId, Metric, ProcId, Range, StackId};
use super::super::super::violation::Violation;
use super::super::wire;
use super::state::push;
use super::{Gc, Order, Refusal, Step, Taken, Thread};

fn begin(range: Range, stack: StackId) -> EventKind {
    EventKind::RangeBegin { range, stack }
}

fn end(range: Range) -> EventKind {
    EventKind::RangeEnd { range }
}

fn wrong(event: u8, wrong: &'static str) -> Violation {
    Violation::Range {
        event: wire::name(event),
        wrong,
    }
}

impl Order {
    pub(super) fn metric(t: &Thread, mut step: Step<'_>) -> Taken {
        let event = step.raw.kind;
        t.needs_m(event)?;
        t.needs_p(event)?;
        let (metric, stack) = match event {
            wire::PROCS_CHANGE => {
                t.needs_g(event)?;
                (Metric::Gomaxprocs, step.stack(1)?)
            }
            wire::HEAP_ALLOC => (Metric::HeapObjects, StackId::NONE),
            _ => (Metric::HeapGoal, StackId::NONE),
        };
        step.take(EventKind::Metric {
            metric,
            value: step.arg(0),
            stack,
        })
    }

    /// A stop-the-world or a mark assist begins on the running goroutine.
    pub(super) fn go_range_begin(&mut self, t: &Thread, mut step: Step<'_>) -> Taken {
        let event = step.raw.kind;
        t.needs_all(event)?;
        let g = t.g;
        let slot = self.gs.expect_current(t, event)?;
        let ranges = &mut self.gs[slot].extras().ranges;
        let (range, stack, reason) = if event == wire::STW_BEGIN {
            let reason = step.string(0)?;
            (
                Range::StopTheWorld { reason, g },
                step.stack(1)?,
                step.arg(0),
            )
        } else {
            (Range::MarkAssist { g }, step.stack(0)?, 0)
        };
        if ranges.contains(&(event, reason)) {
            return Err(wrong(event, "begins twice").into());
        }
        self.open += push(ranges, (event, reason));
        step.take(begin(range, stack))
    }

    pub(super) fn go_range_end(&mut self, t: &Thread, mut step: Step<'_>) -> Taken {
        let event = step.raw.kind;
        t.needs_all(event)?;
        let g = t.g;
        let slot = self.gs.expect_current(t, event)?;
        let ranges = &mut self.gs[slot].extras().ranges;
        let begun = event - 1;
        let index = ranges
            .iter()
            .position(|r| r.0 == begun)
            .ok_or(wrong(event, "ends without having begun"))?;
        let (_, reason) = ranges.swap_remove(index);
        let range = if event == wire::STW_END {
            let reason = step.epoch.tables.string_id(reason)?;
            Range::StopTheWorld { reason, g }
        } else {
            Range::MarkAssist { g }
        };
        step.take(end(range))
    }

    /// A goroutine was in a mark assist when the generation began.
    pub(super) fn go_range_active(&mut self, mut step: Step<'_>) -> Taken {
        let event = step.raw.kind;
        let g = GoId(step.arg(0) as i64);
        let unknown = Violation::UnknownGoroutine {
            event: wire::name(event),
            g,
        };
        let (slot, _) = self.gs.find(g).ok_or(unknown)?;
        let first = self.in_first_generation(&step);
        let ranges = &mut self.gs[slot].extras().ranges;
        let assist = (wire::GC_MARK_ASSIST_BEGIN, 0);
        match (first, ranges.contains(&assist)) {
            (true, false) => self.open += push(ranges, assist),
            (false, true) => {}
            (true, true) => return Err(wrong(event, "is active twice").into()),
            (false, false) => return Err(wrong(event, "is active without having begun").into()),
        }
        let range = Range::MarkAssist { g };
        step.take(EventKind::RangeActive { range })
    }

    pub(super) fn sweep_begin(&mut self, t: &Thread, mut step: Step<'_>) -> Taken {
        let event = wire::GC_SWEEP_BEGIN;
        t.needs_m(event)?;
        t.needs_p(event)?;
        let p = &mut self.ps.slots[t.p_slot as usize];
        if std::mem::replace(&mut p.sweeping, true) {
            return Err(wrong(event, "begins twice").into());
        }
        step.take(begin(Range::GcSweep { p: t.p }, step.stack(0)?))
    }

    pub(super) fn sweep_active(&mut self, mut step: Step<'_>) -> Taken {
        let event = wire::GC_SWEEP_ACTIVE;
        let p = ProcId(step.arg(0) as i64);
        let unknown = Violation::UnknownProc {
            event: wire::name(event),
            p,
        };
        let slot = self.ps.find(p).ok_or(unknown)?;
        let first = self.in_first_generation(&step);
        let was = std::mem::replace(&mut self.ps.slots[slot as usize].sweeping, true);
        if was == first {
            return Err(wrong(event, "is active at the wrong time").into());
        }
        let range = Range::GcSweep { p };
        step.take(EventKind::RangeActive { range })
    }

    pub(super) fn sweep_end(&mut self, t: &Thread, mut step: Step<'_>) -> Taken {
        let event = wire::GC_SWEEP_END;
        t.needs_m(event)?;
        t.needs_p(event)?;
        let p = &mut self.ps.slots[t.p_slot as usize];
        if !std::mem::replace(&mut p.sweeping, false) {
            return Err(wrong(event, "ends without having begun").into());
        }
        step.take(EventKind::SweepEnd {
            p: t.p,
            swept: step.arg(0),
            reclaimed: step.arg(1),
        })
    }

    pub(super) fn gc_active(&mut self, t: &Thread, mut step: Step<'_>) -> Taken {
        let event = wire::GC_ACTIVE;
        let seq = step.arg(0);
        if self.in_first_generation(&step) {
            if self.gc != Gc::Undetermined {
                return Err(Violation::Gc {
                    event: wire::name(event),
                }
                .into());
            }
            (self.gc, self.gc_seq) = (Gc::Running, seq);
        } else {
            if seq != self.gc_seq.wrapping_add(1) {
                return Err(Refusal::NotReady);
            }
            if self.gc != Gc::Running {
                return Err(Violation::Gc {
                    event: wire::name(event),
                }
                .into());
            }
            self.gc_seq = seq;
            t.needs_all(event)?;
        }
        let range = Range::GcMark;
        step.take(EventKind::RangeActive { range })
    }

    pub(super) fn gc_begin(&mut self, t: &Thread, mut step: Step<'_>) -> Taken {
        let event = wire::GC_BEGIN;
        let seq = step.arg(0);
        if self.gc != Gc::Undetermined {
            // Begin and end are numbered in one sequence, since they happen on
            // different threads.
            if seq != self.gc_seq.wrapping_add(1) {
                return Err(Refusal::NotReady);
            }
            if self.gc == Gc::Running {
                return Err(Violation::Gc {
                    event: wire::name(event),
                }
                .into());
            }
            t.needs_all(event)?;
        }
        (self.gc, self.gc_seq) = (Gc::Running, seq);
        step.take(begin(Range::GcMark, step.stack(1)?))
    }

    pub(super) fn gc_end(&mut self, t: &Thread, mut step: Step<'_>) -> Taken {
        let event = wire::GC_END;
        let seq = step.arg(0);
        if seq != self.gc_seq.wrapping_add(1) {
            return Err(Refusal::NotReady);
        }
        if self.gc != Gc::Running {
            return Err(Violation::Gc {
                event: wire::name(event),
            }
            .into());
        }
        t.needs_all(event)?;
        (self.gc, self.gc_seq) = (Gc::NotRunning, seq);
        step.take(end(Range::GcMark))
    }
}
