//! Tests of the sums of reports.

use super::*;
use crate::export::catalog::limits;
use crate::export::settings::Settings;
use crate::report::{Report, Severity};

fn report(reasons: impl Iterator<Item = String>) -> Report {
    let mut one = Distribution::default();
    one.record(1);
    let mut report = crate::report::sample::report("a.trace");
    report.rules[0].by_reason = reasons.map(|reason| (reason, one.clone())).collect();
    report
}

fn recorded(series_limit: usize) -> Totals {
    let settings = Settings {
        series_limit,
        ..Settings::default()
    };
    let limits = Limits {
        fixed: 100,
        ..limits(&settings)
    };
    let births = Births::default();
    let mut target = Totals::new(&[], births.beforehand(), &births);
    let report = report((0..1000).map(|i| i.to_string()));
    for _ in 0..2 {
        target.record(&report, Duration::ZERO, SystemTime::UNIX_EPOCH, &limits);
    }
    target
}

#[test]
fn ten_times_the_threshold_of_an_error_is_extreme() {
    let births = Births::default();
    let mut target = Totals::new(&[], births.beforehand(), &births);
    let mut finding = crate::report::sample::finding("GCPauseSpike", Severity::Error);
    let index = finding.rule.index();
    finding.threshold = 100;
    for (severity, worst, extreme) in [
        (Severity::Error, 999, 0),
        (Severity::Error, 1000, 1),
        (Severity::Warn, 5000, 1),
    ] {
        (finding.severity, finding.worst) = (severity, worst);
        target.record_finding(&finding, None, SystemTime::UNIX_EPOCH);
        assert_eq!(target.extreme[index], extreme, "{severity:?} {worst}");
    }
    finding.threshold = 0;
    finding.severity = Severity::Error;
    target.record_finding(&finding, None, SystemTime::UNIX_EPOCH);
    assert_eq!(target.extreme[index], 1);
}

#[test]
fn reasons_are_bounded() {
    let target = recorded(0);
    let map = &target.by_reason[0];
    assert_eq!(map.iter().count(), bounded::MOST + 1);
    assert_eq!(map.iter().map(|(_, d, _)| d.count()).sum::<u64>(), 2000);
    assert_eq!(target.dropped_series(), 0);
}

#[test]
fn what_finds_no_room_is_counted_and_what_found_it_keeps_it() {
    let target = recorded(106);
    // Sum, count and one bucket of each reason.
    let map = &target.by_reason[0];
    let counts: Vec<_> = map.iter().map(|(r, d, _)| (r, d.count())).collect();
    assert_eq!(counts, [("0", 2), ("1", 2)]);
    assert_eq!(target.dropped_series(), 2 * 998);
}

#[test]
fn the_last_trace_is_the_one_made_last() {
    let settings = Settings::default();
    let limits = limits(&settings);
    let births = Births::default();
    let mut target = Totals::new(&[], births.beforehand(), &births);
    // The traces are read in 2026.
    let mut at = SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_000_000);
    let mut tell = |goroutines, live, made: Option<&str>| {
        let mut report = report(std::iter::empty());
        report.program.goroutines.end = goroutines;
        report.program.heap_live_bytes = live;
        report.trace.start_time = made.map(|text| text.parse().unwrap());
        at += Duration::from_secs(10);
        target.record(&report, Duration::ZERO, at, &limits);
        let program = target.program().unwrap();
        (program.goroutines.end, program.heap_live_bytes)
    };
    assert_eq!(tell(1, Some(9), Some("2026-01-02T00:00:00Z")), (1, Some(9)));
    assert_eq!(tell(2, Some(8), Some("2026-01-01T00:00:00Z")), (1, Some(9)));
    assert_eq!(tell(3, None, Some("2026-01-03T00:00:00Z")), (3, Some(9)));
    assert_eq!(tell(4, None, None), (4, Some(9)));
    assert_eq!(tell(5, None, Some("2026-03-01T00:00:00Z")), (5, Some(9)));
    // A clock that is ten years ahead is not believed.
    let ahead = Some("2036-01-01T00:00:00Z");
    assert_eq!(tell(6, None, ahead), (6, Some(9)));
    assert_eq!(tell(7, None, Some("2026-02-01T00:00:00Z")), (6, Some(9)));
    assert_eq!(tell(8, None, Some("2026-03-02T00:00:00Z")), (8, Some(9)));
    assert_eq!(tell(9, None, ahead), (9, Some(9)));
}

#[test]
fn gauges_of_a_target_end_if_it_gives_no_more_traces() {
    let settings = Settings::default();
    let limits = limits(&settings);
    let births = Births::default();
    for (interval, fresh) in [
        (None, true),
        (Some(Duration::from_secs(3600)), true),
        (Some(Duration::ZERO), false),
    ] {
        let mut target = Totals::new(&[], births.beforehand(), &births);
        if let Some(interval) = interval {
            target.set_interval(interval);
        }
        assert!(target.last().is_none());
        let report = report(std::iter::empty());
        target.record(&report, Duration::ZERO, SystemTime::UNIX_EPOCH, &limits);
        assert_eq!(target.last().is_some(), fresh, "{interval:?}");
        assert!(target.last_success.is_some() && target.traces == 1);
    }
}
