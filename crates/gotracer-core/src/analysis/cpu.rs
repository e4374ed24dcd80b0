//! CPU samples of a report, by function.

use std::cmp::Reverse;
use std::collections::HashMap;

use crate::report::{CpuSamples, SampledFunction};
use crate::timeline::{SAMPLE_PERIOD, Timeline};
use crate::unnamed::UNKNOWN;

/// Maximum number of functions in a report.
const REPORTED: usize = 100;
/// Longest name of a function in a report, characters.
const NAME: usize = 1_024;

/// Returns the CPU samples since the last report; `None` if there are none.
pub(super) fn cpu_samples(t: &Timeline) -> Option<CpuSamples> {
    let count = t.cpu_samples();
    let time = t.cpu_time();
    (count > 0).then(|| CpuSamples {
        count,
        period_ns: SAMPLE_PERIOD,
        running_ns: time.running,
        on_cpu_ns: time.on_cpu(),
        functions: functions(t),
    })
}

/// Returns the functions with most samples.
fn functions(t: &Timeline) -> Vec<SampledFunction> {
    let mut counts: HashMap<&str, (u64, u64), foldhash::fast::RandomState> = HashMap::default();
    let mut within = Vec::new();
    for (stack, n) in t.cpu_samples_by_stack() {
        within.clear();
        let names = t.stacks().frames(stack).map(|frame| frame.function);
        within.extend(names.filter(|name| !name.is_empty()));
        if within.is_empty() {
            within.push(UNKNOWN);
        }
        counts.entry(within[0]).or_default().0 += n;
        // A recursive function counts once per stack.
        within.sort_unstable();
        within.dedup();
        for name in &within {
            counts.entry(name).or_default().1 += n;
        }
    }
    let mut all: Vec<_> = counts.into_iter().collect();
    all.sort_by_key(|&(name, counts)| (Reverse(counts), name));
    all.truncate(REPORTED);
    let all = all.into_iter().map(|(name, (flat, cum))| SampledFunction {
        function: name.chars().take(NAME).collect(),
        flat,
        cum,
    });
    all.collect()
}
