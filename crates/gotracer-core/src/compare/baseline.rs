//! Baseline of known findings, so that a CI gate fails only on findings that are new or worse.

use std::collections::BTreeSet;

use super::findings::{Difference, Found, by_place, key, line, pair};
use crate::report::Report;

/// Findings of earlier traces, against which new reports are compared.
#[derive(Clone, Debug)]
pub struct Baseline {
    found: Found,
}

impl Baseline {
    /// Collects the findings of some reports. A finding that several reports have counts as severe as in the worst.
    pub fn new(reports: &[Report]) -> Self {
        Self {
            found: by_place(reports),
        }
    }

    /// Removes the findings from a report that the baseline has as well, unless they became worse, and counts them.
    pub fn apply(&self, report: &mut Report) {
        let mut wanted = BTreeSet::new();
        let now = by_place(std::slice::from_ref(report));
        pair(self.found.clone(), now, |key, base, new| {
            let Some(new) = new else {
                return;
            };
            let difference = base.map_or(Some(Difference::New), |base| new.compared_with(&base));
            if matches!(difference, Some(Difference::New | Difference::Worse)) {
                wanted.insert((key.clone(), line(key, &new.place)));
            }
        });
        let all = report.findings.len();
        report.findings.retain(|f| {
            let key = key(f);
            let line = line(&key, &f.place);
            wanted.contains(&(key, line))
        });
        report.known += (all - report.findings.len()) as u64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;
    use std::slice::from_ref;

    fn left(base: &[Report], mut report: Report) -> Vec<u64> {
        let all = report.findings.len();
        Baseline::new(base).apply(&mut report);
        assert_eq!(report.known as usize + report.findings.len(), all);
        report.findings.iter().map(|f| f.place.line).collect()
    }

    #[test]
    fn what_is_known_is_left_out_wherever_its_line_is_now() {
        let base = sample::eventful("a");
        assert!(!base.findings.is_empty());
        let mut moved = base.clone();
        moved.findings.iter_mut().for_each(|f| f.place.line += 7);
        assert_eq!(left(&[base], moved), [0; 0]);
    }

    #[test]
    fn one_more_place_in_a_function_is_new() {
        let base = sample::eventful("a");
        let mut more = base.clone();
        let mut second = more.findings[0].clone();
        second.place.line += 20;
        more.findings.push(second.clone());
        assert_eq!(left(from_ref(&base), more), [second.place.line]);
        assert_eq!(left(&[], base.clone()).len(), base.findings.len());
    }

    #[test]
    fn what_is_twice_as_bad_as_the_worst_of_the_baseline_is_back() {
        let base = sample::eventful("a");
        let mut worse = base.clone();
        worse.findings[0].worst *= 2;
        let line = worse.findings[0].place.line;
        assert_eq!(left(from_ref(&base), worse.clone()), [line]);
        assert_eq!(left(&[base, worse.clone()], worse), [0; 0]);
    }
}
