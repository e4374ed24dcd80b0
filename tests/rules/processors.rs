//! Waits for a P and for a CPU: HighSchedulingLatency, ProcessorStarvation, CPUStarved.

use gotracer::report::Status;

use super::*;

#[test]
fn a_woken_goroutine_that_waits_is_told_from_goroutines_that_take_turns() {
    for version in ALL {
        let r = report(version, "sched_latency");
        let found = bad(&r, "HighSchedulingLatency");
        let probe = found.iter().find(|f| f.place.function == "main.probe");
        let probe = probe.unwrap_or_else(|| panic!("{version}: the woken goroutine"));
        assert!(probe.count >= 20 && probe.worst >= 40 * MS, "{version}");
        let cause = probe.cause.as_ref().expect("somebody ran instead");
        assert_eq!(cause.kind, "ran_instead");
        assert!(cause.goroutine.is_some());
        let hogs = r
            .findings
            .iter()
            .filter(|f| f.message.contains("next turn"));
        assert!(hogs.clone().count() > 0, "{version}: the hogs took turns");
        assert!(hogs.clone().all(|f| f.severity == Severity::Info));
    }
    for version in FULL {
        let r = report(version, "fair_share");
        assert!(measured(&r, "HighSchedulingLatency").max() >= 10 * MS);
        assert!(bad(&r, "HighSchedulingLatency").is_empty());
    }
}

#[test]
fn after_func_goroutines_are_not_dropped() {
    for version in FULL {
        let r = report(version, "afterfunc");
        let mutex = bad(&r, "MutexContention");
        assert_eq!(mutex.iter().map(|f| f.count).sum::<u64>(), 12, "{version}");
        assert!(!bad(&r, "HighSchedulingLatency").is_empty(), "{version}");
    }
}

#[test]
fn starvation_is_found_where_a_processor_idles_beside_work() {
    for version in ALL {
        let r = report(version, "proc_starvation");
        let found = bad(&r, "ProcessorStarvation");
        assert!(!found.is_empty(), "{version}");
        assert!(found.iter().any(|f| f.worst >= 30 * MS), "{version}");
        assert!(found.iter().all(|f| f.place.function.starts_with("main.")));
    }
}

#[test]
fn an_idle_service_has_no_starvation_to_speak_of_and_no_syscall_of_its_own() {
    for version in ALL {
        let r = report(version, "idle");
        assert!(measured(&r, "ProcessorStarvation").max() < 10 * MS);
        // The thread that waits for signals sits in one "syscall" all the time.
        assert!(
            measured(&r, "BlockedOnSyscall").max() < 100 * MS,
            "{version}"
        );
        assert_eq!(measured(&r, "GoroutineLeakGrowth").sum(), 0, "{version}");
    }
}

#[test]
fn goroutines_whose_threads_share_a_quarter_of_a_cpu_are_starved() {
    for version in FULL {
        let r = report(version, "cpu_starved");
        let found = bad(&r, "CPUStarved");
        assert_eq!(found.len(), 1, "{version}");
        assert_eq!(found[0].severity, Severity::Error, "{version}");
        let cpu = r.cpu_samples.as_ref().expect("the trace has samples");
        assert!(cpu.on_cpu_ns < cpu.running_ns / 3, "{version}: {cpu:?}");
        let burn = cpu.functions.iter().find(|f| f.function == "main.burn");
        assert!(burn.is_some_and(|f| f.cum > 0), "{version}: {cpu:?}");
        // Without samples the rule has no evidence.
        let r = report(version, "fair_share");
        assert!(r.cpu_samples.is_none());
        let rule = r.rules.iter().find(|r| r.rule.name == "CPUStarved");
        assert_eq!(rule.unwrap().status, Status::NotApplicable);
    }
}

#[test]
fn samples_are_counted_by_function() {
    for version in FULL {
        let r = report(version, "cpu_profile");
        let cpu = r.cpu_samples.as_ref().expect("the trace has samples");
        let flat: u64 = cpu.functions.iter().map(|f| f.flat).sum();
        assert_eq!(flat, cpu.count, "{version}");
        assert!(
            cpu.functions
                .iter()
                .all(|f| f.flat <= f.cum && f.cum <= cpu.count)
        );
    }
}
