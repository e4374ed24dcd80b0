//! CPU samples: which functions used the CPU, and how much of the time that goroutines were running was on a CPU.
//!
//! A trace contains CPU samples while a CPU profile is active. On Linux, a timer of each thread's CPU time causes
//! them, so their number is the CPU time of the threads. A goroutine whose thread does not get a CPU is still running
//! by its events, but has no samples.
//!
//! A profile may start and stop within the trace. Running time counts only between the first and the last sample of
//! each profile.

use std::collections::HashMap;

use super::stacks::StackKey;
use super::{Goroutine, Timeline};
use crate::trace::internal::of_map;
use crate::trace::{GoId, GoState, Time};

/// CPU time between two samples of a thread, ns: `net/http/pprof` and `runtime/pprof` sample at 100 Hz.
pub const PERIOD: u64 = 10_000_000;
/// Number of stacks with a count of their own. Samples at further stacks share one count.
const STACKS: usize = 4_096;
/// Time between two measurements of the running time, ns. Each iterates over all Ps.
const STEP: Time = 20_000_000;
/// Ps per sample between two measurements. It bounds the work for traces with absurd numbers of Ps.
const PROCS: usize = 64;

/// Running time of goroutines, and its CPU samples.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct CpuTime {
    /// Time for which goroutines were running between the first and the last sample, ns. The runtime's own goroutines
    /// are included.
    pub running: u64,
    /// Part of `running` in runs of 250 µs and more, ns.
    pub long: u64,
    /// Number of samples of running goroutines in that time.
    pub samples: u64,
}

impl CpuTime {
    /// CPU time of the samples, ns.
    pub fn on_cpu(&self) -> u64 {
        self.samples.saturating_mul(PERIOD)
    }

    fn add(&mut self, other: Self) {
        self.running = self.running.saturating_add(other.running);
        self.long = self.long.saturating_add(other.long);
        self.samples += other.samples;
    }
}

/// Total time for which goroutines were running, ns.
#[derive(Clone, Copy, Debug)]
pub(super) struct Running {
    all: u64,
    /// Part in runs of 250 µs and more.
    long: u64,
}

/// Profile that is active.
#[derive(Clone, Copy, Debug)]
struct Profile {
    /// Total running time at its first sample.
    start: Running,
    /// Samples of running goroutines after the first sample.
    samples: u64,
    /// All samples since the last measurement.
    since: usize,
    /// Time of the last measurement, and its result.
    measured: Time,
    time: CpuTime,
}

/// Samples since the last report.
#[derive(Debug, Default)]
pub(super) struct Sampling {
    by_stack: HashMap<StackKey, u64, foldhash::fast::RandomState>,
    count: u64,
    /// Time of profiles that ended.
    ended: CpuTime,
    profile: Option<Profile>,
}

impl Sampling {
    /// Bytes of memory held, including those of a report.
    pub(super) fn held(&self) -> u64 {
        of_map(&self.by_stack, 1)
    }

    /// Whether a CPU profile is active, as far as the samples show it.
    #[inline]
    pub(super) fn is_active(&self) -> bool {
        self.profile.is_some()
    }

    fn count(&mut self, stack: StackKey) {
        self.count += 1;
        let known = self.by_stack.len() < STACKS || self.by_stack.contains_key(&stack);
        let stack = if known { stack } else { StackKey::NONE };
        *self.by_stack.entry(stack).or_default() += 1;
    }

    /// Ends the profile. The time after its last measurement does not count.
    pub(super) fn end_profile(&mut self) {
        if let Some(profile) = self.profile.take() {
            self.ended.add(profile.time);
        }
    }

    /// Starts the samples of the next report. `running` is the total running time.
    pub(super) fn start_stretch(&mut self, now: Time, running: Running) {
        self.by_stack.clear();
        self.count = 0;
        self.ended = CpuTime::default();
        self.profile = self.profile.map(|_| Profile::new(now, running));
    }
}

impl Profile {
    fn new(now: Time, running: Running) -> Self {
        Self {
            start: running,
            samples: 0,
            since: 0,
            measured: now,
            time: CpuTime::default(),
        }
    }
}

impl Timeline {
    /// Returns the running time and its samples since the trace's start or the last report.
    pub fn cpu_time(&self) -> CpuTime {
        let mut time = self.sampling.ended;
        time.add(
            self.sampling
                .profile
                .map_or_else(CpuTime::default, |p| p.time),
        );
        time
    }

    /// Returns the number of CPU samples since the trace's start or the last report.
    pub fn cpu_samples(&self) -> u64 {
        self.sampling.count
    }

    /// Iterates over the stacks of CPU samples and the numbers of samples.
    pub fn cpu_samples_by_stack(&self) -> impl Iterator<Item = (StackKey, u64)> + '_ {
        self.sampling.by_stack.iter().map(|(stack, n)| (*stack, *n))
    }

    /// Total time for which goroutines were running.
    pub(super) fn total_running(&self) -> Running {
        let (present, long) = self.procs.runs_up_to(self.now);
        Running {
            all: self.ran.saturating_add(present),
            long,
        }
    }

    /// Whether a goroutine writes a CPU profile.
    pub(super) fn is_profiler(&self, g: &Goroutine) -> bool {
        let stacks = [g.start, g.stack];
        stacks.iter().any(|s| self.stacks.traits(*s).profiler)
    }

    /// Counts a CPU sample of a goroutine. Samples within system calls belong to no running time.
    pub(super) fn count_sample(&mut self, g: GoId, stack: StackKey) {
        self.sampling.count(stack);
        let runs = self.gs.find(g).is_some_and(|g| g.state == GoState::Running);
        let now = self.now;
        let Some(profile) = &mut self.sampling.profile else {
            self.sampling.profile = Some(Profile::new(now, self.total_running()));
            return;
        };
        profile.samples += u64::from(runs);
        profile.since += 1;
        let due = now.saturating_sub(profile.measured) >= STEP;
        if due && profile.since > self.procs.count() / PROCS {
            (profile.measured, profile.since) = (now, 0);
            let (start, samples) = (profile.start, profile.samples);
            let now = self.total_running();
            if let Some(profile) = &mut self.sampling.profile {
                profile.time = CpuTime {
                    running: now.all.saturating_sub(start.all),
                    long: now.long.saturating_sub(start.long),
                    samples,
                };
            }
        }
    }
}
