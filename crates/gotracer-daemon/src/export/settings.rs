//! Settings of metrics: the key `prometheus`.

use glob::Pattern;
use serde::{Deserialize, Serialize};

use super::catalog::{self, tasks};

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
    /// Checks the settings.
    ///
    /// # Errors
    /// If a name matches no family, or the limit is below the fixed series of a target.
    pub fn check(&self) -> Result<(), SettingsError> {
        let names = catalog::names();
        for pattern in &self.disabled_families {
            if !names.iter().any(|name| fits(pattern, name)) {
                return Err(SettingsError::Name(pattern.clone()));
            }
        }
        let (limit, least) = (self.series_limit, self.fixed_series());
        match limit > 0 && limit < least {
            true => Err(SettingsError::Limit { limit, least }),
            false => Ok(()),
        }
    }

    /// Series that every target has from the start.
    pub(super) fn fixed_series(&self) -> usize {
        let wanted = catalog::of_targets().filter(|m| self.wants(&m.desc.exposed()));
        wanted.map(|metric| metric.fixed).sum()
    }

    /// Whether the family of that name, as it is exposed, is wanted.
    pub(super) fn wants(&self, name: &str) -> bool {
        (self.regions || name != tasks::REGION)
            && !self.disabled_families.iter().any(|p| fits(p, name))
    }
}

fn fits(pattern: &str, name: &str) -> bool {
    Pattern::new(pattern).is_ok_and(|p| p.matches(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_to_be_somebodys() {
        let of = |pattern: &str| Settings {
            disabled_families: vec![pattern.into()],
            ..Settings::default()
        };
        for good in [
            "gotrace_*",
            "gotrace_findings_total",
            "process_*",
            "*_seconds",
        ] {
            assert!(of(good).check().is_ok(), "{good}");
        }
        for bad in ["gotrace_finding", "", "[", "go_*"] {
            assert!(of(bad).check().is_err(), "{bad}");
        }
        assert!(!of("gotrace_*_total").wants("gotrace_findings_total"));
        assert!(of("gotrace_*_total").wants("gotrace_goroutines"));
    }

    #[test]
    fn a_limit_has_to_leave_room() {
        let of = |series_limit| Settings {
            series_limit,
            ..Settings::default()
        };
        assert!(of(0).check().is_ok() && of(2_000).check().is_ok());
        assert!(of(10).check().is_err());
        let few = Settings {
            disabled_families: vec!["gotrace_*_seconds".into(), "gotrace_*_bytes".into()],
            ..of(150)
        };
        assert!(of(150).check().is_err() && few.check().is_ok());
    }
}
