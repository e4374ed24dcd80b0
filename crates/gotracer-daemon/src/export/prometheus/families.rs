//! All metric families of the targets, and how each is filled: the one list
//! that the exposition, the limits and the documentation follow.

use std::borrow::Cow;
use std::sync::LazyLock;
use std::time::{Duration, UNIX_EPOCH};

use prometheus_client::metrics::MetricType;
use prometheus_client::registry::Unit;

use super::head::Head;
use super::histogram::Scale;
use super::places::Created;
use super::settings::Settings;
use super::signals::{self, unit};
use super::stream::{self, Stream};
use super::target::Target;
use super::{delivery, evidence, own, process, refreshes, releases, server, storage, watches};
use crate::rules::{Distribution, RULES, Rule, Severity};

/// How many reasons for failures each target has room for.
const FAILURES: usize = 32;

/// A metric family of the targets.
pub struct Family {
    /// What stands before its samples.
    pub head: Head,
    /// Its samples.
    pub samples: Samples,
}

/// What a target's samples of a family are.
pub enum Samples {
    /// One counter.
    Count(fn(&Target) -> u64),
    /// One counter of time.
    Seconds(fn(&Target) -> Duration),
    /// One gauge, once its value is known.
    Gauge(fn(&Target) -> Option<f64>),
    /// One histogram.
    Histogram(fn(&Target) -> &Distribution, &'static Scale),
    /// The histogram of a rule's signal.
    Signal(&'static Rule, &'static Scale),
    /// The same for each reason that was seen.
    ByReason(&'static Rule, &'static Scale),
    /// A counter for each rule and severity.
    Findings,
    /// A counter for each reason for which a trace could not be had.
    Failures,
    /// One counter, if the target is streamed.
    Streamed(fn(&Stream) -> u64),
    /// A counter for each reason for which a stream is interrupted.
    Gaps(fn(&(u64, Duration)) -> f64),
    /// A counter for each place that creates goroutines.
    Places(fn(&Created) -> f64),
}

impl Samples {
    /// The type that is exposed.
    pub fn kind(&self) -> MetricType {
        match self {
            Self::Gauge(_) => MetricType::Gauge,
            Self::Histogram(..) | Self::Signal(..) | Self::ByReason(..) => MetricType::Histogram,
            _ => MetricType::Counter,
        }
    }

    /// How many series one entry has.
    pub fn series(&self) -> usize {
        match self {
            Self::Histogram(_, scale) | Self::Signal(_, scale) | Self::ByReason(_, scale) => {
                scale.series()
            }
            _ => 1,
        }
    }

    /// How many series every target has of it; what depends on the traces
    /// counts when it comes.
    fn fixed(&self) -> usize {
        match self {
            Self::Findings => RULES.len() * Severity::ALL.len(),
            Self::Failures => FAILURES,
            Self::ByReason(..) | Self::Places(_) | Self::Streamed(_) | Self::Gaps(_) => 0,
            _ => self.series(),
        }
    }
}

/// The names of all families, as they are exposed.
pub fn names() -> Vec<String> {
    let targets = FAMILIES.iter().map(|family| &family.head);
    let own = own::FAMILIES.iter().map(|(head, _)| head);
    let delivery = delivery::COUNTERS
        .iter()
        .chain([&delivery::QUEUE, &own::BUILD]);
    let evidence = evidence::GAUGES.iter().map(|(head, _)| head);
    let evidence = evidence.chain([&evidence::KEPT, &evidence::LOST, &evidence::FAILURES]);
    let refreshes = [&refreshes::FAILURES, &refreshes::LAST];
    let watches = watches::GAUGES.iter().map(|(head, _)| head);
    let watches = watches.chain([&watches::RETRIES]);
    let releases = releases::FAMILIES.iter().map(|family| &family.head);
    let server = server::FAMILIES.iter().map(|(head, _)| head);
    let all = targets
        .chain(own)
        .chain(delivery)
        .chain(refreshes)
        .chain(watches);
    all.chain(releases)
        .chain([&releases::INFO])
        .chain(evidence)
        .chain([&storage::UP, &storage::FAILURES])
        .chain(server)
        .chain(process::heads())
        .map(Head::exposed)
        .collect()
}

/// The HELP text of the family of that name, without unit and ending.
pub fn help(name: &str) -> &'static str {
    let family = FAMILIES.iter().find(|family| family.head.name == name);
    family.map_or("", |family| &family.head.help)
}

