//! Placement of two threads that wake each other all the time.
//!
//! The kernel likes to run a thread on the CPU of the thread that wakes it. In a virtual machine it takes the other CPUs
//! for busy whenever they sleep. So both threads share one CPU for milliseconds, while the next one is idle, which made
//! the analysis of 10 MB a quarter slower. Each thread therefore has half of the CPUs for itself.

#[cfg(target_os = "linux")]
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// The CPUs that this thread may use, in two halves.
#[cfg(target_os = "linux")]
pub(super) struct Halves {
    all: CpuSet,
    halves: [CpuSet; 2],
}

#[cfg(target_os = "linux")]
impl Halves {
    /// Returns the halves; `None` if there is only one CPU, or if the kernel does not tell.
    pub(super) fn of_this_thread() -> Option<Self> {
        let all = sched_getaffinity(None).ok()?;
        let count = all.count() as usize;
        let cpus = (0..CpuSet::MAX_CPU).filter(|&cpu| all.is_set(cpu));
        let mut halves = [CpuSet::new(), CpuSet::new()];
        for (n, cpu) in cpus.enumerate() {
            halves[2 * n / count].set(cpu);
        }
        (count > 1).then_some(Self { all, halves })
    }

    /// Keeps this thread in a half until the result is dropped. Without permission it stays where it is.
    pub(super) fn keep_in(&self, half: usize) -> Kept {
        // A thread that was not moved needs no way back.
        let moved = sched_setaffinity(None, &self.halves[half]);
        Kept(moved.is_ok().then_some(self.all))
    }
}

/// A thread that is kept in its half of the CPUs.
#[cfg(target_os = "linux")]
pub(super) struct Kept(Option<CpuSet>);

#[cfg(target_os = "linux")]
impl Drop for Kept {
    fn drop(&mut self) {
        if let Some(all) = &self.0 {
            // The half remains if the CPUs have changed meanwhile.
            let _ = sched_setaffinity(None, all);
        }
    }
}

/// Other kernels place threads as they like.
#[cfg(not(target_os = "linux"))]
pub(super) struct Halves;

#[cfg(not(target_os = "linux"))]
impl Halves {
    pub(super) fn of_this_thread() -> Option<Self> {
        None
    }

    pub(super) fn keep_in(&self, _: usize) {}
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    fn cpus(set: &CpuSet) -> Vec<usize> {
        let all = 0..CpuSet::MAX_CPU;
        all.filter(|&cpu| set.is_set(cpu)).collect()
    }

    #[test]
    fn threads_have_halves_and_get_all_cpus_back() {
        let before = sched_getaffinity(None).unwrap();
        let Some(halves) = Halves::of_this_thread() else {
            assert_eq!(before.count(), 1);
            return;
        };
        let [first, second] = halves.halves.map(|half| cpus(&half));
        assert_eq!([&first[..], &second].concat(), cpus(&before));
        assert!(!second.is_empty() && second.len() <= first.len());
        for half in [0, 1] {
            let kept = halves.keep_in(half);
            let now = sched_getaffinity(None).unwrap();
            assert_eq!(cpus(&now), [&first, &second][half][..]);
            drop(kept);
        }
        assert_eq!(cpus(&sched_getaffinity(None).unwrap()), cpus(&before));
    }
}
