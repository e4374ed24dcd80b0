//! Running goroutines that do not get a CPU.

use std::cmp::Reverse;

use super::detector::{AtPlace, Detector, Found, Group, Occurrence, PLACES, Verdict};
use super::{
    Alert, Beside, Distribution, Limit, Line, MS, Metric, Panel, Rule, RuleSettings, Severity,
    Thresholds, Unit,
};
use crate::timeline::{Actor, CpuTime, FrameKey, Kinds, Owner, SAMPLE_PERIOD, StackKey, Timeline};
use crate::units;

/// The registry's entry.
pub(super) static RULE: Rule = Rule {
    name: "CPUStarved",
    unit: Unit::Nanoseconds,
    brief: "running goroutines without a CPU: a CPU limit, throttling, other work on the machine",
    summary: "Goroutines that are running by their events, while their threads get less CPU time by \
        the samples of a CPU profile. At least 20 % has to be missing beyond what the \
        kernel's timers lose (10 %) and beyond chance (99 %). Runs below 250 µs do not count.",
    why: "The Go scheduler takes a goroutine for running as soon as a thread has it, but the \
        operating system decides when the thread gets a CPU. All latencies of the program grow, \
        and no other rule shows why.",
    advice: "Compare with container_cpu_cfs_throttled_periods_total and the load of the node. Raise \
        the CPU limit or the request, set GOMAXPROCS to the limit (Go 1.25 does so by itself), or \
        move other work away. Page faults that read from disk or swap look the same.",
    needs: "CPU samples: a trace recorded while a CPU profile is active (`cpu_samples`, \
        `--cpu-samples`), Go 1.19 and later, on Linux.",
    thresholds: [shares(20.0, 50.0), shares(20.0, 50.0), shares(30.0, 60.0)],
    percent_of: "the time for which goroutines were running, without runs below 250 µs",
    lost: None,
    off_in: &[],
    watches: Kinds::NONE,
    detector: new,
    settings: &[],
    metric: Metric {
        name: "gotrace_cpu_starved",
        reading: "One value for each trace with a CPU profile. Without CPU samples there is none.",
        about: "for how long goroutines were running without a CPU, one value for each trace with CPU samples",
        by_reason: None,
    },
    alert: Alert {
        percent: 25,
        hold: "10m",
        summary: "{program} does not get the CPU that its goroutines need",
        happened: "goroutines were running without a CPU",
        gauge: None,
        meaning: "Goroutines were running by the Go scheduler, but the operating system ran their \
            threads for much less time. A CPU limit throttles the container, or other work on the \
            machine takes the CPUs. Page faults that read from disk or swap look the same.",
    },
    panel: Panel {
        sum: "goroutines running without a CPU",
        sum_unit: "percentunit",
        beside: Beside::Values {
            title: "CPU for running goroutines",
            description: "Of the time for which goroutines were running in traces with CPU samples, \
                the part for which a CPU ran them. 0.9 and more is normal, and less with many \
                runs below 250 µs.",
            unit: "percentunit",
            log: false,
            lines: &[Line {
                expr: "sum by (instance) (rate(gotrace_on_cpu_seconds_total{$target}[$over])) / \
                    sum by (instance) (rate(gotrace_running_seconds_total{$target}[$over]))",
                legend: "on a CPU",
                right: None,
            }],
        },
    },
};

/// Minimum number of expected samples.
const EXPECTED: u64 = 50;
/// Ratio of the samples that the kernel's timers lose without any starvation. The kernel checks the timers at its
/// ticks, and a check that is late by a period loses a sample. Measured with 250 ticks per second: 2 to 3 % for loops, up
/// to 10 % for runs of 0.3 to 2 ms. In runs of 100 µs it was 54 %, so shorter runs are no evidence.
const LOST: f64 = 0.1;
/// 99 % quantile of the normal distribution.
const Z: f64 = 2.326;

const fn shares(warn: f64, error: f64) -> Thresholds {
    const fn limit(percent: f64) -> Limit {
        Limit {
            percent: Some(percent),
            ..Limit::value(100 * MS)
        }
    }
    Thresholds {
        warn: limit(warn),
        error: limit(error),
    }
}

#[derive(Clone)]
struct CpuStarved {
    settings: RuleSettings,
}

fn new(settings: RuleSettings) -> Box<dyn Detector> {
    Box::new(CpuStarved { settings })
}

impl Detector for CpuStarved {
    fn verdict(&self, t: &Timeline) -> Verdict {
        let time = t.cpu_time();
        if let Some(why) = not_applicable(time, t) {
            return Verdict {
                not_applicable: Some(why),
                ..Verdict::default()
            };
        }
        let mut measurement = Distribution::default();
        measurement.record(time.long.saturating_sub(time.on_cpu()));
        Verdict {
            measurement,
            found: self.found(time, t).into_iter().collect(),
            ..Verdict::default()
        }
    }

    fn forget(&mut self, _: &Timeline) {}

    fn boxed_clone(&self) -> Box<dyn Detector> {
        Box::new(self.clone())
    }
}

