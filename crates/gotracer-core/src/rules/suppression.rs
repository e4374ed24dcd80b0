//! Suppressions of known findings: `ignore` of the configuration.
//!
//! The rule still measures. A report lists a suppressed finding separately, with
//! the reason, and the finding does not change the exit code.

use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::Rule;
use super::pattern::{Pattern, StackPattern};

/// Entry of `ignore`. Every given part has to match.
#[derive(Clone, PartialEq, Debug)]
pub struct Suppression {
    /// The rule; all rules if there is none.
    pub rule: Option<&'static Rule>,
    /// The function of a finding's place.
    pub function: Option<Pattern>,
    /// Frames of a finding's stack.
    pub stack: Option<StackPattern>,
    /// The service that the entry is for; all services if there is none.
    pub service: Option<String>,
    /// Reason why the finding is accepted.
    pub reason: String,
    /// Last day on which the entry applies.
    pub until: Option<Date>,
    /// File and line of the entry.
    pub place: String,
}

impl Suppression {
    /// Returns whether a finding matches, given the function of its place and the functions
    /// of its stack, the innermost first.
    pub fn fits<'f>(&self, rule: &Rule, place: &str, stack: impl Iterator<Item = &'f str>) -> bool {
        self.rule.is_none_or(|own| own.name == rule.name)
            && self.function.as_ref().is_none_or(|f| f.matches(place))
            && self.stack.as_ref().is_none_or(|s| s.matches(stack))
    }

    /// Returns whether the entry has expired.
    pub fn is_over(&self, today: Date) -> bool {
        self.until.is_some_and(|until| until < today)
    }
}

/// All entries of `ignore` for a service, in the order of their files.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Suppressions(Arc<[Suppression]>);

impl Suppressions {
    /// Returns the first entry that applies and matches a finding.
    pub fn of<'f, S: Iterator<Item = &'f str>>(
        &self,
        rule: &Rule,
        place: &str,
        stack: impl Fn() -> S,
        today: Date,
    ) -> Option<&Suppression> {
        let mut entries = self.0.iter().filter(|entry| !entry.is_over(today));
        entries.find(|entry| entry.fits(rule, place, stack()))
    }

    /// Iterates over the entries.
    pub fn iter(&self) -> impl Iterator<Item = &Suppression> {
        self.0.iter()
    }

    /// Returns whether there are no entries.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns these entries followed by more.
    #[must_use]
    pub fn and<'s>(&self, more: impl IntoIterator<Item = &'s Suppression>) -> Self {
        let more = more.into_iter().cloned();
        self.iter().cloned().chain(more).collect()
    }
}

impl FromIterator<Suppression> for Suppressions {
    fn from_iter<I: IntoIterator<Item = Suppression>>(entries: I) -> Self {
        Self(entries.into_iter().collect())
    }
}

/// Today's date in UTC, which is the same on every machine.
pub fn today() -> Date {
    Timestamp::now().to_zoned_datetime(TimeZone::UTC).date()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::RULES;

    fn entry() -> Suppression {
        Suppression {
            rule: None,
            function: None,
            stack: None,
            service: None,
            reason: "known".into(),
            until: None,
            place: "gotracer.yml, line 3".into(),
        }
    }

    #[test]
    fn every_part_has_to_fit_and_dates_end() {
        let stack = || ["sync.Lock", "main.get"].into_iter();
        let day = |text: &str| text.parse::<Date>().unwrap();
        let all: Suppressions = [
            Suppression {
                rule: Some(RULES[1]),
                until: Some(day("2027-01-31")),
                ..entry()
            },
            Suppression {
                function: Some(Pattern::new("main.*")),
                stack: StackPattern::new(&["sync.Lock".into()]),
                ..entry()
            },
        ]
        .into_iter()
        .collect();
        let found = |rule: usize, place: &str, today: &str| {
            let entry = all.of(RULES[rule], place, stack, day(today));
            entry.map(|entry| entry.rule.is_some())
        };
        assert_eq!(found(1, "other.f", "2027-01-31"), Some(true));
        assert_eq!(found(1, "other.f", "2027-02-01"), None);
        assert_eq!(found(1, "main.get", "2027-02-01"), Some(false));
        assert_eq!(found(0, "main.get", "2020-01-01"), Some(false));
        assert_eq!(found(0, "other.f", "2020-01-01"), None);
    }
}