/// The family that tells a rule's signal by reason, if there is one.
pub fn by_reason(rule: &Rule) -> Option<&'static Family> {
    let is = |f: &&Family| matches!(f.samples, Samples::ByReason(r, _) if r.name == rule.name);
    FAMILIES.iter().find(is)
}

/// How many series every target has from the start.
pub fn fixed_series(settings: &Settings) -> usize {
    let wanted = FAMILIES
        .iter()
        .filter(|f| settings.wants(&f.head.exposed()));
    wanted.map(|family| family.samples.fixed()).sum()
}

/// The families of the targets, in the order of the exposition.
pub static FAMILIES: LazyLock<Vec<Family>> = LazyLock::new(|| {
    let mut all = vec![
        family(
            "gotrace_findings",
            "Findings by rule and severity: one for each place in each trace, or in each minute of \
                a stream, at which a rule's threshold was crossed. `gotracer rules NAME` explains a rule.",
            Samples::Findings,
        ),
        family(
            "gotrace_observed",
            "Time that the traces cover: the denominator of all gotrace metrics, since traces \
                see a program for a part of its time only.",
            Samples::Seconds(|t| t.observed),
        )
        .in_unit(Unit::Seconds),
    ];
    for rule in RULES {
        let (unit, scale) = unit(rule.unit);
        all.push(histogram(
            rule.metric.name,
            unit,
            signals::help(rule).into(),
            Samples::Signal(rule, scale),
        ));
    }
    for rule in RULES {
        let Some(by_reason) = &rule.metric.by_reason else {
            continue;
        };
        let (unit, scale) = unit(rule.unit);
        all.push(histogram(
            by_reason.name,
            unit,
            by_reason.help.into(),
            Samples::ByReason(rule, scale),
        ));
    }
    all.extend(program());
    all.extend(exporter());
    all.extend(stream::families());
    all
});

/// What the program was like.
fn program() -> [Family; 10] {
    [
        family(
            "gotrace_goroutines",
            "Goroutines of the program at the end of the last trace, without the runtime's own. \
                (rule GoroutineLeakGrowth) One that only ever rises is a leak.",
            gauge(|t| Some(t.last?.0.goroutines as f64)),
        ),
        family(
            "gotrace_goroutines_peak",
            "The most goroutines that the program had at a time within the last trace. (rule \
                GoroutineLeakGrowth) Far above gotrace_goroutines, they come in bursts.",
            gauge(|t| Some(t.last?.0.goroutines_peak as f64)),
        ),
        family(
            "gotrace_goroutine_creations",
            "Goroutines that were created within traces. (rule GoroutineLeakGrowth) Less \
                gotrace_goroutine_exits_total, and by gotrace_observed_seconds_total, it is \
                goroutines gained each second.",
            Samples::Count(|t| t.created.created),
        ),
        family(
            "gotrace_goroutine_exits",
            "Goroutines that ended within traces, older ones among them. (rule \
                GoroutineLeakGrowth) See gotrace_goroutine_creations_total.",
            Samples::Count(|t| t.created.exited),
        ),
        family(
            "gotrace_goroutine_creations_by_place",
            "Goroutines that were created within traces, by the place that creates them; other \
                are all but those that grew most. (rule GoroutineLeakGrowth) Only with \
                goroutine_places.",
            Samples::Places(|c| c.created as f64),
        ),
        family(
            "gotrace_goroutine_exits_by_place",
            "Goroutines that were created and ended within the same trace, by the place that \
                creates them. (rule GoroutineLeakGrowth) Only with goroutine_places.",
            Samples::Places(|c| c.exited as f64),
        ),
        family(
            "gotrace_heap_live",
            "The heap that was live after the last garbage collection in a trace. (rule \
                HeapGrowthSpike) A floor that only ever rises is a leak.",
            gauge(|t| Some(t.last?.0.heap_live? as f64)),
        )
        .in_unit(Unit::Bytes),
        family(
            "gotrace_heap_peak",
            "The most that the heap held within the last trace, garbage not swept yet among it. \
                (rule HeapGrowthSpike) What GOGC and GOMEMLIMIT have to leave room for.",
            gauge(|t| Some(t.last?.0.heap_peak? as f64)),
        )
        .in_unit(Unit::Bytes),
        family(
            "gotrace_heap_goal",
            "The heap's size at which the collector aims to finish its next cycle, as the last \
                trace told. (rule GCAssist) About twice gotrace_heap_live_bytes with GOGC=100.",
            gauge(|t| Some(t.last?.0.heap_goal? as f64)),
        )
        .in_unit(Unit::Bytes),
        family(
            "gotrace_gomaxprocs",
            "GOMAXPROCS at the end of the last trace: how many goroutines can run at a time. \
                (rules HighSchedulingLatency and ProcessorStarvation) Above the CPU limit of a \
                container, the kernel throttles.",
            gauge(|t| Some(t.last?.0.gomaxprocs? as f64)),
        )
        .in_unit(Unit::Other("threads".into())),
    ]
}

