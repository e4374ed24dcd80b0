//! Sums of suppressed findings, by rule.

use std::collections::BTreeMap;

use crate::export::births::Birth;
use crate::report;

/// Maximum number of rules with a series. The configuration has fewer, unless reloads rename custom
/// rules.
const RULES: usize = 200;

/// Suppressed findings by rule. A rule has a series from its first suppressed finding on.
#[derive(Debug, Default)]
pub struct Suppressed(BTreeMap<&'static str, (u64, Birth)>);

impl Suppressed {
    /// Counts the suppressed findings of a report. A new series needs the consent of `admit`.
    pub fn record(
        &mut self,
        suppressed: &[report::Suppressed],
        birth: impl Fn() -> Birth,
        mut admit: impl FnMut() -> bool,
    ) {
        for suppressed in suppressed {
            let rule = suppressed.finding.rule.name;
            if !self.0.contains_key(rule) {
                if self.0.len() >= RULES || !admit() {
                    continue;
                }
                self.0.insert(rule, (0, birth()));
            }
            if let Some((count, _)) = self.0.get_mut(rule) {
                *count += 1;
            }
        }
    }

    /// Rules with the numbers of their suppressed findings and the starts of their series.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, u64, Birth)> {
        self.0
            .iter()
            .map(|(rule, (count, birth))| (*rule, *count, *birth))
    }
}
