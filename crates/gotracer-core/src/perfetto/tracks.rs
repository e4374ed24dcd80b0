//! Where things are drawn: one group with all that the trace tells, in it the
//! processors, the collector, counters, goroutines and threads.
//!
//! A track is said to exist when something is first drawn on it. What is
//! remembered of goroutines is forgotten when they end.

use std::collections::HashMap;
use std::hash::Hash;
use std::io::Write;

use super::packets::Packets;
use super::schema::{CounterDescriptor, Ordering, TrackDescriptor, Unit};
use crate::report::Escaped;
use crate::trace::{ProcId, ThreadId};

/// The number of a track.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Track(pub u64);

/// Groups and tracks that there is one of, in the order in which they are
/// shown.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fixed {
    /// All of it.
    Root = 1,
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
    /// Numbers from here on are given out.
    Last,
}

impl Fixed {
    fn name(self) -> &'static str {
        match self {
            Self::Root | Self::Last => "",
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

    /// What it counts, if it is a counter.
    fn counter(self) -> Option<CounterDescriptor> {
        let unit_name = match self {
            Self::Heap | Self::HeapLive | Self::HeapGoal => None,
            Self::Gomaxprocs => Some("processors".into()),
            Self::Running | Self::Runnable | Self::Goroutines => Some("goroutines".into()),
            _ => return None,
        };
        Some(match unit_name {
            // Three lines that want to be compared.
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

    /// How what stands below it is ordered.
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

    /// The group around it; stops are seen without opening one.
    fn parent(self) -> Option<Track> {
        (self != Self::StopTheWorld).then(|| Self::Root.track())
    }
}

/// The tracks that there are.
#[derive(Default)]
pub struct Tracks {
    fixed: [bool; Fixed::Last as usize],
    /// Those of what is swept, too.
    processors: HashMap<(ProcId, bool), Track>,
    threads: HashMap<ThreadId, Track>,
    /// Groups of goroutines, by whether they are the program's and by the
    /// function they were started with.
    functions: HashMap<(bool, Box<str>), Track>,
    given: u64,
}

impl Tracks {
    /// The group with everything.
    pub fn root(&mut self, packets: &mut Packets<impl Write>, name: &str) {
        self.fixed[Fixed::Root as usize] = true;
        packets.track(TrackDescriptor {
            child_ordering: ordering(Fixed::Root.ordering()),
            ..described(Fixed::Root.track(), name, None)
        });
    }

    /// A track that there is one of.
    pub fn fixed(&mut self, packets: &mut Packets<impl Write>, which: Fixed) -> Track {
        if !std::mem::replace(&mut self.fixed[which as usize], true) {
            packets.track(TrackDescriptor {
                child_ordering: ordering(which.ordering()),
                sibling_order_rank: Some(which as i32),
                counter: which.counter(),
                ..described(which.track(), which.name(), which.parent())
            });
        }
        which.track()
    }

    /// A processor's: what runs on it, or what is swept there.
    pub fn processor(
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

    /// A thread's.
    pub fn thread(&mut self, packets: &mut Packets<impl Write>, m: ThreadId) -> Track {
        let group = self.fixed(packets, Fixed::Threads);
        let (track, new) = one(&mut self.threads, &mut self.given, m);
        if new {
            packets.track(described(track, &format!("Thread {m}"), Some(group)));
        }
        track
    }

    /// A goroutine's, below the function it was started with.
    pub fn goroutine(
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

    /// A track outside of all groups.
    pub fn top(&mut self, packets: &mut Packets<impl Write>, name: &str) -> Track {
        let track = next(&mut self.given);
        packets.track(described(track, name, None));
        track
    }

    /// One more track below another.
    pub fn below(&mut self, packets: &mut Packets<impl Write>, parent: Track, name: &str) -> Track {
        let track = next(&mut self.given);
        packets.track(described(track, name, Some(parent)));
        track
    }
}

fn next(given: &mut u64) -> Track {
    *given += 1;
    Track(Fixed::Last as u64 + *given)
}

/// The track of something, and whether it is a new one.
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
