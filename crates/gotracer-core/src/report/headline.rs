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
            let (share, lost) = (self.share(rule)?, worst.rule.lost.as_ref()?);
            let lasted = duration(self.trace.duration_ns);
            Some(match share {
                0.0 => return None,
                ..0.995 => format!("{} of {lasted} lost to {}", share::text(share), lost.to),
                _ => {
                    let average = share::average(share);
                    let doing = lost.many?;
                    format!("on average {average} {doing} during {lasted}")
                }
            })
        };
        Some(sentence().unwrap_or_else(|| worst.message.clone()))
    }
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
