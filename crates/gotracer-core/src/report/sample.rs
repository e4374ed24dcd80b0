//! Hand-made reports for the tests of the formats.

use super::{
    Cause, Finding, Format, Frame, GoroutineGroup, Goroutines, Life, Moment, Options, Program,
    Report, Row, RuleReport, Severity, Span, SpanState, Status, TraceInfo, Wake, WorstGoroutine,
};
use crate::rules::{RULES, Rule, Settings};
use crate::timeline::StateVector;

/// Returns the output of a format.
///
/// # Panics
/// If it fails or writes no text.
pub fn written(format: &Format<[Report]>, reports: &[Report], options: &Options) -> String {
    let mut out = Vec::new();
    (format.write)(&mut out, reports, options).expect("a vector takes all");
    String::from_utf8(out).expect("text")
}

/// A report without findings.
pub fn report(source: &str) -> Report {
    Report {
        trace: TraceInfo {
            source: source.into(),
            go_version: Some("1.25".into()),
            start_time: "2026-03-04T05:06:07.25Z".parse().ok(),
            duration_ns: 5_012_345_678,
            generations: 6,
            events: 123_456,
            bytes: 47_815_066,
            lost_bytes: 0,
            gomaxprocs: Some(8),
            error: None,
            warning: None,
        },
        program: program(),
        waits: Vec::new(),
        goroutines: goroutines(),
        tasks: Vec::new(),
        regions: Vec::new(),
        requests: Vec::new(),
        cpu_samples: None,
        rules: RULES.into_iter().map(rule).collect(),
        findings: Vec::new(),
        course: None,
        moments: Vec::new(),
        known: 0,
        suppressed: Vec::new(),
        evidence: None,
    }
}

fn program() -> Program {
    Program {
        goroutines: Goroutines {
            start: 12,
            end: 15,
            peak: 140,
            created: 1_003,
            exited: 1_000,
            places: Vec::new(),
        },
        time: time(7),
        sched_pressure: None,
        heap_live_bytes: Some(60 << 20),
        heap_goal_bytes: Some(120 << 20),
        heap_peak_bytes: None,
        gc: None,
    }
}

/// A state vector with a different time in every state, ns.
pub fn time(factor: u64) -> StateVector {
    let states = std::array::from_fn(|i| factor * (i as u64 + 1).pow(5) * 10_007);
    StateVector::from_values(
        states,
        factor * 1_000_000,
        [factor * 900, factor * 90, factor * 9],
    )
}

fn goroutines() -> Vec<GoroutineGroup> {
    let group = |function: &str, count: u64, factor: u64| GoroutineGroup {
        function: function.into(),
        system: false,
        count,
        alive: count.min(3),
        life: Life {
            count,
            sum: time(factor).total(),
            min: 1_000,
            max: time(factor).total() / 2,
            p50: 5_000_000,
            p90: 90_000_000,
            p99: 500_000_000,
        },
        time: time(factor),
        worst: Some(WorstGoroutine {
            goroutine: 18,
            life_ns: time(factor).total() / 2,
            time: time(1),
        }),
    };
    vec![
        group("example.com/shop/cart.(*Store).flush", 1_000, 4),
        group("runtime.main", 1, 2),
        group("(unknown)", 2, 1),
    ]
}

fn rule(rule: &'static Rule) -> RuleReport {
    RuleReport {
        rule,
        thresholds: Some(Settings::default().of(rule).thresholds),
        status: Status::Ok,
        reason: None,
        measurement: Default::default(),
        spread: None,
        by_reason: Vec::new(),
    }
}

/// A finding of a rule.
pub fn finding(rule: &str, severity: Severity) -> Finding {
    let place = frame("example.com/shop/cart.(*Store).Add", "store.go", 42);
    Finding {
        id: "5f1d0c9a".into(),
        rule: Rule::find(rule).expect("a rule of the registry"),
        severity,
        count: 1,
        open: 0,
        worst: 50_200_000,
        worst_at_ns: 2_340_000_000,
        worst_for_ns: 50_200_000,
        total: 50_200_000,
        threshold: 10_000_000,
        first_ns: 1_230_000_000,
        last_ns: 4_560_000_000,
        first_time: "2026-03-04T05:06:08.48Z".parse().ok(),
        worst_time: "2026-03-04T05:06:09.59Z".parse().ok(),
        message: "cart.(*Store).Add waited for a lock".into(),
        suggestion: "Hold the lock for less, or split it.".into(),
        goroutines: vec![18, 7],
        stack: vec![place.clone(), frame("main.main", "main.go", 7)],
        place,
        phase: None,
        places: Vec::new(),
        more_places: 0,
        cause: None,
        time_in_the_end: None,
    }
}

/// A frame of the module `example.com/shop`.
pub fn frame(function: &str, file: &str, line: u64) -> Frame {
    Frame {
        function: function.into(),
        file: format!("example.com/shop/{file}"),
        line,
    }
}

