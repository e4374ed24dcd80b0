//! Events without a duration and pairs of events: wake-ups, regions, tasks, logs, sweeping and counters.

use std::io::Write;

use super::annotations::{Annotations, Key};
use super::packets::Name;
use super::tracks::Fixed;
use super::writer::{Arrows, Aside, Flow, Open, Span, Task, Writer};
use crate::report::Escaped;
use crate::timeline::Timeline;
use crate::trace::{
    Event, EventKind, GoId, GoState, Range, StackId, StateTransition, StringId, Tables, TaskId,
    Time,
};

impl<W: Write> Writer<W> {
    /// Handles an event before the timeline does.
    pub(super) fn before(&mut self, event: &Event, tables: &Tables, timeline: &Timeline) {
        self.m = event.m;
        let (g, time) = (event.g, event.time);
        match event.kind {
            EventKind::StateTransition(StateTransition::Goroutine { id, from, to, .. }) => {
                self.wake(event, id, from, to, timeline);
            }
            EventKind::RegionBegin { task, name, .. } if g.is_some() => {
                let name = self.named(name, tables, "region");
                let start = time;
                let regions = self.regions.entry(g).or_default();
                regions.push(Open { name, task, start });
            }
            EventKind::RegionEnd { task, name, .. } if g.is_some() => {
                let before = Open {
                    name: self.named(name, tables, "region"),
                    task,
                    start: timeline.start(),
                };
                let open = self.regions.get_mut(&g).and_then(Vec::pop);
                self.region(g, open.ok_or(before), time, timeline);
            }
            EventKind::TaskBegin {
                id, parent, name, ..
            } => {
                let name = self.named(name, tables, "task");
                let start = time;
                self.tasks.insert(
                    id,
                    Task {
                        name,
                        parent,
                        start,
                    },
                );
            }
            EventKind::TaskEnd {
                id, parent, name, ..
            } => {
                let before = Task {
                    name: self.named(name, tables, "task"),
                    parent,
                    start: timeline.start(),
                };
                let known = self.tasks.remove(&id);
                self.task(id, known.ok_or(before), time);
            }
            EventKind::Log {
                task,
                category,
                message,
                ..
            } if g.is_some() && time >= self.from => {
                let track = self.aside(g, Aside::Regions, timeline);
                let text = |id| Escaped(&String::from_utf8_lossy(tables.string(id))).to_string();
                let line = match text(category) {
                    category if category.is_empty() => text(message),
                    category => format!("{category}: {}", text(message)),
                };
                let name = self.packets.name(&line);
                self.instant(track, name, time, task_notes(task), None);
            }
            EventKind::RangeBegin {
                range: Range::GcSweep { p },
                ..
            } => {
                self.sweeps.insert(p, time);
            }
            EventKind::SweepEnd {
                p,
                swept,
                reclaimed,
            } => {
                let span = Span {
                    cut: !self.sweeps.contains_key(&p),
                    start: self.sweeps.remove(&p).unwrap_or(timeline.start()),
                    end: time,
                };
                if time >= self.from {
                    let track = self.tracks.processor(&mut self.packets, p, true);
                    let notes = Annotations::default().size(Key::Swept, swept);
                    let notes = notes.size(Key::Reclaimed, reclaimed);
                    self.draw(track, "sweeping", span, notes);
                }
            }
            _ => {}
        }
    }

    /// Handles an event after the timeline did.
    pub(super) fn after(&mut self, event: &Event, timeline: &Timeline) {
        if let EventKind::StateTransition(StateTransition::Goroutine { id, to, .. }) = event.kind
            && to == GoState::NotExist
        {
            for open in self.regions.remove(&id).into_iter().flatten().rev() {
                self.region(id, Ok(open), event.time, timeline);
            }
            self.goroutines.remove(&id);
            self.wakes.remove(&id);
        }
        if event.time >= self.from {
            if let EventKind::StackSample { stack } = event.kind {
                self.sample(event, stack, timeline);
            }
            self.counters(event.time, timeline);
        }
    }

    /// Draws a CPU sample on the track of its P or thread.
    fn sample(&mut self, event: &Event, stack: StackId, timeline: &Timeline) {
        let track = match (event.p, event.m) {
            (p, _) if p.is_some() => self.tracks.processor(&mut self.packets, p, false),
            (_, m) if m.is_some() => self.tracks.thread(&mut self.packets, m),
            _ => return,
        };
        let key = timeline.stacks().known_key(stack);
        let function = timeline.stacks().frames(key).next().map(|f| f.function);
        let name = format!("CPU sample {}", Escaped(function.unwrap_or_default()));
        let name = self.packets.name(name.trim_end());
        let stack = self.stack(key, timeline);
        let notes = Annotations::default().text(Key::Stack, stack);
        let notes = match event.g.is_some() {
            true => notes.int(Key::Goroutine, event.g.0),
            false => notes,
        };
        self.instant(track, name, event.time, notes, None);
    }

