//! The writer of an export: packets, tracks, and the state of open intervals.

use std::collections::HashMap;
use std::io::Write;

use super::annotations::{Annotations, Key, Text};
use super::packets::{Name, Packets};
use super::schema::{TrackEvent, Type};
use super::tracks::{Fixed, Track, Tracks};
use crate::report::{Escaped, Frame, human};
use crate::timeline::{Actor, FrameKey, Owner, StackKey, Timeline};
use crate::trace::{GoId, ProcId, TaskId, ThreadId, Time};
use crate::units::elapsed;

/// Maximum frames of a stack; stacks have up to 128, and the outermost say least.
const FRAMES: usize = 64;

/// Maximum states that are held back for a goroutine. Its kind and function are known when it first stops running.
const UNPLACED: usize = 8;

/// State of an export.
pub(super) struct Writer<W> {
    pub packets: Packets<W>,
    pub tracks: Tracks,
    /// Start of the window.
    pub from: Time,
    /// End of the window.
    pub to: Time,
    pub goroutines: HashMap<GoId, Goroutine>,
    /// States of goroutines whose kind is not known yet.
    unplaced: HashMap<GoId, Vec<State>>,
    /// Wake-ups of goroutines that have not run since.
    pub wakes: HashMap<GoId, Flow>,
    pub last_flow: u64,
    /// Open regions, the innermost last.
    pub regions: HashMap<GoId, Vec<Open>>,
    pub tasks: HashMap<TaskId, Task>,
    /// Start of sweeping on each P that sweeps.
    pub sweeps: HashMap<ProcId, Time>,
    /// Last value of each counter.
    pub counted: [Option<i64>; Fixed::Last as usize],
    /// Thread of the current event.
    pub m: ThreadId,
    stacks: HashMap<StackKey, Text>,
    places: HashMap<FrameKey, Text>,
}

/// A goroutine that has a track.
#[derive(Clone, Copy)]
pub(super) struct Goroutine {
    /// Track of its states.
    pub track: Track,
    /// Name of its runs on a P.
    pub name: Name,
    /// Tracks of regions and assists, by [`Aside`].
    asides: [Option<Track>; 2],
    /// Thread of its last run.
    pub m: ThreadId,
}

/// Tracks below a goroutine's states.
#[derive(Clone, Copy)]
pub(super) enum Aside {
    /// Regions and log messages.
    Regions,
    /// Mark assists.
    Assists,
}

/// A state of a goroutine.
pub(super) struct State {
    pub name: Name,
    pub span: Span,
    pub notes: Annotations,
    pub arrows: Arrows,
}

/// An arrow from a wake-up to the next run of the goroutine.
#[derive(Clone, Copy)]
pub(super) struct Flow {
    pub id: u64,
    /// Whether the wake-up is drawn.
    pub begun: bool,
}

/// An open region.
#[derive(Clone, Copy)]
pub(super) struct Open {
    pub name: Name,
    pub task: TaskId,
    pub start: Time,
}

/// An open task.
#[derive(Clone, Copy)]
pub(super) struct Task {
    pub name: Name,
    pub parent: TaskId,
    pub start: Time,
}

/// Start and end of a slice.
#[derive(Clone, Copy)]
pub(super) struct Span {
    pub start: Time,
    pub end: Time,
    /// Whether the length is a lower bound.
    pub cut: bool,
}

/// Arrows at a slice.
#[derive(Clone, Copy, Default)]
pub(super) struct Arrows {
    /// Arrow that begins here or passes through.
    pub through: Option<u64>,
    /// Arrow that ends here.
    pub into: Option<u64>,
}

impl<W: Write> Writer<W> {
    pub(super) fn new(out: W, from: Time, to: Time) -> Self {
        Self {
            packets: Packets::new(out, from),
            tracks: Tracks::default(),
            from,
            to,
            goroutines: HashMap::new(),
            unplaced: HashMap::new(),
            wakes: HashMap::new(),
            last_flow: 0,
            regions: HashMap::new(),
            tasks: HashMap::new(),
            sweeps: HashMap::new(),
            counted: [None; Fixed::Last as usize],
            m: ThreadId::NONE,
            stacks: HashMap::new(),
            places: HashMap::new(),
        }
    }

    /// Draws the part of a slice that is within the window. Returns whether there is any.
    pub(super) fn slice(
        &mut self,
        track: Track,
        name: Name,
        span: Span,
        notes: Annotations,
        arrows: Arrows,
    ) -> bool {
        let (start, end) = (span.start.max(self.from), span.end.min(self.to));
        if start >= end {
            return false;
        }
        let clipped = start > span.start || end < span.end;
        let lasted = elapsed(span.start, span.end);
        let notes = match clipped {
            true => notes.size(Key::Lasted, lasted),
            false => notes,
        };
        let notes = notes.flag(Key::AtLeast, span.cut);
        let on_track = TrackEvent {
            track_uuid: track.0,
            ..TrackEvent::default()
        };
        let begin = TrackEvent {
            debug_annotations: notes.0,
            flow_ids: arrows.through.into_iter().collect(),
            terminating_flow_ids: arrows.into.into_iter().collect(),
            ..on_track.clone()
        };
        let packets = &mut self.packets;
        packets.event(start, Type::SliceBegin, Some(name), begin);
        packets.event(end, Type::SliceEnd, None, on_track);
        true
    }

    /// Draws a slice without arrows.
    pub(super) fn draw(&mut self, track: Track, name: &str, span: Span, notes: Annotations) {
        let name = self.packets.name(name);
        self.slice(track, name, span, notes, Arrows::default());
    }

