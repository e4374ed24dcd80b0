//! The main fact of a report in one sentence.

use super::{Report, ranked, share};
use crate::units::duration;

impl Report {
    /// Returns the cost of the worst finding's rule, such as `29% of 3.14s lost to GC pauses`; `None` without
    /// findings.
    pub fn headline(&self) -> Option<String> {
        let worst = *ranked(self).first()?;
        let rule = self.rules.iter().find(|rule| rule.rule == worst.rule)?;
        let sentence = || {
            let (share, lost) = (self.share(rule)?, lost_to(worst.rule.name)?);
            let lasted = duration(self.trace.duration_ns);
            Some(match share {
                0.0 => return None,
                ..0.995 => format!("{} of {lasted} lost to {lost}", share::text(share)),
                _ => {
                    let average = share::average(share);
                    let doing = many(worst.rule.name)?;
                    format!("on average {average} {doing} during {lasted}")
                }
            })
        };
        Some(sentence().unwrap_or_else(|| worst.message.clone()))
    }
}

/// Returns the noun for a rule's lost time; `None` if its measurement is not lost time.
fn lost_to(rule: &str) -> Option<&'static str> {
    Some(match rule {
        "GCPauseSpike" => "GC pauses",
        "StopTheWorld" => "stop-the-world pauses",
        "HighSchedulingLatency" => "waiting for a P",
        "MutexContention" => "waiting for locks",
        "BlockedOnSyscall" => "syscalls",
        "GCAssist" => "mark assists",
        "ProcessorStarvation" => "idle Ps beside runnable goroutines",
        "ChannelBackpressure" => "waiting to send on channels",
        _ => return None,
    })
}

/// Returns what several goroutines or Ps were doing at a time; `None` if a rule's occurrences do not overlap.
fn many(rule: &str) -> Option<&'static str> {
    Some(match rule {
        "HighSchedulingLatency" => "goroutines were waiting for a P",
        "MutexContention" => "goroutines were waiting for locks",
        "BlockedOnSyscall" => "goroutines were in syscalls",
        "GCAssist" => "goroutines were in mark assists",
        "ProcessorStarvation" => "Ps were idle beside runnable goroutines",
        "ChannelBackpressure" => "goroutines were waiting to send on channels",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use crate::report::sample;

    #[test]
    fn the_headline_is_the_cost_of_the_worst_rule() {
        let mut report = sample::eventful("a");
        assert_eq!(
            report.headline().as_deref(),
            Some("1.0% of 5.01s lost to waiting for locks")
        );
        report.trace.duration_ns = 10_000_000;
        assert_eq!(
            report.headline().as_deref(),
            Some("on average 5.0 goroutines were waiting for locks during 10ms")
        );
        report.findings.remove(0);
        let growth = report.headline().unwrap();
        assert_eq!(growth, report.findings[1].message);
        assert_eq!(sample::report("a").headline(), None);
    }
}
