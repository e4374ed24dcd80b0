//! A recorded target and its daemon.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, SystemTime};

use gotracer::evidence::{Lost, Stats};
use gotracer::export::catalog::server::ServerStats;
use gotracer::export::{Metrics, Settings};
use gotracer::labels::Labels;
use gotracer::releases::Releases;
use gotracer::report::{
    Creations, Distribution, Finding, Frame, Gc, GoroutineGroup, Goroutines, Life,
    MinimumUtilization, Pressure, Program, Report, RuleReport, Severity, Status, Suppressed,
    TraceInfo,
};
use gotracer::rules::{RULES, Rule};
use gotracer::timeline::{State, StateVector};

pub(crate) fn distribution(values: &[u64]) -> Distribution {
    let mut distribution = Distribution::default();
    values.iter().for_each(|&v| distribution.record(v));
    distribution
}

pub(crate) fn rule_report(rule: &'static Rule) -> RuleReport {
    let (values, by_reason): (&[u64], &[(&str, &[u64])]) = match rule.name {
        "GCPauseSpike" => (
            &[20_000, 6_000_000],
            &[
                ("GC mark termination", &[6_000_000]),
                ("GC sweep termination", &[20_000]),
                ("read mem stats", &[0, 1]),
            ],
        ),
        "MutexContention" => (&[1 << 20, (1 << 20) + 1, 70_000_000_000], &[]),
        "HeapGrowthSpike" => (&[120 << 20], &[]),
        "GoroutineLeakGrowth" => (&[1, 130], &[]),
        _ => (&[], &[]),
    };
    RuleReport {
        rule,
        thresholds: None,
        status: Status::Ok,
        reason: None,
        measurement: distribution(values),
        spread: None,
        by_reason: by_reason
            .iter()
            .map(|(reason, values)| (reason.to_string(), distribution(values)))
            .collect(),
    }
}

pub(crate) fn finding(rule: &str, severity: Severity) -> Finding {
    let place = Frame {
        function: "example.com/api.(*Server).handle".into(),
        file: "server.go".into(),
        line: 42,
    };
    Finding {
        id: "3f2a".into(),
        rule: Rule::find(rule).unwrap(),
        severity,
        count: 3,
        open: 0,
        worst: 6_000_000,
        worst_at_ns: 250_000_000,
        worst_for_ns: 6_000_000,
        total: 9_000_000,
        threshold: 5_000_000,
        first_ns: 0,
        last_ns: 1,
        first_time: Some("2026-11-23T10:00:00.25Z".parse().unwrap()),
        worst_time: Some("2026-11-23T10:00:00.5Z".parse().unwrap()),
        message: String::new(),
        suggestion: String::new(),
        goroutines: vec![1],
        stack: vec![place.clone()],
        place,
        phase: None,
        places: Vec::new(),
        more_places: 0,
        cause: None,
        time_in_the_end: None,
    }
}

pub(crate) fn creations(function: &str, created: u64, exited: u64) -> Creations {
    Creations {
        place: Frame {
            function: format!("example.com/api.{function}"),
            file: "/src/server.go".into(),
            line: 7,
        },
        created,
        exited,
    }
}

/// Goroutines that wait for the network for so long.
pub(crate) fn group(function: &str, ns: u64) -> GoroutineGroup {
    let mut states = [0; State::ALL.len()];
    states[State::Network.index()] = ns;
    states[State::Running.index()] = ns / 8;
    GoroutineGroup {
        function: format!("example.com/api.{function}"),
        system: false,
        count: 1,
        alive: 1,
        life: Life::default(),
        time: StateVector::from_values(states, 0, [0; 3]),
        worst: None,
    }
}

