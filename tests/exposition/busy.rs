//! The report of a busy program.

use gotracer::report::{Region, Report, Request, Severity, Task};
use gotracer::rules::RULES;
use gotracer::timeline::{State, StateVector};

use crate::fixtures::{distribution, finding, group, report};

/// A report of a busy program: findings of every rule and severity, reasons, waits, tasks, regions
/// and requests.
pub(crate) fn everything(reasons: usize) -> Report {
    let mut report = report();
    report.findings = RULES
        .into_iter()
        .flat_map(|rule| Severity::ALL.map(|severity| finding(rule.name, severity)))
        .collect();
    for rule in &mut report.rules {
        rule.measurement = distribution(&[1, 1 << 20, 1 << 40]);
        if rule.rule.metric.by_reason.is_some() {
            let reasons = (0..reasons as u64).map(|i| (format!("reason {i}"), distribution(&[i])));
            rule.by_reason = reasons.collect();
        }
    }
    report.waits = State::ALL
        .map(|state| (state, distribution(&[1 << 20])))
        .to_vec();
    let time = StateVector::from_values(std::array::from_fn(|i| i as u64 + 1), 0, [0; 3]);
    report.program.time = time;
    report.tasks = (0..20)
        .map(|i| Task {
            name: format!("task {i}"),
            duration: distribution(&[1 << 20]),
            time,
            ..Task::default()
        })
        .collect();
    report.goroutines = (0..20).map(|i| group(&format!("f{i}"), 1 << 30)).collect();
    report.regions = (0..20)
        .map(|i| Region {
            name: format!("region {i}"),
            duration: distribution(&[1 << 20]),
            time,
            ..Region::default()
        })
        .collect();
    report.requests = requests("handler");
    report
}

pub(crate) fn requests(name: &str) -> Vec<Request> {
    let all = (0..20).map(|i| Request {
        handler: format!("{name} {i}"),
        duration: distribution(&[1 << 20]),
        ..Request::default()
    });
    all.collect()
}
