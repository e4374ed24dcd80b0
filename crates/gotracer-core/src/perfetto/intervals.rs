//! Intervals, drawn when they end.

use std::io::Write;

use super::annotations::{Annotations, Key};
use super::tracks::Fixed;
use super::writer::{Arrows, Aside, Span, State, Writer};
use crate::explain::{Held, Reasons, Run, Sink};
use crate::report::Escaped;
use crate::timeline::{HeapFloor, Interval, Kind, Timeline};
use crate::trace::{ThreadId, Time};

impl<W: Write> Sink for Writer<W> {
    /// Draws a run on three tracks: the P's, the thread's and the goroutine's.
    fn run(&mut self, run: Run, timeline: &Timeline) {
        let mut known = self.goroutine(run.g, timeline);
        known.m = run.m;
        self.goroutines.insert(run.g, known);
        let span = Span {
            start: run.start,
            end: run.end,
            cut: false,
        };
        let place = self.place(run.stack, timeline);
        let wake = self.wakes.remove(&run.g).filter(|flow| flow.begun);
        let arrows = Arrows {
            into: wake.map(|flow| flow.id),
            ..Arrows::default()
        };
        // A P's track has runs of many goroutines, so the name includes the goroutine.
        if run.p.is_some() {
            let track = self.tracks.processor(&mut self.packets, run.p, false);
            let notes = Annotations::default().text(Key::Place, place);
            self.slice(track, known.name, span, notes, arrows);
        }
        let none = Arrows::default();
        if run.m.is_some() {
            let track = self.tracks.thread(&mut self.packets, run.m);
            self.slice(track, known.name, span, Annotations::default(), none);
        }
        let mut notes = Annotations::default().int(Key::Processor, run.p.0);
        if run.m.is_some() {
            notes = notes.int(Key::Thread, run.m.0);
        }
        let notes = notes.text(Key::Place, place);
        let running = self.packets.name("running");
        self.slice(known.track, running, span, notes, none);
    }

    fn held(&mut self, held: Held, reasons: &Reasons, timeline: &Timeline) {
        let i = &held.interval;
        let span = Span {
            start: i.start,
            end: i.end,
            cut: i.cut_at_start || held.goes_on,
        };
        let stack = self.stack(i.victim.stack, timeline);
        let notes = Annotations::default().text(Key::Stack, stack);
        match i.kind {
            Kind::Runnable(way) => {
                let why = self.packets.text(&way.name().replace('_', " "));
                let mut notes = notes.text(Key::Why, Some(why));
                if i.stopped > 0 {
                    notes = notes.size(Key::Stopped, i.stopped);
                }
                let notes = self.by(notes, i.by, timeline);
                let wake = self.wakes.get(&i.victim.g).copied();
                let arrows = Arrows {
                    through: wake.map(|flow| flow.id),
                    ..Arrows::default()
                };
                if self.other_state(i, "runnable", span, notes, arrows, timeline)
                    && let Some(flow) = self.wakes.get_mut(&i.victim.g)
                {
                    flow.begun = true;
                }
            }
            Kind::Blocked(_) => {
                let name = match reasons.of(&held) {
                    _ if timeline.waits_for_lock(i) => "waiting: lock".into(),
                    "" => "waiting".into(),
                    reason => format!("waiting: {}", Escaped(reason)),
                };
                let notes = match held.goes_on {
                    true => notes,
                    false => self.by(notes, i.by, timeline),
                };
                let none = Arrows::default();
                self.other_state(i, &name, span, notes, none, timeline);
            }
            Kind::Syscall => self.syscall(&held, span, notes, timeline),
            Kind::MarkAssist => {
                let track = self.aside(i.victim.g, Aside::Assists, timeline);
                self.draw(track, "mark assist", span, notes);
            }
            Kind::StopTheWorld(reason) => {
                let track = self.tracks.fixed(&mut self.packets, Fixed::StopTheWorld);
                let reason = Escaped(timeline.stop_reason(reason)).to_string();
                let notes = notes.int(Key::Goroutine, i.victim.g.0);
                let notes = self.by(notes, i.by, timeline);
                self.draw(track, &reason, span, notes);
            }
            // `marking` draws the collector's phases.
            Kind::Marking => {}
            Kind::Silence => {
                let track = self.tracks.fixed(&mut self.packets, Fixed::StopTheWorld);
                let notes = notes.int(Key::Goroutine, i.victim.g.0);
                self.draw(track, "no event of any thread", span, notes);
            }
            Kind::Starvation => {
                let track = self.tracks.fixed(&mut self.packets, Fixed::Starvation);
                let notes = match i.victim.g.is_some() {
                    true => notes.int(Key::Goroutine, i.victim.g.0),
                    false => notes,
                };
                self.draw(track, "starvation", span, notes);
            }
        }
    }

    fn marking(&mut self, start: Time, end: Time) {
        let track = self.tracks.fixed(&mut self.packets, Fixed::Marking);
        let span = Span {
            start,
            end,
            cut: false,
        };
        self.draw(track, "marking", span, Annotations::default());
    }

    fn floor(&mut self, _: HeapFloor) {
        // A counter shows the live heap.
    }
}

impl<W: Write> Writer<W> {
    /// Draws a state of a goroutine other than running. Returns whether any part of it is within the window.
    fn other_state(
        &mut self,
        interval: &Interval,
        name: &str,
        span: Span,
        notes: Annotations,
        arrows: Arrows,
        timeline: &Timeline,
    ) -> bool {
        let state = State {
            name: self.packets.name(name),
            span,
            notes,
            arrows,
        };
        self.state(interval.victim.g, state, timeline)
    }

    /// Draws a syscall for its goroutine and its thread. A thread that the runtime parked is not in a call of the
    /// program.
    fn syscall(&mut self, held: &Held, span: Span, notes: Annotations, timeline: &Timeline) {
        let victim = held.interval.victim;
        let name = match timeline.stacks().traits(victim.stack).parked {
            true => "parked",
            // The thread runs C code, not a syscall.
            false if held.interval.in_c => "C code",
            false => "syscall",
        };
        let known = self.goroutines.get(&victim.g);
        let m = match known.map(|known| known.m).filter(|m| m.is_some()) {
            Some(m) => m,
            // The call began before the trace, and a goroutine returns on the thread on which it made the call.
            None if !held.goes_on => self.m,
            None => ThreadId::NONE,
        };
        if m.is_some() {
            let track = self.tracks.thread(&mut self.packets, m);
            let whose = Annotations::default().int(Key::Goroutine, victim.g.0);
            self.draw(track, name, span, whose);
        }
        let none = Arrows::default();
        self.other_state(&held.interval, name, span, notes, none, timeline);
    }
}
