//! Settings of metrics: the key `prometheus`.

use glob::Pattern;
use serde::{Deserialize, Serialize};

/// Exposed name of the family that only `regions` enables.
const REGIONS: &str = "gotrace_region_seconds";
/// Exposed name of the family that only `goroutine_functions` enables.
const FUNCTIONS: &str = "gotrace_goroutine_by_function_seconds_total";

/// The key `prometheus` of the configuration.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Whether there is `/metrics` at all.
    pub enabled: bool,
    /// Names of metric families to leave out, with `*` for anything.
    pub disabled_families: Vec<String>,
    /// Limit of the series per target; 0 disables it.
    pub series_limit: usize,
    /// Series per target up to which reasons, tasks, requests and regions in traces get series of
    /// their own; later ones count as `other`. 0 disables it.
    pub series_soft_limit: usize,
    /// Number of places that create goroutines with series of their own, per target.
    pub goroutine_places: usize,
    /// Number of start functions of goroutines with series of their own, per target.
    pub goroutine_functions: usize,
    /// Types of tasks with series of their own; the first ones if none are listed.
    pub task_types: Vec<String>,
    /// Whether regions have metrics.
    pub regions: bool,
    /// Whether OpenMetrics has a line `_created` for each counter and
    /// histogram. Protobuf always tells when they began.
    pub created_series: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            enabled: true,
            disabled_families: Vec::new(),
            series_limit: 2_000,
            series_soft_limit: 450,
            goroutine_places: 0,
            goroutine_functions: 0,
            task_types: Vec::new(),
            regions: false,
            created_series: false,
        }
    }
}

/// Why settings can't be had.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SettingsError {
    /// Switches nothing off.
    #[error("disabled_families: no metric has the name \"{0}\"; docs/metrics.md lists them")]
    Name(String),
    /// Leaves no room.
    #[error(
        "series_limit: {limit} is below the {least} series that every target has; raise it, or \
         switch families off with disabled_families"
    )]
    Limit {
        /// The configured limit.
        limit: usize,
        /// The least that makes sense.
        least: usize,
    },
}

impl Settings {
    /// Whether the family of that name, as it is exposed, is wanted.
    pub(super) fn wants(&self, name: &str) -> bool {
        (self.regions || name != REGIONS)
            && (self.goroutine_functions > 0 || name != FUNCTIONS)
            && !self.disabled_families.iter().any(|p| Self::fits(p, name))
    }

    /// Whether the pattern of a disabled family matches the name.
    pub(super) fn fits(pattern: &str, name: &str) -> bool {
        Pattern::new(pattern).is_ok_and(|p| p.matches(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn disabled_families_match_exposed_names() {
        let off = Settings {
            disabled_families: vec!["gotrace_*_total".into()],
            ..Settings::default()
        };
        assert!(!off.wants("gotrace_findings_total"));
        assert!(off.wants("gotrace_goroutines"));
    }
}
