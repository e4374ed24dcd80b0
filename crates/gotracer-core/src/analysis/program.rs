//! Figures of the whole program in a report.

use std::cmp::Reverse;
use std::collections::HashMap;

use super::findings::frame;
use crate::report::{Creations, Gc, GcCpu, Goroutines, MinimumUtilization, Pressure, Program};
use crate::timeline::{FrameKey, GcWork, StateVector, Timeline};

/// Maximum number of places that create goroutines in a report.
const PLACES: usize = 100;

/// Returns the figures of the program so far. `time` is the time of its goroutines.
pub(super) fn program(t: &Timeline, time: StateVector) -> Program {
    let population = t.population();
    Program {
        goroutines: Goroutines {
            start: population.at_start,
            end: population.now,
            peak: population.peak,
            created: population.created(),
            exited: population.ended(),
            places: places(t),
        },
        time,
        sched_pressure: Some(pressure(t)),
        heap_live_bytes: t.heap_live(),
        heap_goal_bytes: t.heap_goal(),
        heap_peak_bytes: t.heap_peak(),
        gc: Some(gc(t)),
    }
}

/// Returns the scheduler pressure.
fn pressure(t: &Timeline) -> Pressure {
    let pressure = t.sched_pressure();
    Pressure {
        some_ns: pressure.some,
        full_ns: pressure.full,
    }
}

/// Returns the collector's figures.
fn gc(t: &Timeline) -> Gc {
    let GcWork {
        cycles,
        marking,
        cpu,
        ..
    } = t.gc_work();
    let minimum = t.minimum_utilization().into_iter();
    let minimum = minimum.map(|(window_ns, ratio)| MinimumUtilization {
        window_ns,
        ratio: rounded(ratio),
    });
    Gc {
        cycles,
        marking_ns: marking,
        cpu: GcCpu {
            available_ns: cpu.available,
            background_ns: cpu.background,
            idle_ns: cpu.idle,
            assist_ns: cpu.assist,
            pause_ns: cpu.pause,
        },
        cpu_ratio: rounded(cpu.ratio(cpu.taken())),
        cpu_ratio_with_idle: rounded(cpu.ratio(cpu.taken() + cpu.idle)),
        minimum_utilization: minimum.collect(),
    }
}

/// Rounds a ratio to six decimal places: further digits differ between platforms.
fn rounded(ratio: f64) -> f64 {
    (ratio * 1e6).round() / 1e6
}

/// Returns the places that created goroutines, the greatest growth first.
fn places(t: &Timeline) -> Vec<Creations> {
    let mut counts: HashMap<FrameKey, (u64, u64), foldhash::fast::RandomState> = HashMap::default();
    for site in t.population().sites() {
        let stack = if site.creator.is_some() {
            site.creator
        } else {
            site.start
        };
        let (created, exited) = counts.entry(t.stacks().traits(stack).creation).or_default();
        let (more, fewer) = site.news();
        *created += more;
        *exited += fewer;
    }
    let all = counts.into_iter().map(|(place, (created, exited))| {
        let place = frame(t.stacks().get(place));
        Creations {
            place,
            created,
            exited,
        }
    });
    let mut all: Vec<_> = all.collect();
    all.retain(|c| c.created + c.exited > 0);
    all.sort_by(|a, b| {
        let key = |c: &Creations| Reverse((c.created.saturating_sub(c.exited), c.created));
        let names = (&a.place.function, a.place.line).cmp(&(&b.place.function, b.place.line));
        key(a).cmp(&key(b)).then(names)
    });
    all.truncate(PLACES);
    all
}