    /// Draws the counters that changed.
    pub(super) fn counters(&mut self, time: Time, t: &Timeline) {
        for (which, value) in [
            (Fixed::Heap, t.heap_objects()),
            (Fixed::HeapLive, t.heap_live()),
            (Fixed::HeapGoal, t.heap_goal()),
            (Fixed::Gomaxprocs, t.gomaxprocs()),
            (Fixed::Running, Some(t.running())),
            (Fixed::Runnable, Some(t.runnable())),
            (Fixed::Goroutines, Some(t.population().now)),
        ] {
            self.count(which, time, value);
        }
    }

    /// Draws a wake-up or a creation, and begins the arrow to the goroutine's next run.
    fn wake(&mut self, event: &Event, id: GoId, from: GoState, to: GoState, timeline: &Timeline) {
        if to == GoState::NotExist && event.time >= self.from {
            // The timeline forgets the goroutine with this event, so the track needs its name now.
            self.goroutine(id, timeline);
        }
        let name = match (from, to) {
            (GoState::Waiting, GoState::Runnable) => "wakes",
            (GoState::NotExist, GoState::Runnable) => "creates",
            _ => return,
        };
        self.last_flow += 1;
        let flow = self.last_flow;
        let track = match (event.p, event.m) {
            _ if event.time < self.from => None,
            (p, _) if p.is_some() => Some(self.tracks.processor(&mut self.packets, p, false)),
            (_, m) if m.is_some() => Some(self.tracks.thread(&mut self.packets, m)),
            _ => None,
        };
        if let Some(track) = track {
            let name = self.packets.name(name);
            let notes = Annotations::default().int(Key::Goroutine, id.0);
            self.instant(track, name, event.time, notes, Some(flow));
        }
        self.wakes.insert(
            id,
            Flow {
                id: flow,
                begun: track.is_some(),
            },
        );
    }

    /// Interns a name from the trace, or `otherwise` if that is empty.
    fn named(&mut self, id: StringId, tables: &Tables, otherwise: &str) -> Name {
        let text = String::from_utf8_lossy(tables.string(id));
        match text.is_empty() {
            true => self.packets.name(otherwise),
            false => self.packets.name(&Escaped(&text).to_string()),
        }
    }

    /// Draws a region that ends; `Err` is one that began before the trace.
    fn region(&mut self, g: GoId, open: Result<Open, Open>, end: Time, timeline: &Timeline) {
        let cut = open.is_err();
        let (Ok(open) | Err(open)) = open;
        if end >= self.from {
            let track = self.aside(g, Aside::Regions, timeline);
            let start = open.start;
            let span = Span { start, end, cut };
            let notes = task_notes(open.task);
            self.slice(track, open.name, span, notes, Arrows::default());
        }
    }

    /// Draws a task that ends; `Err` is one that began before the trace.
    fn task(&mut self, id: TaskId, task: Result<Task, Task>, end: Time) {
        let cut = task.is_err();
        let (Ok(task) | Err(task)) = task;
        if end < self.from {
            return;
        }
        let group = self.tracks.fixed(&mut self.packets, Fixed::Tasks);
        let track = self
            .tracks
            .below(&mut self.packets, group, &format!("Task {id}"));
        let span = Span {
            start: task.start,
            end,
            cut,
        };
        let notes = task_notes(id);
        let notes = match task.parent.0 {
            ..=0 => notes,
            parent => notes.int(Key::Parent, parent),
        };
        self.slice(track, task.name, span, notes, Arrows::default());
    }

    /// Draws regions and tasks that are open at the end.
    pub(super) fn close(&mut self, end: Time, timeline: &Timeline) {
        self.place_all(timeline);
        let mut regions: Vec<_> = std::mem::take(&mut self.regions).into_iter().collect();
        regions.sort_by_key(|(g, _)| g.0);
        for (g, open) in regions {
            for open in open.into_iter().rev() {
                self.region(g, Err(open), end, timeline);
            }
        }
        let mut tasks: Vec<_> = std::mem::take(&mut self.tasks).into_iter().collect();
        tasks.sort_by_key(|(id, _)| *id);
        for (id, task) in tasks {
            self.task(id, Err(task), end);
        }
    }
}

fn task_notes(task: TaskId) -> Annotations {
    // Id 0 is the background task, which means no task.
    match task.0 {
        ..=0 => Annotations::default(),
        task => Annotations::default().int(Key::Task, task),
    }
}