impl CpuStarved {
    fn found(&self, time: CpuTime, t: &Timeline) -> Option<Found> {
        let missing = missing(time);
        let lacks = time.long.saturating_sub(time.on_cpu());
        let crosses = |limit: Limit| {
            lacks >= limit.value
                && limit
                    .percent
                    .is_some_and(|percent| missing * 100.0 >= percent)
        };
        let Thresholds { warn, error } = self.settings.thresholds;
        let (severity, limit) = match (crosses(warn), crosses(error)) {
            (_, true) => (Severity::Error, error),
            (true, false) => (Severity::Warn, warn),
            (false, false) => return None,
        };
        let part = limit.percent.unwrap_or_default() / 100.0;
        Some(Found {
            severity,
            threshold: (time.long as f64 * part) as u64,
            group: group(lacks, t),
            variant: "starved".into(),
            message: format!(
                "goroutines were running for {}, a CPU ran them for {} ({} samples): CPU limit, throttling or other \
                 work on the machine",
                units::duration(time.long),
                units::duration(time.on_cpu()),
                time.samples
            ),
            cause: None,
            advice: None,
        })
    }
}

/// Returns why the samples are no evidence, if they are none.
fn not_applicable(time: CpuTime, t: &Timeline) -> Option<String> {
    if t.cpu_samples() == 0 {
        return Some("the trace holds no CPU samples".into());
    }
    if !t.stacks().shows_linux() {
        return Some(
            "CPU samples count CPU time only on Linux, which no stack of the trace shows".into(),
        );
    }
    let expected = time.long / SAMPLE_PERIOD;
    (expected < EXPECTED).then(|| {
        format!(
            "goroutines ran for {} between CPU samples, without runs below 250 µs, and {} are needed",
            units::duration(time.long),
            units::duration(EXPECTED * SAMPLE_PERIOD)
        )
    })
}

/// Returns the part of the running time that is missing with 99 % certainty, beyond the timers' error.
fn missing(time: CpuTime) -> f64 {
    let expected = time.long as f64 * (1.0 - LOST) / SAMPLE_PERIOD as f64;
    (1.0 - upper_bound(time.samples) / expected.max(1.0)).max(0.0)
}

/// Returns the 99 % upper bound of the mean of a Poisson distribution of which `n` was observed (Byar's
/// approximation).
fn upper_bound(n: u64) -> f64 {
    let n = n as f64 + 1.0;
    n * (1.0 - 1.0 / (9.0 * n) + Z / (3.0 * n.sqrt())).powi(3)
}

/// Returns the finding's only occurrence: all of the trace, at the places with most samples.
fn group(lacks: u64, t: &Timeline) -> Group {
    let mut places: Vec<(FrameKey, u64, StackKey)> = Vec::new();
    let mut by_stack: Vec<_> = t.cpu_samples_by_stack().collect();
    by_stack.sort_by_key(|(stack, n)| (Reverse(*n), stack.index()));
    for (stack, n) in by_stack {
        let traits = t.stacks().traits(stack);
        let known = places.iter().position(|(place, ..)| *place == traits.place);
        match known {
            Some(i) => places[i].1 += n,
            None if places.len() < PLACES && traits.owner == Owner::Program => {
                places.push((traits.place, n, stack));
            }
            None => {}
        }
    }
    places.sort_by_key(|(place, n, _)| (Reverse(*n), *place));
    let (place, _, stack) = places.first().copied().unwrap_or_default();
    let victim = Actor {
        stack,
        ..Actor::NONE
    };
    let occurrence = Occurrence {
        value: lacks,
        start: t.stretch(),
        end: t.now(),
        open: false,
        victim,
    };
    let mut group = Group::new(place, &occurrence);
    group.add(&occurrence, Default::default);
    let at = |&(place, n, _): &(FrameKey, u64, StackKey)| AtPlace {
        place,
        count: n,
        worst: n * SAMPLE_PERIOD,
    };
    group.places = places.iter().map(at).collect();
    if group.places.is_empty() {
        // A place makes the finding one of a phase, with the same id in every trace.
        group.places.push(AtPlace {
            place,
            count: 1,
            worst: lacks,
        });
    }
    group
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bound_is_that_of_a_poisson_distribution() {
        for (n, bound) in [(0, 4.605), (1, 6.638), (29, 44.19), (100, 125.6)] {
            let found = upper_bound(n);
            assert!((found / bound - 1.0).abs() < 0.01, "{n}: {found}");
        }
    }

    #[test]
    fn chance_and_the_timers_error_do_not_count() {
        let missing = |long_ms: u64, samples| {
            missing(CpuTime {
                running: 100_000 * MS,
                long: long_ms * MS,
                samples,
            })
        };
        // 29 samples in 4.03 s: at most 45 of 363.
        assert!((0.85..0.9).contains(&missing(4_034, 29)));
        // The timers lose 10 of 100.
        assert_eq!(missing(1_000, 90), 0.0);
        // 30 of 45 may be chance.
        assert!(missing(500, 30) < 0.2);
        assert!(missing(10_000, 600) > 0.2);
    }
}