    /// Draws an instant.
    pub(super) fn instant(
        &mut self,
        track: Track,
        name: Name,
        time: Time,
        notes: Annotations,
        flow: Option<u64>,
    ) {
        let event = TrackEvent {
            track_uuid: track.0,
            debug_annotations: notes.0,
            flow_ids: flow.into_iter().collect(),
            ..TrackEvent::default()
        };
        self.packets.event(time, Type::Instant, Some(name), event);
    }

    /// Draws a counter's value if it changed.
    pub(super) fn count(&mut self, which: Fixed, time: Time, value: Option<u64>) {
        let value = value.map(|value| i64::try_from(value).unwrap_or(i64::MAX));
        if value.is_none() || self.counted[which as usize] == value {
            return;
        }
        self.counted[which as usize] = value;
        let track = self.tracks.fixed(&mut self.packets, which);
        let event = TrackEvent {
            track_uuid: track.0,
            counter_value: value,
            ..TrackEvent::default()
        };
        self.packets.event(time, Type::Counter, None, event);
    }

    /// Draws a state of a goroutine once its kind is known. Returns whether any part of it is within the window.
    pub(super) fn state(&mut self, g: GoId, state: State, timeline: &Timeline) -> bool {
        let waiting = self.unplaced.get(&g).map_or(0, Vec::len);
        let placed = self.goroutines.contains_key(&g) || origin(g, timeline).is_some();
        if !placed && waiting < UNPLACED {
            let within = state.span.start < self.to && state.span.end > self.from;
            if within {
                self.unplaced.entry(g).or_default().push(state);
            }
            return within;
        }
        let track = self.goroutine(g, timeline).track;
        self.slice(track, state.name, state.span, state.notes, state.arrows)
    }

    /// Returns the track and name of a goroutine, and declares them at first.
    pub(super) fn goroutine(&mut self, g: GoId, timeline: &Timeline) -> Goroutine {
        if let Some(known) = self.goroutines.get(&g) {
            return *known;
        }
        let owner = timeline.find(g).map_or(Owner::Program, |g| g.owner);
        let stacks = timeline.stacks();
        let origin = origin(g, timeline).unwrap_or_default();
        let function = stacks.get(stacks.traits(origin).root).function;
        let track = self.tracks.goroutine(
            &mut self.packets,
            owner == Owner::Program,
            function,
            &format!("Goroutine {g}"),
        );
        let name = format!("g{g} {}", Escaped(function));
        let known = Goroutine {
            track,
            name: self.packets.own_name(name.trim_end()),
            asides: [None; 2],
            m: ThreadId::NONE,
        };
        self.goroutines.insert(g, known);
        for state in self.unplaced.remove(&g).into_iter().flatten() {
            self.slice(track, state.name, state.span, state.notes, state.arrows);
        }
        known
    }

    /// Draws the states that are held back.
    pub(super) fn place_all(&mut self, timeline: &Timeline) {
        let mut left: Vec<_> = self.unplaced.keys().copied().collect();
        left.sort();
        for g in left {
            self.goroutine(g, timeline);
        }
    }

    /// Returns a goroutine's track for regions or assists.
    pub(super) fn aside(&mut self, g: GoId, aside: Aside, timeline: &Timeline) -> Track {
        let mut known = self.goroutine(g, timeline);
        if let Some(track) = known.asides[aside as usize] {
            return track;
        }
        let what = match aside {
            Aside::Regions => "regions",
            Aside::Assists => "assists",
        };
        let name = format!("Goroutine {g} {what}");
        let track = self.tracks.below(&mut self.packets, known.track, &name);
        known.asides[aside as usize] = Some(track);
        self.goroutines.insert(g, known);
        track
    }

    /// Interns a stack, one line per frame.
    pub(super) fn stack(&mut self, stack: StackKey, timeline: &Timeline) -> Option<Text> {
        if !stack.is_some() {
            return None;
        }
        if let Some(&text) = self.stacks.get(&stack) {
            return Some(text);
        }
        let frames = timeline.stacks().frames(stack);
        let lines: Vec<_> = frames
            .take(FRAMES)
            .map(|f| format!("{} {}:{}", Escaped(f.function), Escaped(f.file), f.line))
            .collect();
        let text = self.packets.text(&lines.join("\n"));
        self.stacks.insert(stack, text);
        Some(text)
    }

    /// Interns the place of a stack.
    pub(super) fn place(&mut self, stack: StackKey, timeline: &Timeline) -> Option<Text> {
        let place = timeline.stacks().traits(stack).place;
        if !place.is_some() {
            return None;
        }
        if let Some(&text) = self.places.get(&place) {
            return Some(text);
        }
        let frame = timeline.stacks().get(place);
        let frame = Frame {
            function: frame.function.into(),
            file: frame.file.into(),
            line: frame.line,
        };
        let text = Escaped(&human::place(&frame)).to_string();
        let text = self.packets.text(&text);
        self.places.insert(place, text);
        Some(text)
    }

    /// Adds the goroutine and place that caused an event.
    pub(super) fn by(&mut self, notes: Annotations, by: Actor, timeline: &Timeline) -> Annotations {
        let notes = match by.g.is_some() {
            true => notes.int(Key::ByGoroutine, by.g.0),
            false => notes,
        };
        let place = self.place(by.stack, timeline);
        notes.text(Key::By, place)
    }
}

/// Returns a stack whose outermost frame is the goroutine's start function.
fn origin(g: GoId, timeline: &Timeline) -> Option<StackKey> {
    let known = timeline.find(g)?;
    let stacks = [known.start, known.stack];
    stacks.into_iter().find(|stack| stack.is_some())
}
