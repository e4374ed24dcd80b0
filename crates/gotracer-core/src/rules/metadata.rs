//! The parts of a [`Rule`](super::Rule) that are not about detection: its own
//! settings, its metric, its alert and its dashboard panel.
//!
//! `cargo xtask generate` derives alerts, dashboards, runbook heads and
//! reference documentation from these fields.

/// Cause of lost time that a rule measures, in sentences of reports.
#[derive(Debug)]
pub struct Lost {
    /// Noun phrase after "lost to", such as "waiting for locks".
    pub to: &'static str,
    /// Clause after a number of goroutines or Ps at a time: "goroutines were waiting for locks"; `None` if occurrences do not overlap.
    pub many: Option<&'static str>,
    /// Plural of what an average counts: "goroutines".
    pub counted: &'static str,
}

/// A setting of one rule alone, beside its thresholds. It is off by default.
#[derive(Debug, serde::Serialize)]
pub struct Setting {
    /// Key in the configuration and of `--set`.
    pub key: &'static str,
    /// Effect of the setting, in one sentence.
    pub about: &'static str,
    /// Why the setting is accepted and has no effect, if that is so. A warning says it.
    pub retired: Option<&'static str>,
}

/// Limit on a rule's own settings.
pub const MAX_SETTINGS: usize = 4;

/// Histogram of a rule's measurement.
#[derive(Debug, serde::Serialize)]
pub struct Metric {
    /// Name without the unit, such as `gotrace_gc_pause`.
    pub name: &'static str,
    /// How to read the values, in one or more sentences of the HELP text.
    pub reading: &'static str,
    /// Row in `docs/metrics.md`.
    pub about: &'static str,
    /// Second histogram of the same measurement with the label `reason`.
    pub by_reason: Option<ByReason>,
}

/// Histogram of a rule's measurement with the label `reason`.
#[derive(Debug, serde::Serialize)]
pub struct ByReason {
    /// Name without the unit.
    pub name: &'static str,
    /// HELP text.
    pub help: &'static str,
    /// Row in `docs/metrics.md`.
    pub about: &'static str,
}

/// Prometheus alert on a rule's findings.
#[derive(Debug, serde::Serialize)]
pub struct Alert {
    /// Percentage of the traces of the last hour; more with a finding fire the
    /// alert.
    pub percent: u8,
    /// How long that has to last (`for`).
    pub hold: &'static str,
    /// Annotation `summary`. `{program}` is replaced with the program's name.
    pub summary: &'static str,
    /// Clause for the annotation `description`: "In 20 % of the traces …
    /// `{this}`".
    pub happened: &'static str,
    /// Gauge that the description states. Without one it states the highest
    /// value of the rule's histogram.
    pub gauge: Option<Gauge>,
    /// First paragraph of the runbook: what the finding means for the program.
    pub meaning: &'static str,
}

/// Gauge in the description of an alert.
#[derive(Debug, serde::Serialize)]
pub struct Gauge {
    /// Name of the gauge, in the rule's unit.
    pub metric: &'static str,
    /// Sentence with `{}` for the value.
    pub text: &'static str,
}

/// A rule's panels on the dashboards.
#[derive(Debug, serde::Serialize)]
pub struct Panel {
    /// Noun phrase for the histogram's sum per observed second, such as
    /// "goroutines waiting for a lock".
    pub sum: &'static str,
    /// Grafana's unit of that sum.
    pub sum_unit: &'static str,
    /// Panel beside the histogram and its quantiles.
    pub beside: Beside,
}

/// Panel beside a rule's histogram and its quantiles.
#[derive(Debug, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Beside {
    /// The histogram's sum per observed second, by instance.
    Sum,
    /// The same of the histogram by reason.
    ByReason {
        /// Title of the panel.
        title: &'static str,
        /// How to read the panel and what to do.
        description: &'static str,
    },
    /// Other values of the program.
    Values {
        /// Title of the panel.
        title: &'static str,
        /// How to read the panel and what to do.
        description: &'static str,
        /// Grafana's unit.
        unit: &'static str,
        /// Whether the axis is logarithmic.
        log: bool,
        /// The series.
        lines: &'static [Line],
    },
}

/// Series of a panel, by instance.
#[derive(Debug, serde::Serialize)]
pub struct Line {
    /// PromQL. `$sum` is the histogram's sum per observed second by instance,
    /// `$target` the selectors of the dashboard, `$over` the range.
    pub expr: &'static str,
    /// Text after the instance in the legend.
    pub legend: &'static str,
    /// Grafana's unit if the series has its own axis, on the right.
    pub right: Option<&'static str>,
}
