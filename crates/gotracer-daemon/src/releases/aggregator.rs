//! Combines the generations of a stream into captures.
//!
//! A generation of a second is too short for a comparison, so generations are merged until they
//! cover a minute.

use crate::report::{Creations, Report, RuleReport, Status};

/// Duration of a capture of a stream in nanoseconds, as long as the unit of growth.
const ENOUGH: u64 = 60 * 1_000_000_000;

/// Generations since the last capture.
#[derive(Debug, Default)]
pub(super) struct CaptureAggregator(Option<Box<Report>>);

impl CaptureAggregator {
    /// Adds a generation. Returns the capture that the generation completes, if any.
    pub(super) fn add(&mut self, report: &Report, last: bool) -> Option<Box<Report>> {
        match &mut self.0 {
            Some(all) => append(all, report),
            None => self.0 = Some(Box::new(without_details(report))),
        }
        let over = |all: &mut Box<Report>| last || all.trace.duration_ns >= ENOUGH;
        self.0.take_if(over)
    }
}

/// Drops the details that captures do not use, to save memory.
fn without_details(report: &Report) -> Report {
    let rules = report.rules.iter().map(|r| RuleReport {
        spread: None,
        by_reason: Vec::new(),
        ..r.clone()
    });
    Report {
        rules: rules.collect(),
        findings: Vec::new(),
        course: None,
        waits: Vec::new(),
        goroutines: Vec::new(),
        moments: Vec::new(),
        ..report.clone()
    }
}

fn append(all: &mut Report, more: &Report) {
    all.trace.duration_ns += more.trace.duration_ns;
    all.trace.generations += more.trace.generations;
    for new in &more.rules {
        let Some(known) = all.rules.iter_mut().find(|r| r.rule == new.rule) else {
            continue;
        };
        known.measurement.merge(&new.measurement);
        if new.status != Status::NotApplicable {
            (known.status, known.reason) = (new.status, None);
        }
    }
    let (program, now) = (&mut all.program, &more.program);
    program.goroutines.end = now.goroutines.end;
    program.goroutines.created += now.goroutines.created;
    program.goroutines.exited += now.goroutines.exited;
    program.time += now.time;
    program.heap_live_bytes = now.heap_live_bytes.or(program.heap_live_bytes);
    for new in &now.goroutines.places {
        let same = |known: &&mut Creations| known.place == new.place;
        match program.goroutines.places.iter_mut().find(same) {
            Some(known) => {
                known.created += new.created;
                known.exited += new.exited;
            }
            None => program.goroutines.places.push(new.clone()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    fn second(end: u64, waited: u64) -> Report {
        let mut report = sample::report("s");
        report.trace.duration_ns = 20_000_000_000;
        report.rules[2].measurement.record(waited);
        report.rules[7].status = Status::NotApplicable;
        report.program.goroutines.end = end;
        report
    }

    #[test]
    fn seconds_become_a_capture() {
        let mut aggregator = CaptureAggregator::default();
        assert!(aggregator.add(&second(20, 5), false).is_none());
        let mut without_heap = second(30, 7);
        without_heap.program.heap_live_bytes = None;
        without_heap.rules[7].status = Status::Ok;
        assert!(aggregator.add(&without_heap, false).is_none());
        let all = aggregator.add(&second(40, 9), false).unwrap();
        assert_eq!(all.trace.duration_ns, ENOUGH);
        assert_eq!(
            (
                all.rules[2].measurement.count(),
                all.rules[2].measurement.sum()
            ),
            (3, 21)
        );
        assert_eq!(all.rules[7].status, Status::Ok);
        let goroutines = &all.program.goroutines;
        assert_eq!((goroutines.start, goroutines.end), (12, 40));
        assert_eq!(goroutines.created, 3 * 1_003);
        assert_eq!(all.program.heap_live_bytes, Some(60 << 20));
        assert!(aggregator.add(&second(1, 1), true).is_some());
        assert!(aggregator.0.is_none());
    }
}
