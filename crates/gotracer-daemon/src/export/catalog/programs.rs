//! Metrics of the traced programs.

use std::sync::LazyLock;

use super::{Emit, Kind, Metric, Point, Unit, Value, buckets, counter, gauge, histogram, time};
use crate::export::totals::{Created, OTHER, Totals};
use crate::rules::{RULES, Rule, Severity};

/// Metrics of the program, for each target.
pub static METRICS: LazyLock<Vec<Metric<Totals>>> = LazyLock::new(|| {
    let mut all = vec![
        findings(),
        extreme(),
        suppressed(),
        counter(
            "gotrace_observed",
            "Time that the traces cover: the denominator of all gotrace metrics, because traces \
             see a program for a part of its time only.",
            |t: &Totals| t.observed,
        )
        .unit(Unit::Seconds),
    ];
    all.extend(RULES.into_iter().map(measurement));
    all.extend(RULES.into_iter().filter_map(by_reason));
    all.extend(time::metrics());
    all.extend(program());
    all
});

fn findings() -> Metric<Totals> {
    let read = |t: &Totals, emit: &mut Emit<'_>| {
        for (rule, by_severity) in RULES.iter().zip(&t.findings) {
            for (severity, findings) in Severity::ALL.iter().zip(by_severity) {
                let labels = [("rule", rule.name), ("severity", severity.name())];
                emit(Point {
                    exemplar: findings.exemplar.as_deref(),
                    ..Point::new(&labels, findings.count)
                });
            }
        }
        for (name, rule) in t.custom.iter() {
            for (severity, findings) in Severity::ALL.iter().zip(&rule.findings) {
                let labels = [("rule", name), ("severity", severity.name())];
                emit(Point {
                    exemplar: findings.exemplar.as_deref(),
                    ..Point::new(&labels, findings.count).since(rule.birth)
                });
            }
        }
    };
    Metric::new(
        Kind::Counter,
        "gotrace_findings",
        "Findings by rule and severity: one for each place in each trace, or in each minute of a \
         stream, at which a rule's threshold was crossed. `gotracer rules NAME` explains a rule.",
        read,
    )
    .unit(Unit::Of("{finding}"))
    .labels(&["rule", "severity"])
    .fixed(RULES.len() * Severity::ALL.len())
}

fn extreme() -> Metric<Totals> {
    let read = |t: &Totals, emit: &mut Emit<'_>| {
        for (rule, &count) in RULES.iter().zip(&t.extreme) {
            emit(Point::new(&[("rule", rule.name)], count));
        }
        for (name, rule) in t.custom.iter() {
            emit(Point::new(&[("rule", name)], rule.extreme).since(rule.birth));
        }
    };
    Metric::new(
        Kind::Counter,
        "gotrace_findings_extreme",
        "Findings of ten times the rule's threshold for errors, for an alert on the first of them.",
        read,
    )
    .unit(Unit::Of("{finding}"))
    .labels(&["rule"])
    .fixed(RULES.len())
}

fn suppressed() -> Metric<Totals> {
    let read = |t: &Totals, emit: &mut Emit<'_>| {
        for (rule, count, birth) in t.suppressed.iter() {
            emit(Point::new(&[("rule", rule)], count).since(birth));
        }
    };
    Metric::new(
        Kind::Counter,
        "gotrace_findings_suppressed",
        "Findings that entries of `ignore` in the configuration suppress, by rule; gotrace_findings_total \
         leaves them out. A rule has a series from the first of them on.",
        read,
    )
    .unit(Unit::Of("{finding}"))
    .labels(&["rule"])
}

/// Histogram of what a rule measures.
fn measurement(rule: &'static Rule) -> Metric<Totals> {
    let (metric, index) = (&rule.metric, rule.index());
    let help = format!("{} (rule {}) {}", rule.summary, rule.name, metric.reading);
    let (unit, buckets) = buckets::of_rule(rule);
    histogram(metric.name, help, buckets, move |t: &Totals| {
        &t.measurements[index]
    })
    .unit(unit)
    .about(about(rule, metric.about))
}

