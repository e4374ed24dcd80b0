//! Findings for code hosts: one per place, however many traces show it, with a fingerprint that is stable across
//! runs.

use std::cmp::Reverse;
use std::collections::HashMap;

use super::{Finding, Location, Options, Report, Suppressed, hash, top};

/// A finding, and its location in the code.
pub(super) struct Placed<'a> {
    pub finding: &'a Finding,
    /// Trace in which it was worst.
    pub source: &'a str,
    pub location: Location<'a>,
    /// Identifier that is the same in the next run, even if lines moved or the repository is in another directory.
    pub fingerprint: String,
    /// Suppression of the finding, if there is one.
    pub suppressed: Option<&'a Suppressed>,
}

/// Returns the findings of all traces, the worst first.
pub(super) fn placed<'a>(reports: &'a [Report], options: &Options) -> Vec<Placed<'a>> {
    place(
        reports.iter().flat_map(|report| shown(report, options)),
        options,
    )
}

/// Returns the findings of all traces with the suppressed ones, the worst first.
pub(super) fn placed_with_suppressed<'a>(
    reports: &'a [Report],
    options: &Options,
) -> Vec<Placed<'a>> {
    let all = reports.iter().flat_map(|report| {
        let source = report.trace.source.as_str();
        let suppressed = report.suppressed.iter();
        let suppressed = suppressed.map(move |s| (source, &s.finding, Some(s)));
        shown(report, options).chain(suppressed)
    });
    place(all, options)
}

type Sourced<'a> = (&'a str, &'a Finding, Option<&'a Suppressed>);

fn shown<'a>(report: &'a Report, options: &Options) -> impl Iterator<Item = Sourced<'a>> {
    let source = report.trace.source.as_str();
    let findings = top(report, options.top).into_iter();
    findings.map(move |finding| (source, finding, None))
}

fn place<'a>(all: impl Iterator<Item = Sourced<'a>>, options: &Options) -> Vec<Placed<'a>> {
    let mut places: HashMap<&str, usize> = HashMap::new();
    let mut worst: Vec<Sourced<'a>> = Vec::new();
    for (source, finding, suppressed) in all {
        let place = *places.entry(&finding.id).or_insert(worst.len());
        match worst.get_mut(place) {
            None => worst.push((source, finding, suppressed)),
            Some(known) => {
                // One trace may suppress a finding that another one shows.
                let badness =
                    |f: &Finding, s: Option<&Suppressed>| (s.is_none(), f.severity, f.worst);
                if badness(known.1, known.2) < badness(finding, suppressed) {
                    *known = (source, finding, suppressed);
                }
            }
        }
    }
    worst.sort_by_key(|(_, finding, _)| Reverse(finding.severity));
    let mut seen = HashMap::new();
    let place = |(source, finding, suppressed): Sourced<'a>| {
        let location = options.paths.location(finding);
        let nth = seen.entry(fingerprint(finding, &location, 0)).or_insert(0);
        let fingerprint = fingerprint(finding, &location, *nth);
        *nth += 1;
        Placed {
            finding,
            source,
            location,
            fingerprint,
            suppressed,
        }
    };
    worst.into_iter().map(place).collect()
}

/// Returns the fingerprint. Findings of one rule in one function differ by `nth`. A phase has the same fingerprint
/// wherever it is worst.
fn fingerprint(finding: &Finding, location: &Location<'_>, nth: u32) -> String {
    let function = finding.place.function.as_str();
    let nth = nth.to_string();
    if let Some(phase) = &finding.phase {
        return hash(&[finding.rule.name, phase, &nth]);
    }
    hash(&[finding.rule.name, function, &location.path, &nth])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    #[test]
    fn a_place_is_told_once_and_known_again() {
        let mut reports = [sample::eventful("a"), sample::eventful("b")];
        reports[1].findings[0].worst += 1;
        let options = Options::default();
        let first = placed(&reports, &options);
        assert_eq!(first.len(), reports[0].findings.len());
        assert_eq!((first[0].source, first[1].source), ("b", "a"));

        // The repository moved, and the code moved within its file.
        let mut moved = reports.clone();
        let mut there = Options::default();
        for found in moved.iter_mut().flat_map(|r| &mut r.findings) {
            for frame in found.stack.iter_mut().chain([&mut found.place]) {
                frame.file = frame.file.replace("example.com/shop", "/builds/7/shop");
                frame.line += 10;
            }
        }
        there.paths.add("/builds/7/shop", "");
        let mut here = Options::default();
        here.paths.add("example.com/shop", "");
        let of = |reports: &[Report], options| -> Vec<String> {
            let all = placed(reports, options).into_iter();
            all.map(|p| p.fingerprint).collect()
        };
        assert_eq!(of(&reports, &here), of(&moved, &there));

        // Two findings at different lines of one function stay two.
        let mut second = reports[0].findings[0].clone();
        second.id = "another".into();
        reports[0].findings.push(second);
        let mut all = of(&reports, &here);
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), reports[0].findings.len());
    }
}
