//! Tracks: one group per trace, with Ps, collector, counters, tasks, goroutines and threads in it.
//!
//! A track is declared when its first event is drawn. The tracks of a goroutine are forgotten when it ends.

use std::collections::HashMap;
use std::hash::Hash;
use std::io::Write;

use super::packets::Packets;
use super::schema::{CounterDescriptor, Ordering, TrackDescriptor, Unit};
use crate::report::Escaped;
use crate::trace::{ProcId, ThreadId};

/// Id of a track.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) struct Track(pub u64);

/// Groups and tracks that exist once, in display order.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Fixed {
    /// Group of everything.
    Root = 1,
    Findings,
    StopTheWorld,
    Marking,
    Heap,
    HeapLive,
    HeapGoal,
    Gomaxprocs,
    Running,
    Runnable,
    Goroutines,
    Starvation,
    Processors,
    Tasks,
    ProgramGroup,
    RuntimeGroup,
    Threads,
    /// Later ids are allocated.
    Last,
}

impl Fixed {
    fn name(self) -> &'static str {
        match self {
            Self::Root | Self::Last => "",
            Self::Findings => "Findings",
            Self::StopTheWorld => "World stopped",
            Self::Marking => "Collector marking",
            Self::Heap => "Heap",
            Self::HeapLive => "Live heap",
            Self::HeapGoal => "Heap goal",
            Self::Gomaxprocs => "GOMAXPROCS",
            Self::Running => "Running goroutines",
            Self::Runnable => "Runnable goroutines",
            Self::Goroutines => "Goroutines that exist",
            Self::Starvation => "Processor idle beside a runnable goroutine",
            Self::Processors => "Processors",
            Self::Tasks => "Tasks",
            Self::ProgramGroup => "Goroutines of the program",
            Self::RuntimeGroup => "Goroutines of the runtime",
            Self::Threads => "Threads",
        }
    }

    /// Counter descriptor of a counter track.
    fn counter(self) -> Option<CounterDescriptor> {
        let unit_name = match self {
            Self::Heap | Self::HeapLive | Self::HeapGoal => None,
            Self::Gomaxprocs => Some("processors".into()),
            Self::Running | Self::Runnable | Self::Goroutines => Some("goroutines".into()),
            _ => return None,
        };
        Some(match unit_name {
            // The three heap counters share an axis, so that they can be compared.
            None => CounterDescriptor {
                unit: Unit::SizeBytes.into(),
                y_axis_share_key: Some("heap".into()),
                ..CounterDescriptor::default()
            },
            unit_name => CounterDescriptor {
                unit_name,
                ..CounterDescriptor::default()
            },
        })
    }

    /// Order of the tracks in a group.
    fn ordering(self) -> Option<Ordering> {
        match self {
            Self::Root | Self::Processors => Some(Ordering::Explicit),
            Self::ProgramGroup | Self::RuntimeGroup => Some(Ordering::Lexicographic),
            Self::Tasks => Some(Ordering::Chronological),
            Self::Threads => Some(Ordering::Lexicographic),
            _ => None,
        }
    }

    fn track(self) -> Track {
        Track(self as u64)
    }

    /// Enclosing group. Perfetto opens with groups folded, and shows a top-level track with children and its own slices
    /// at once: findings and stops are such tracks.
    fn parent(self) -> Option<Self> {
        match self {
            Self::Findings | Self::StopTheWorld => None,
            Self::Marking => Some(Self::StopTheWorld),
            _ => Some(Self::Root),
        }
    }
}

/// Tracks declared so far.
#[derive(Default)]
pub(super) struct Tracks {
    fixed: [bool; Fixed::Last as usize],
    /// Keys are a P and whether the track is its sweeping track.
    processors: HashMap<(ProcId, bool), Track>,
    threads: HashMap<ThreadId, Track>,
    /// Groups of goroutines by start function; the flag says whether they are the program's.
    functions: HashMap<(bool, Box<str>), Track>,
    given: u64,
}