/// Row of a rule's histogram in `docs/metrics.md`.
fn about(rule: &Rule, about: &str) -> String {
    format!("{}: {about}", rule.name)
}

/// Histogram of what a rule measures, by reason, if the rule has reasons.
pub(super) fn by_reason(rule: &'static Rule) -> Option<Metric<Totals>> {
    let by_reason = rule.metric.by_reason.as_ref()?;
    let (unit, buckets) = buckets::by_reason(rule);
    let read = |t: &Totals, emit: &mut Emit<'_>| {
        for (reason, values, birth) in t.by_reason[rule.index()].iter() {
            let labels = [("reason", reason)];
            emit(Point::new(&labels, Value::Distribution(values)).since(birth));
        }
    };
    let metric = Metric::new(
        Kind::Histogram(buckets),
        by_reason.name,
        by_reason.help,
        read,
    );
    let metric = metric.unit(unit).labels(&["reason"]);
    Some(metric.about(about(rule, by_reason.about)))
}

/// Windows of the gauge of minimum mutator utilization, ns, and their label values.
const WINDOWS: [(u64, &str); 4] = [
    (1_000_000, "1ms"),
    (10_000_000, "10ms"),
    (100_000_000, "100ms"),
    (1_000_000_000, "1s"),
];

/// Minimum mutator utilization by window.
fn minimum_utilization() -> Metric<Totals> {
    let read = |t: &Totals, emit: &mut Emit<'_>| {
        let gc = t.program().and_then(|program| program.gc.as_ref());
        let all = gc.map_or(&[][..], |gc| &gc.minimum_utilization);
        for (window_ns, name) in WINDOWS {
            if let Some(at) = all.iter().find(|at| at.window_ns == window_ns) {
                emit(Point::new(&[("window", name)], at.ratio));
            }
        }
    };
    Metric::new(
        Kind::Gauge,
        "gotrace_gc_minimum_utilization",
        "Minimum mutator utilization: share of the CPU time of all processors that the garbage \
         collector left to the program in the worst window of the last trace. (rule GCPressure) \
         Near 0 for 100ms, requests stand still for that long.",
        read,
    )
    .unit(Unit::Ratio)
    .labels(&["window"])
    .fixed(WINDOWS.len())
}

