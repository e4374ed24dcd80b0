//! Metrics of custom rules.

use std::sync::LazyLock;

use super::buckets::Buckets;
use super::{Emit, Kind, Metric, Point, Unit, Value};
use crate::export::totals::Totals;
use crate::rules::{Severity, Unit as RuleUnit};

/// Metrics of the measurements of custom rules, for each target.
pub static METRICS: LazyLock<Vec<Metric<Totals>>> =
    LazyLock::new(|| vec![durations(), rate(RuleUnit::Share), rate(RuleUnit::Rate)]);

/// Series of a custom rule: findings by severity, extreme findings, and its measurement.
pub static SERIES: LazyLock<usize> =
    LazyLock::new(|| Severity::ALL.len() + 1 + METRICS[0].desc.series());

fn durations() -> Metric<Totals> {
    let read = |t: &Totals, emit: &mut Emit<'_>| {
        let rules = t.custom.iter();
        for (name, rule) in rules.filter(|(_, rule)| rule.unit == RuleUnit::Nanoseconds) {
            let labels = [("rule", name)];
            emit(Point::new(&labels, Value::Distribution(&rule.durations)).since(rule.birth));
        }
    };
    Metric::new(
        Kind::Histogram(&Buckets::COARSE),
        "gotrace_custom_rule",
        "Durations that custom rules measure, by rule: rules of custom_rules in the configuration \
         on duration or cpu.",
        read,
    )
    .unit(Unit::Seconds)
    .labels(&["rule"])
}

fn rate(unit: RuleUnit) -> Metric<Totals> {
    let (name, help, per) = match unit {
        RuleUnit::Share => (
            "gotrace_custom_rule_share",
            "Share of time that custom rules measured in the last trace, by rule: rules of \
             custom_rules in the configuration on share.",
            1e6,
        ),
        _ => (
            "gotrace_custom_rule_rate",
            "Occurrences per second that custom rules measured in the last trace, by rule: rules \
             of custom_rules in the configuration on count_per_second.",
            1e3,
        ),
    };
    let read = move |t: &Totals, emit: &mut Emit<'_>| {
        let rules = t.custom.iter().filter(|(_, rule)| rule.unit == unit);
        for (name, rule) in rules.filter(|_| t.last().is_some()) {
            if let Some(rate) = rule.rate {
                emit(Point::new(&[("rule", name)], rate as f64 / per));
            }
        }
    };
    let metric = Metric::new(Kind::Gauge, name, help, read).labels(&["rule"]);
    metric.unit(match unit {
        RuleUnit::Share => Unit::Ratio,
        _ => Unit::None,
    })
}