impl Tracks {
    /// Declares the root group.
    pub(super) fn root(&mut self, packets: &mut Packets<impl Write>, name: &str) {
        self.fixed[Fixed::Root as usize] = true;
        packets.track(TrackDescriptor {
            child_ordering: ordering(Fixed::Root.ordering()),
            ..described(Fixed::Root.track(), name, None)
        });
    }

    /// Returns a track that exists once.
    pub(super) fn fixed(&mut self, packets: &mut Packets<impl Write>, which: Fixed) -> Track {
        if !std::mem::replace(&mut self.fixed[which as usize], true) {
            let parent = which.parent().map(|parent| self.fixed(packets, parent));
            packets.track(TrackDescriptor {
                child_ordering: ordering(which.ordering()),
                sibling_order_rank: Some(which as i32),
                counter: which.counter(),
                ..described(which.track(), which.name(), parent)
            });
        }
        which.track()
    }

    /// Returns the track of a P: its runs, or its sweeping.
    pub(super) fn processor(
        &mut self,
        packets: &mut Packets<impl Write>,
        p: ProcId,
        sweeping: bool,
    ) -> Track {
        let group = self.fixed(packets, Fixed::Processors);
        let (track, new) = one(&mut self.processors, &mut self.given, (p, sweeping));
        if new {
            let what = if sweeping { " sweeping" } else { "" };
            let rank = p.0.saturating_mul(2).saturating_add(i64::from(sweeping));
            packets.track(TrackDescriptor {
                sibling_order_rank: i32::try_from(rank).ok(),
                ..described(track, &format!("Processor {p}{what}"), Some(group))
            });
        }
        track
    }

    /// Returns the track of a thread.
    pub(super) fn thread(&mut self, packets: &mut Packets<impl Write>, m: ThreadId) -> Track {
        let group = self.fixed(packets, Fixed::Threads);
        let (track, new) = one(&mut self.threads, &mut self.given, m);
        if new {
            packets.track(described(track, &format!("Thread {m}"), Some(group)));
        }
        track
    }

    /// Declares the track of a goroutine, in the group of its start function.
    pub(super) fn goroutine(
        &mut self,
        packets: &mut Packets<impl Write>,
        of_program: bool,
        function: &str,
        name: &str,
    ) -> Track {
        let group = match of_program {
            true => Fixed::ProgramGroup,
            false => Fixed::RuntimeGroup,
        };
        let group = self.fixed(packets, group);
        let key = (of_program, function.into());
        let (parent, new) = one(&mut self.functions, &mut self.given, key);
        if new {
            let name = match function {
                "" => "started before the trace".into(),
                function => Escaped(function).to_string(),
            };
            packets.track(TrackDescriptor {
                child_ordering: ordering(Some(Ordering::Lexicographic)),
                ..described(parent, &name, Some(group))
            });
        }
        self.below(packets, parent, name)
    }

    /// Declares a track in a group.
    pub(super) fn below(
        &mut self,
        packets: &mut Packets<impl Write>,
        parent: Track,
        name: &str,
    ) -> Track {
        let track = next(&mut self.given);
        packets.track(described(track, name, Some(parent)));
        track
    }
}

fn next(given: &mut u64) -> Track {
    *given += 1;
    Track(Fixed::Last as u64 + *given)
}

/// Returns the track of a key, and whether it is new.
fn one<K: Eq + Hash>(known: &mut HashMap<K, Track>, given: &mut u64, key: K) -> (Track, bool) {
    let before = known.len();
    let track = *known.entry(key).or_insert_with(|| next(given));
    (track, known.len() > before)
}

fn described(track: Track, name: &str, parent: Option<Track>) -> TrackDescriptor {
    TrackDescriptor {
        uuid: track.0,
        name: name.into(),
        parent_uuid: parent.map(|parent| parent.0),
        ..TrackDescriptor::default()
    }
}

fn ordering(ordering: Option<Ordering>) -> Option<i32> {
    ordering.map(Into::into)
}
