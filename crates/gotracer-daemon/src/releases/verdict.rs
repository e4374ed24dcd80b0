//! Comparison of a version with the previous one.

use super::version::Version;
use crate::compare::{
    Change, Evidence, Floor, Observation, Options, Quantity, Signal, SiteChange, Verdict, judge,
};
use crate::rules::{Distribution, MIN_GROWTH, Rule, Settings};

/// Share of the variance between programs that more captures do not remove. Measured
/// (docs/releases.md).
const LASTING: f64 = 0.25;

/// Goroutines in all captures together that may be chance.
const HANDFUL: f64 = 5.0;

/// Comparison of a version with the one before it.
#[derive(Clone, Debug)]
pub struct Comparison {
    /// Name of the previous version.
    pub previous: String,
    /// Smallest change that counts, as a share of the previous version.
    pub effect: f64,
    /// Results of all rules with data.
    pub signals: Vec<Signal>,
    /// Places with more or fewer goroutines left over.
    pub sites: Vec<SiteChange>,
}

impl Comparison {
    /// Returns each rule with a result, and whether the version is worse by it.
    pub fn verdicts(&self) -> impl Iterator<Item = (&'static Rule, bool)> {
        self.signals.iter().filter_map(|signal| {
            let told = |c: &&Change| c.verdict != Verdict::TooLittle;
            let mut changes = signal.changes.iter().filter(told).peekable();
            changes.peek()?;
            Some((
                signal.rule,
                changes.any(|c| c.verdict == Verdict::Regression),
            ))
        })
    }

    /// Returns the rules by which the version is worse.
    pub fn worse(&self) -> impl Iterator<Item = &'static str> {
        let worse = self.verdicts().filter(|(_, worse)| *worse);
        worse.map(|(rule, _)| rule.name)
    }
}

/// Values of a quantity from the programs of a version.
#[derive(Debug, Default)]
struct Side {
    observations: Vec<Observation>,
    /// Sum of 1/n over the programs, where n is a program's number of captures.
    shares: f64,
}

impl Side {
    fn new(version: &Version, rule: &Rule, quantity: Quantity, floor: Floor) -> Self {
        let mut side = Self::default();
        for instance in version.instances.values() {
            if let Some((observation, captures)) = instance.observe(rule, quantity, floor) {
                side.observations.push(observation);
                side.shares += 1.0 / captures as f64;
            }
        }
        side
    }
}

/// Quantity of a typical program of a version, in the rule's unit.
pub type Value = (&'static Rule, Quantity, f64);

/// Returns the known quantities of a version.
pub(super) fn values(version: &Version, thresholds: &Settings) -> Vec<Value> {
    let values = thresholds.rules().into_iter().flat_map(|rule| {
        quantities(rule).filter_map(move |quantity| {
            let floor = quantity.floor(thresholds.of(rule));
            let levels = Side::new(version, rule, quantity, floor).observations;
            let sum: f64 = levels.iter().map(|o| o.level).sum();
            let typical = floor.value(sum / levels.len() as f64);
            (!levels.is_empty()).then_some((rule, quantity, typical))
        })
    });
    values.collect()
}

/// Returns the quantities that are compared for a rule.
fn quantities(rule: &Rule) -> impl Iterator<Item = Quantity> {
    let all = Quantity::of(rule).iter().chain(Quantity::over_time(rule));
    all.copied()
}

/// Compares a version with the previous one.
pub(super) fn compare(previous: (&str, &Version), new: &Version, options: &Options) -> Comparison {
    let (name, base) = previous;
    let rules = options.settings.rules().into_iter();
    let asked = rules.filter(|rule| options.settings.of(rule).enabled);
    let evidence = asked.map(|rule| gather(rule, base, new, options));
    Comparison {
        previous: name.into(),
        effect: options.effect,
        signals: judge(evidence.collect(), options),
        sites: sites(base, new),
    }
}

/// Returns the places with more or fewer goroutines left over, if the change matters within an
/// hour.
fn sites(base: &Version, new: &Version) -> Vec<SiteChange> {
    let observed = base.totals.seconds().min(new.totals.seconds());
    let enough = (MIN_GROWTH as f64 / 3600.0).max(HANDFUL / observed);
    let (before, now) = (base.totals.sites(), new.totals.sites());
    now.changes_since(before, enough)
}

fn gather(rule: &'static Rule, base: &Version, new: &Version, options: &Options) -> Evidence {
    let signal = |v: &Version| v.totals.signals.get(rule.name).cloned();
    let (before, now) = (signal(base), signal(new));
    let reason = match (&before, &now) {
        (Some(_), Some(_)) => None,
        (None, _) => Some("not applicable to the version before"),
        (_, None) => Some("not applicable to this version"),
    };
    let of = |signal: Option<Distribution>| signal.unwrap_or_default();
    let mut evidence = Evidence::new(rule, of(before), of(now));
    if let Some(reason) = reason {
        return evidence.silenced(reason.into());
    }
    for quantity in quantities(rule) {
        let floor = quantity.floor(options.settings.of(rule));
        let [base, new] = [base, new].map(|v| Side::new(v, rule, quantity, floor));
        let programs = (base.observations.len() + new.observations.len()).max(1) as f64;
        let passing = (1.0 - LASTING) * (base.shares + new.shares) / programs;
        let usual = quantity.usual_noise() * (LASTING + passing).sqrt();
        evidence.add(
            quantity,
            floor,
            (&base.observations, &new.observations),
            usual,
        );
    }
    evidence
}
