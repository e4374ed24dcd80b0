//! The histogram of each rule: its name, and how to read it.

use prometheus_client::registry::Unit;

use super::histogram::Scale;
use crate::rules::Rule;

/// A rule's signal as a metric.
pub struct Signal {
    /// The rule it belongs to.
    pub rule: &'static str,
    /// The metric's name without its unit.
    pub name: &'static str,
    /// The unit that the name ends in.
    pub unit: Option<Unit>,
    /// From the rule's unit to the metric's.
    pub scale: &'static Scale,
    /// How to read it, as one or more sentences.
    pub reading: &'static str,
    /// A second histogram of the same signal, by reason.
    pub by_reason: Option<ByReason>,
}

/// A rule's signal by reason.
pub struct ByReason {
    /// The metric's name without its unit.
    pub name: &'static str,
    /// The whole HELP text.
    pub help: &'static str,
}

/// The signals, in the order of the rules' registry.
pub static SIGNALS: [Signal; 8] = [
    Signal {
        rule: "GCPauseSpike",
        name: "gotrace_gc_pause",
        unit: Some(Unit::Seconds),
        scale: &Scale::TIME,
        reading: "The rate of the sum by gotrace_observed_seconds_total is the share of time \
            in which the collector stopped the program.",
        by_reason: Some(ByReason {
            name: "gotrace_stop_the_world",
            help: "All stop-the-world pauses by their reason, the collector's and the others. \
                GCPauseSpike judges the collector's alone.",
        }),
    },
    Signal {
        rule: "HighSchedulingLatency",
        name: "gotrace_sched_latency",
        unit: Some(Unit::Seconds),
        scale: &Scale::TIME,
        reading: "High quantiles are what requests feel while the CPU is short.",
        by_reason: Some(ByReason {
            name: "gotrace_sched_latency_by_reason",
            help: "The waits of gotrace_sched_latency_seconds by how the goroutine became \
                runnable.",
        }),
    },
    Signal {
        rule: "MutexContention",
        name: "gotrace_mutex_wait",
        unit: Some(Unit::Seconds),
        scale: &Scale::TIME,
        reading: "The rate of the sum by gotrace_observed_seconds_total is how many \
            goroutines wait for a lock at any time.",
        by_reason: None,
    },
    Signal {
        rule: "BlockedOnSyscall",
        name: "gotrace_syscall",
        unit: Some(Unit::Seconds),
        scale: &Scale::TIME,
        reading: "The rate of the sum by gotrace_observed_seconds_total is how many \
            goroutines, and so threads, are in system calls at any time.",
        by_reason: None,
    },
    Signal {
        rule: "GoroutineLeakGrowth",
        name: "gotrace_goroutine_growth",
        unit: None,
        scale: &Scale::GOROUTINES,
        reading: "One value a creation site that grew. The rate of the sum by \
            gotrace_observed_seconds_total is goroutines gained each second.",
        by_reason: None,
    },
    Signal {
        rule: "HeapGrowthSpike",
        name: "gotrace_heap_growth",
        unit: Some(Unit::Bytes),
        scale: &Scale::BYTES,
        reading: "One value for each collection after the first; 0 where the floor did not rise.",
        by_reason: None,
    },
    Signal {
        rule: "ProcessorStarvation",
        name: "gotrace_processor_starvation",
        unit: Some(Unit::Seconds),
        scale: &Scale::TIME,
        reading: "The rate of the sum by gotrace_observed_seconds_total is how many \
            processors stand idle beside work; compare with CPU throttling.",
        by_reason: None,
    },
    Signal {
        rule: "GCAssist",
        name: "gotrace_mark_assist",
        unit: Some(Unit::Seconds),
        scale: &Scale::TIME,
        reading: "The rate of the sum by gotrace_observed_seconds_total is how many \
            goroutines work for the collector instead of for their callers.",
        by_reason: None,
    },
];

impl Signal {
    /// The HELP text.
    pub fn help(&self, rule: &Rule) -> String {
        format!("{} (rule {}) {}", rule.summary, self.rule, self.reading)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::{RULES, Unit as RuleUnit};

    #[test]
    fn every_rule_has_its_signal_in_its_unit() {
        assert_eq!(RULES.len(), SIGNALS.len());
        for (rule, signal) in RULES.iter().zip(&SIGNALS) {
            assert_eq!(rule.name, signal.rule);
            let unit = match rule.unit {
                RuleUnit::Nanoseconds => Some("seconds"),
                RuleUnit::Bytes => Some("bytes"),
                RuleUnit::Goroutines => None,
            };
            assert_eq!(
                signal.unit.as_ref().map(Unit::as_str),
                unit,
                "{}",
                rule.name
            );
        }
    }

    #[test]
    fn help_needs_no_escaping() {
        for (rule, signal) in RULES.iter().zip(&SIGNALS) {
            let help = signal.help(rule);
            assert!(!help.contains(['\n', '\\', '"']), "{help}");
        }
    }
}