pub(crate) fn report() -> Report {
    Report {
        trace: TraceInfo {
            source: "a.trace".into(),
            go_version: Some("1.26".into()),
            start_time: None,
            duration_ns: 5_000_000_000,
            generations: 5,
            events: 1000,
            bytes: 20_000,
            lost_bytes: 17,
            gomaxprocs: Some(4),
            error: None,
            warning: None,
        },
        program: Program {
            goroutines: Goroutines {
                start: 10,
                end: 12,
                peak: 99,
                created: 1_000,
                exited: 998,
                places: vec![creations("leak", 5, 0), creations("serve", 995, 994)],
            },
            heap_live_bytes: Some(60 << 20),
            heap_goal_bytes: Some(120 << 20),
            heap_peak_bytes: Some(130 << 20),
            time: StateVector::default(),
            sched_pressure: Some(Pressure {
                some_ns: 1_500_000_000,
                full_ns: 250_000_000,
            }),
            gc: Some(Gc {
                cpu_ratio: 0.125,
                cpu_ratio_with_idle: 0.25,
                minimum_utilization: [(1, 0.0), (10, 0.25), (100, 0.5), (1000, 0.75)]
                    .map(|(ms, ratio)| MinimumUtilization {
                        window_ns: ms * 1_000_000,
                        ratio,
                    })
                    .into(),
                ..Gc::default()
            }),
        },
        waits: Vec::new(),
        goroutines: vec![group("serve", 3_000_000_000), group("poll", 2_000_000_000)],
        rules: RULES.into_iter().map(rule_report).collect(),
        suppressed: vec![Suppressed {
            finding: finding("StopTheWorld", Severity::Warn),
            reason: "known".into(),
            until: None,
            place: "gotracer.yml, line 3".into(),
        }],
        tasks: Vec::new(),
        regions: Vec::new(),
        requests: Vec::new(),
        cpu_samples: None,
        known: 0,
        evidence: None,
        findings: vec![
            finding("GCPauseSpike", Severity::Warn),
            finding("MutexContention", Severity::Error),
        ],
        course: None,
        moments: Vec::new(),
    }
}

/// A version after another, the second of which leaks.
pub(crate) fn releases() -> Releases {
    let releases = Releases::default();
    releases.configure(gotracer::releases::Settings {
        warmup: Duration::ZERO,
        // What is compared was captured long ago.
        current_for: Duration::from_secs(u32::MAX.into()),
        ..Default::default()
    });
    for (version, leak) in [("1.2.2", 0), ("1.3.0", 40)] {
        let target = Labels::new()
            .with("service", "shop \"x\"")
            .with("version", version);
        for minute in 0..10 {
            let mut report = report();
            report.program.goroutines.end += leak * minute;
            let after = Duration::from_secs(60 * minute + 600 * u64::from(leak > 0));
            let at = SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_428_000) + after;
            releases.record(&target, &report, at);
        }
    }
    releases.settle(|_| gotracer::rules::Settings::default());
    releases
}

pub(crate) fn exporter() -> Metrics {
    let releases = releases();
    let kept = Stats::default();
    kept.on.store(true, Ordering::Relaxed);
    kept.kept.store(3, Ordering::Relaxed);
    kept.lose(Lost::Quota, 1);
    kept.waiting_bytes.store(20_000, Ordering::Relaxed);
    let server = ServerStats::default();
    server.connections.store(5, Ordering::Relaxed);
    server.evicted.store(2, Ordering::Relaxed);
    let exporter = Metrics::new(&["not_a_trace", "broke_off"])
        .with_server(Arc::new(server))
        .with_evidence(Arc::new(kept));
    let exporter = exporter.with_releases(move || releases.running());
    let api = Labels::new()
        .with("job", "api \"v\\1\"")
        .with("version", "1.2.3")
        .with("rule", "theirs")
        .with("__address__", "hidden:6060");
    let at = SystemTime::UNIX_EPOCH + Duration::from_millis(1_795_428_000_250);
    exporter.configure(Settings {
        goroutine_places: 1,
        goroutine_functions: 1,
        ..Settings::default()
    });
    exporter.add(&Arc::default());
    exporter.record(&api, &report(), Duration::from_millis(40), at);
    exporter.failed(&api, "broke_off");
    exporter.set_queue_length(2);
    exporter.set_memory(512 << 20, 64 << 20);
    exporter.set_shard(2, 3);
    exporter
}
