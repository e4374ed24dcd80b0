//! Catalogue of all metrics: name, unit, kind, help text, and how to read each one.
//!
//! A metric is one entry in one file of this directory. `/metrics`, OTLP, `disabled_families`,
//! `series_limit` and the tables of `docs/metrics.md` follow from it.

pub mod buckets;
pub mod custom;
pub mod daemon;
pub mod delivery;
#[cfg(test)]
mod docs;
pub mod evidence;
pub mod ignore;
pub mod leaks;
mod limits;
mod metric;
pub mod process;
pub mod programs;
pub mod refreshes;
pub mod releases;
pub mod server;
pub mod storage;
pub mod streams;
pub mod tasks;
mod time;
pub mod traces;
mod unit;
pub mod watches;

pub use self::ignore::IgnoreEntries;
pub(super) use self::limits::limits;
pub use self::metric::{
    Desc, Emit, Group, Kind, Metric, Part, Point, Read, Value, counter, gauge, histogram,
};
pub use self::unit::Unit;
use super::totals::Totals;

/// Metrics of a target, in the order of the exposition.
pub fn of_targets() -> impl Iterator<Item = &'static Metric<Totals>> {
    let lists = [
        &*programs::METRICS,
        &*custom::METRICS,
        &*tasks::METRICS,
        &*traces::METRICS,
        &*leaks::METRICS,
        &*streams::METRICS,
    ];
    lists.into_iter().flatten()
}

/// Metrics of a single capture.
pub fn probed() -> impl Iterator<Item = &'static Metric<Totals>> {
    let traces = traces::METRICS.iter();
    let traces = traces.filter(|metric| traces::PROBED.contains(&metric.desc.name));
    programs::METRICS
        .iter()
        .chain(&*custom::METRICS)
        .chain(&*tasks::METRICS)
        .chain(traces)
}

/// All metrics, by the section of `docs/metrics.md` that lists them.
pub fn sections() -> [(&'static str, Vec<&'static Desc>); 7] {
    fn of<S>(metrics: &'static [Metric<S>]) -> Vec<&'static Desc> {
        metrics.iter().map(|metric| &metric.desc).collect()
    }
    let daemon = [
        of(&daemon::METRICS),
        of(&ignore::METRICS),
        of(&watches::METRICS),
        of(&server::METRICS),
        of(&refreshes::METRICS),
        of(&storage::METRICS),
        of(&evidence::METRICS),
        of(&delivery::METRICS),
        of(&process::METRICS),
    ];
    [
        ("programs", of(&programs::METRICS)),
        ("custom_rules", of(&custom::METRICS)),
        ("tasks", of(&tasks::METRICS)),
        (
            "traces",
            [of(&traces::METRICS), of(&leaks::METRICS)].concat(),
        ),
        ("streams", of(&streams::METRICS)),
        ("releases", of(&releases::METRICS)),
        ("daemon", daemon.concat()),
    ]
}

/// Names of all metrics in the Prometheus exposition.
pub fn names() -> Vec<String> {
    let all = sections().into_iter().flat_map(|(_, descs)| descs);
    all.map(Desc::exposed).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::RULES;
    use std::collections::HashSet;

    #[test]
    fn names_are_unique_and_help_texts_need_no_escaping() {
        let names = names();
        assert_eq!(names.iter().collect::<HashSet<_>>().len(), names.len());
        for (_, descs) in sections() {
            for desc in descs {
                let help = &desc.help;
                assert!(!help.contains(['\n', '\\', '"', '|']), "{help}");
                assert!(help.ends_with(['.', ')']), "{help}");
            }
        }
    }

    #[test]
    fn metrics_of_programs_name_their_rule() {
        let general = [
            "gotrace_findings",
            "gotrace_findings_extreme",
            "gotrace_findings_suppressed",
            "gotrace_observed",
            "gotrace_goroutine",
            "gotrace_goroutine_by_function",
            "gotrace_goroutine_stopped",
            "gotrace_wait",
        ];
        let metrics = programs::METRICS.iter().map(|metric| &metric.desc);
        for desc in metrics.filter(|desc| !general.contains(&desc.name)) {
            let named = RULES.iter().any(|rule| desc.help.contains(rule.name));
            assert!(named, "{}", desc.name);
        }
    }
}
