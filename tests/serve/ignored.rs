//! Entries of `ignore` in the daemon.

use std::fs;

use crate::support::daemon::{Running, Scratch, eventually_or, fixture};

#[test]
fn suppressed_findings_are_counted_and_expired_entries_are_reported() {
    let scratch = Scratch::new();
    let directory = scratch.directory("in");
    let yaml = "ignore:\n\
        - {rule: MutexContention, reason: JIRA-1}\n\
        - {function: main.nothing, reason: JIRA-2}\n\
        - {function: main.old, reason: JIRA-3, until: 2020-01-31}\n";
    let flag = scratch.config(yaml);
    let gotracer = Running::gotracer(&directory, scratch.path(), &[&flag]);
    let entries = |state: &str| format!("gotracer_ignore_entries{{state=\"{state}\"}}");
    assert_eq!(gotracer.sample(&entries("unused")), Some(2.0));
    let trace = fixture("go1.25.5/mutex_contention.trace");
    fs::copy(trace, directory.join("a.trace")).unwrap();
    let suppressed = "gotrace_findings_suppressed_total{rule=\"MutexContention\"}";
    let some = || gotracer.sample(suppressed).filter(|n| *n > 0.0);
    eventually_or(suppressed, || gotracer.log(), some);
    for (state, count) in [("used", 1.0), ("unused", 1.0), ("expired", 1.0)] {
        assert_eq!(gotracer.sample(&entries(state)), Some(count), "{state}");
    }
    let found = "gotrace_findings_total{rule=\"MutexContention\",severity=\"warn\"}";
    assert_eq!(gotracer.sample(found), Some(0.0));
    let log = gotracer.log();
    assert_eq!(log.matches("entry of ignore expired").count(), 1, "{log}");
    assert!(log.contains("JIRA-3") && !log.contains("JIRA-2"), "{log}");
}