/// What became of the traces.
fn exporter() -> [Family; 9] {
    [
        family(
            "gotracer_traces",
            "Traces analysed, as far as they could be read.",
            Samples::Count(|t| t.traces),
        ),
        family(
            "gotracer_trace_failures",
            "Traces that could not be had or read, or only in part, by reason. Those read in \
                part count among gotracer_traces_total as well.",
            Samples::Failures,
        ),
        family(
            "gotracer_trace",
            "Bytes of traces read, after decompression.",
            Samples::Count(|t| t.bytes),
        )
        .in_unit(Unit::Bytes),
        family(
            "gotracer_trace_lost",
            "Bytes of traces that gave no events, because a trace broke off or was corrupt.",
            Samples::Count(|t| t.lost_bytes),
        )
        .in_unit(Unit::Bytes),
        family(
            "gotracer_captures_missed",
            "Turns of a target in which no trace was captured, because the capture before took \
             longer than the interval, or because no memory or thread was free in time.",
            Samples::Count(|t| t.missed),
        ),
        family(
            "gotracer_trace_events",
            "Events read from traces.",
            Samples::Count(|t| t.events),
        ),
        family(
            "gotracer_analysis",
            "How long the analysis of a trace took; for a scraped one, with the capture.",
            Samples::Histogram(|t| &t.analysis, &Scale::TIME),
        )
        .in_unit(Unit::Seconds),
        family(
            "gotracer_last_success_timestamp",
            "When a trace was last analysed, as Unix time.",
            gauge(|t| {
                let since = t.last_success?.duration_since(UNIX_EPOCH).ok()?;
                Some(since.as_secs_f64())
            }),
        )
        .in_unit(Unit::Seconds),
        family(
            "gotracer_dropped_series",
            "How often something that traces told got no series, because its target has as many \
                as series_limit allows.",
            Samples::Count(|t| t.dropped_series),
        ),
    ]
}

/// A family without a unit.
pub fn family(name: &'static str, help: &'static str, samples: Samples) -> Family {
    Family {
        head: Head::new(name, samples.kind(), help),
        samples,
    }
}

fn histogram(
    name: &'static str,
    unit: Option<Unit>,
    help: Cow<'static, str>,
    samples: Samples,
) -> Family {
    let kind = samples.kind();
    let head = Head {
        name,
        unit,
        kind,
        help,
    };
    Family { head, samples }
}

/// A gauge.
pub const fn gauge(value: fn(&Target) -> Option<f64>) -> Samples {
    Samples::Gauge(value)
}

impl Family {
    /// The same in a unit.
    pub fn in_unit(mut self, unit: Unit) -> Self {
        self.head.unit = Some(unit);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn names_are_told_apart_and_help_needs_no_escaping() {
        let names = names();
        assert_eq!(names.iter().collect::<HashSet<_>>().len(), names.len());
        for family in &*FAMILIES {
            let help = &family.head.help;
            assert!(!help.contains(['\n', '\\', '"']), "{help}");
        }
    }

    #[test]
    fn what_is_seen_in_programs_names_its_rule() {
        let general = ["gotrace_findings", "gotrace_observed"];
        let seen = FAMILIES
            .iter()
            .filter(|f| f.head.name.starts_with("gotrace_"));
        for family in seen.filter(|f| !general.contains(&f.head.name)) {
            let named = RULES
                .iter()
                .any(|rule| family.head.help.contains(rule.name));
            assert!(named, "{}", family.head.name);
        }
    }

    #[test]
    fn the_documentation_lists_every_family() {
        let documentation = include_str!("../../../../../docs/metrics.md");
        for name in names() {
            let mention = [format!("`{name}`"), format!("`{name}{{")];
            let mentioned = mention.iter().any(|m| documentation.contains(m));
            assert!(mentioned, "docs/metrics.md lacks {name}");
        }
    }
}