fn program() -> Vec<Metric<Totals>> {
    vec![
        counter(
            "gotrace_running",
            "Time for which goroutines were running between the first and the last CPU sample of a \
             trace. (rule CPUStarved) Only traces with CPU samples count, see cpu_samples.",
            |t: &Totals| t.running,
        )
        .unit(Unit::Seconds),
        counter(
            "gotrace_on_cpu",
            "CPU time of running goroutines by the CPU samples of traces. (rule CPUStarved) By \
             gotrace_running_seconds_total it is 0.9 and more, unless most runs are below 250 µs; \
             below, the program does not get the CPU that it needs.",
            |t: &Totals| t.on_cpu,
        )
        .unit(Unit::Seconds),
        gauge(
            "gotrace_goroutines",
            "Goroutines of the program at the end of the last trace, without the runtime's own. \
             (rule GoroutineLeakGrowth) A number that only ever rises is a leak.",
            |t: &Totals| Some(t.program()?.goroutines.end),
        )
        .unit(GOROUTINES),
        gauge(
            "gotrace_goroutines_peak",
            "The most goroutines that the program had at a time within the last trace. (rule \
             GoroutineLeakGrowth) Far above gotrace_goroutines, they come in bursts.",
            |t: &Totals| Some(t.program()?.goroutines.peak),
        )
        .unit(GOROUTINES),
        counter(
            "gotrace_goroutine_creations",
            "Goroutines that were created within traces. (rule GoroutineLeakGrowth) Less \
             gotrace_goroutine_exits_total, and by gotrace_observed_seconds_total, it is \
             goroutines gained per second.",
            |t: &Totals| t.created.created,
        )
        .unit(GOROUTINES),
        counter(
            "gotrace_goroutine_exits",
            "Goroutines that ended within traces, older ones among them. (rule \
             GoroutineLeakGrowth) See gotrace_goroutine_creations_total.",
            |t: &Totals| t.created.exited,
        )
        .unit(GOROUTINES),
        places(
            "gotrace_goroutine_creations_by_place",
            "Goroutines that were created within traces, by the place that creates them; other \
             are all but those that grew most. (rule GoroutineLeakGrowth) Only with \
             goroutine_places.",
            |c| c.created,
        ),
        places(
            "gotrace_goroutine_exits_by_place",
            "Goroutines that were created and ended within the same trace, by the place that \
             creates them. (rule GoroutineLeakGrowth) Only with goroutine_places.",
            |c| c.exited,
        ),
        gauge(
            "gotrace_heap_live",
            "The heap that was live after the last garbage collection in a trace. (rule \
             HeapGrowthSpike) A floor that only ever rises is a leak.",
            |t: &Totals| t.program()?.heap_live_bytes,
        )
        .unit(Unit::Bytes),
        gauge(
            "gotrace_heap_peak",
            "The most that the heap held within the last trace, garbage not swept yet among it. \
             (rule HeapGrowthSpike) GOGC and GOMEMLIMIT have to leave room for it.",
            |t: &Totals| t.program()?.heap_peak_bytes,
        )
        .unit(Unit::Bytes),
        gauge(
            "gotrace_heap_goal",
            "Size of the heap at which the collector aims to finish its next cycle, in the last \
             trace. (rule GCAssist) About twice gotrace_heap_live_bytes with GOGC=100.",
            |t: &Totals| t.program()?.heap_goal_bytes,
        )
        .unit(Unit::Bytes),
        gauge(
            "gotrace_gc_cpu",
            "Share of the CPU time of all processors that the garbage collector took in the last \
             trace, without idle marking. (rule GCPressure) Above 0.25, goroutines assist it.",
            |t: &Totals| Some(t.program()?.gc.as_ref()?.cpu_ratio),
        )
        .unit(Unit::Ratio),
        gauge(
            "gotrace_gc_cpu_with_idle",
            "The same with idle marking, which uses processors that have nothing else to do. \
             (rule GCPressure) Less gotrace_gc_cpu_ratio, it is the idle marking.",
            |t: &Totals| Some(t.program()?.gc.as_ref()?.cpu_ratio_with_idle),
        )
        .unit(Unit::Ratio),
        minimum_utilization(),
        gauge(
            "gotrace_gomaxprocs",
            "GOMAXPROCS at the end of the last trace: how many goroutines can run at a time. \
             (rules HighSchedulingLatency and ProcessorStarvation) Above the CPU limit of a \
             container, the kernel throttles.",
            |t: &Totals| t.last()?.gomaxprocs,
        )
        .unit(Unit::Threads),
    ]
}

const GOROUTINES: Unit = Unit::Of("{goroutine}");

/// Counter of goroutines by the place that creates them.
fn places(name: &'static str, help: &'static str, count: fn(&Created) -> u64) -> Metric<Totals> {
    let read = move |t: &Totals, emit: &mut Emit<'_>| {
        let known = t.places.known.iter();
        let known = known.map(|(place, created)| (place.as_str(), created));
        let other = t.places.other.iter().map(|created| (OTHER, created));
        let any = !t.places.known.is_empty();
        for (place, (created, birth)) in known.chain(other.filter(|_| any)) {
            let labels = [("place", place)];
            emit(Point::new(&labels, count(created)).since(*birth));
        }
    };
    Metric::new(Kind::Counter, name, help, read)
        .unit(GOROUTINES)
        .labels(&["place"])
}