/// A report with every feature that a format has to handle.
pub fn eventful(source: &str) -> Report {
    let mut r = report(source);
    let mut lock = finding("MutexContention", Severity::Error);
    lock.count = 1_050;
    lock.open = 50;
    lock.total = 12_300_000_000;
    lock.cause = Some(Cause {
        kind: "unlocked_late".into(),
        text: "the lock was held by goroutine 7".into(),
        goroutine: Some(7),
        place: Some(frame(
            "example.com/shop/cart.(*Store).Flush",
            "store.go",
            99,
        )),
        stack: vec![frame(
            "example.com/shop/cart.(*Store).Flush",
            "store.go",
            99,
        )],
    });
    let mut leak = finding("GoroutineLeakGrowth", Severity::Warn);
    leak.id = "0badcafe".into();
    leak.count = 1;
    (leak.worst, leak.total, leak.threshold) = (1_234, 1_234, 100);
    leak.place = Frame {
        function: "main.\x1b[2Jserve[go.shape.int].func1\r\n".into(),
        file: String::new(),
        line: 0,
    };
    leak.stack = Vec::new();
    leak.message = "1,234 goroutines more at the end than at the start, created at \
        main.\x1b[2Jserve[go.shape.int].func1; 1,200 of them are still blocked in a channel receive"
        .into();
    let mut heap = finding("HeapGrowthSpike", Severity::Warn);
    heap.id = "11112222".into();
    (heap.worst, heap.total, heap.threshold) = (200 << 20, 200 << 20, 100 << 20);
    heap.first_ns = 0;
    r.findings = vec![lock, leak, heap];
    for found in &r.findings {
        r.rules[found.rule.index()].status = Status::Found;
    }
    r.rules[2].measurement.record(50_200_000);
    let assist = &mut r.rules[7];
    assist.status = Status::NotApplicable;
    assist.reason = Some("the trace holds no garbage collection".into());
    r
}

/// A moment of a finding: a pause, and a goroutine that waits and is woken.
pub fn moment(finding: &str) -> Moment {
    let span = |from, to, state, text: &str| Span {
        from,
        to,
        state,
        text: text.into(),
    };
    Moment {
        finding: finding.into(),
        from: 2_330_000_000,
        length: 60_000_000,
        rows: vec![
            Row {
                name: "P 0".into(),
                spans: vec![
                    span(
                        0,
                        50_000_000,
                        SpanState::Culprit,
                        "goroutine 7 cart.(*Store).Flush",
                    ),
                    span(
                        50_200_000,
                        60_000_000,
                        SpanState::Victim,
                        "goroutine 18 cart.(*Store).Add",
                    ),
                ],
            },
            Row {
                name: "goroutine 18 cart.(*Store).Add <store.go:42>".into(),
                spans: vec![
                    span(0, 50_000_000, SpanState::Blocked, "waits for a lock"),
                    span(
                        50_000_000,
                        50_200_000,
                        SpanState::Runnable,
                        "runnable, no P",
                    ),
                ],
            },
        ],
        stops: vec![span(
            10_000_000,
            22_000_000,
            SpanState::Stopped,
            "GC mark termination",
        )],
        wakes: vec![Wake {
            at: 50_000_000,
            from: 0,
            to: 1,
        }],
    }
}

/// A report whose texts try to inject markup or commands into every format.
pub fn hostile() -> Report {
    const EVIL: &str = "</script><script>alert(1)</script><img src=x onerror=alert(1)>&lt;\"' \
        `x` | a|b @everyone [l](javascript:x) ]]> <!-- %0A ${x} {{x}}\r\n::error::owned\n\
        \u{0}\u{1b}[2J\u{fffe}\u{202e}\u{7f}";
    let mut r = eventful(&format!("{EVIL}.trace"));
    r.trace.go_version = Some(EVIL.into());
    r.trace.error = Some(EVIL.into());
    let evil = Frame {
        function: format!("main.{EVIL}[go.shape.struct {{ X \"json:`<b>`\" }}]"),
        file: format!("evil::error,x={EVIL}.go"),
        line: u64::MAX,
    };
    for found in &mut r.findings {
        found.message = format!("=cmd {EVIL}");
        found.suggestion = EVIL.into();
        found.place = evil.clone();
        found.stack = vec![evil.clone(), evil.clone()];
        found.cause = Some(Cause {
            kind: "unlocked_late".into(),
            text: EVIL.into(),
            goroutine: Some(i64::MIN),
            place: Some(evil.clone()),
            stack: vec![evil.clone()],
        });
    }
    r.rules[7].reason = Some(EVIL.into());
    r
}

/// A report of a truncated trace.
pub fn broken(source: &str) -> Report {
    let mut r = report(source);
    r.trace.start_time = None;
    r.trace.lost_bytes = 1_024;
    r.trace.error = Some("the trace breaks off: within a batch (at byte 99)".into());
    r
}
