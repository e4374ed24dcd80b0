//! The histogram of each rule: its name, and how to read it.

use prometheus_client::registry::Unit;

use super::histogram::Scale;
use crate::rules::{RULES, Rule, Unit as RuleUnit};

/// A rule's signal as a metric.
pub struct Signal {
    /// The rule it belongs to.
    pub rule: &'static str,
    /// The metric's name without its unit.
    pub name: &'static str,
    /// How to read it, as one or more sentences.
    pub reading: &'static str,
}

/// A second histogram of a rule's signal, by reason.
pub struct ByReason {
    /// The rule it belongs to.
    pub rule: &'static str,
    /// The metric's name without its unit.
    pub name: &'static str,
    /// The whole HELP text.
    pub help: &'static str,
}

const fn signal(rule: &'static str, name: &'static str, reading: &'static str) -> Signal {
    Signal {
        rule,
        name,
        reading,
    }
}

/// The signals, in the order of the rules' registry.
pub static SIGNALS: [Signal; RULES.len()] = [
    signal(
        "GCPauseSpike",
        "gotrace_gc_pause",
        "The rate of the sum by gotrace_observed_seconds_total is the share of time in which \
            the collector stopped the program.",
    ),
    signal(
        "HighSchedulingLatency",
        "gotrace_sched_latency",
        "High quantiles are what requests feel while the CPU is short.",
    ),
    signal(
        "MutexContention",
        "gotrace_mutex_wait",
        "The rate of the sum by gotrace_observed_seconds_total is how many goroutines wait for \
            a lock at any time.",
    ),
    signal(
        "BlockedOnSyscall",
        "gotrace_syscall",
        "The rate of the sum by gotrace_observed_seconds_total is how many goroutines, and so \
            threads, are in system calls at any time.",
    ),
    signal(
        "GoroutineLeakGrowth",
        "gotrace_goroutine_growth",
        "One value a creation site that grew. The rate of the sum by \
            gotrace_observed_seconds_total is goroutines gained each second.",
    ),
    signal(
        "HeapGrowthSpike",
        "gotrace_heap_growth",
        "One value for each collection after the first; 0 where the floor did not rise.",
    ),
    signal(
        "ProcessorStarvation",
        "gotrace_processor_starvation",
        "The rate of the sum by gotrace_observed_seconds_total is how many processors stand \
            idle beside work; compare with CPU throttling.",
    ),
    signal(
        "GCAssist",
        "gotrace_mark_assist",
        "The rate of the sum by gotrace_observed_seconds_total is how many goroutines work for \
            the collector instead of for their callers.",
    ),
];

/// The signals that are told by reason as well.
pub static BY_REASON: [ByReason; 2] = [
    ByReason {
        rule: "GCPauseSpike",
        name: "gotrace_stop_the_world",
        help: "All stop-the-world pauses by their reason, the collector's and the others. \
            Of these, the rule GCPauseSpike judges the collector's alone.",
    },
    ByReason {
        rule: "HighSchedulingLatency",
        name: "gotrace_sched_latency_by_reason",
        help: "The waits of gotrace_sched_latency_seconds by how the goroutine became \
            runnable. (rule HighSchedulingLatency)",
    },
];

impl Signal {
    /// The HELP text.
    pub fn help(&self, rule: &Rule) -> String {
        format!("{} (rule {}) {}", rule.summary, self.rule, self.reading)
    }
}

impl ByReason {
    /// That of a rule, if there is one.
    pub fn of(rule: &Rule) -> Option<&'static Self> {
        BY_REASON
            .iter()
            .find(|by_reason| by_reason.rule == rule.name)
    }
}

/// A rule's unit as the metric has it: the one its name ends in, and how to get
/// there.
pub fn unit(unit: RuleUnit) -> (Option<Unit>, &'static Scale) {
    match unit {
        RuleUnit::Nanoseconds => (Some(Unit::Seconds), &Scale::TIME),
        RuleUnit::Bytes => (Some(Unit::Bytes), &Scale::BYTES),
        RuleUnit::Goroutines => (None, &Scale::GOROUTINES),
    }
}

/// The upper bounds of a unit's classic buckets, in that unit.
pub fn bounds(of: RuleUnit) -> impl Iterator<Item = u64> {
    unit(of).1.bounds()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_has_its_signal() {
        for (rule, signal) in RULES.iter().zip(&SIGNALS) {
            assert_eq!(rule.name, signal.rule);
        }
        for by_reason in &BY_REASON {
            assert!(Rule::find(by_reason.rule).is_some(), "{}", by_reason.rule);
        }
    }
}
