//! Series of a target by the catalogue: those that it always has, and those of a label value.

use super::{Metric, custom, names, of_targets, programs, tasks, time};
use crate::export::settings::{Settings, SettingsError};
use crate::export::totals::{Limits, STATES, Series, Totals};
use crate::rules::RULES;

/// Returns the bounds of the series of a target.
pub(in crate::export) fn limits(settings: &Settings) -> Limits<'_> {
    Limits {
        settings,
        fixed: settings.fixed_series(),
        series: series(settings),
    }
}

/// Returns the classic series of a label value by its kind.
fn series(settings: &Settings) -> Series {
    let wanted = |metric: &Metric<Totals>| match settings.wants(&metric.desc.exposed()) {
        true => metric.desc.series() * states(metric),
        false => 0,
    };
    let by = |metrics: &[Metric<Totals>], label: &str| {
        let of_label = metrics.iter();
        let of_label = of_label.filter(|metric| metric.desc.labels.first() == Some(&label));
        of_label.map(wanted).sum()
    };
    let reasons = RULES.into_iter().map(programs::by_reason);
    Series {
        custom: *custom::SERIES,
        reasons: reasons.map(|m| m.as_ref().map_or(0, wanted)).collect(),
        tasks: by(&tasks::METRICS, "task"),
        regions: by(&tasks::METRICS, "region"),
        requests: by(&tasks::METRICS, "handler"),
        functions: by(&time::metrics(), "function"),
    }
}

/// Returns how many states a label value has series of.
fn states(metric: &Metric<Totals>) -> usize {
    match metric.desc.labels {
        [_, "state"] => STATES + 1,
        _ => 1,
    }
}

impl Settings {
    /// Checks the settings.
    ///
    /// # Errors
    /// If a name matches no family, or the limit is below the fixed series of a target.
    pub fn check(&self) -> Result<(), SettingsError> {
        let names = names();
        for pattern in &self.disabled_families {
            if !names.iter().any(|name| Self::fits(pattern, name)) {
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
    fn fixed_series(&self) -> usize {
        let wanted = of_targets().filter(|m| self.wants(&m.desc.exposed()));
        wanted.map(|metric| metric.fixed).sum()
    }
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

    #[test]
    fn families_that_a_key_enables_are_off_by_default() {
        let (off, on) = (
            Settings::default(),
            Settings {
                regions: true,
                goroutine_functions: 1,
                ..Settings::default()
            },
        );
        let enabled: Vec<_> = names()
            .into_iter()
            .filter(|name| !off.wants(name) && on.wants(name))
            .collect();
        let expected = [
            "gotrace_goroutine_by_function_seconds_total",
            "gotrace_region_seconds",
        ];
        assert_eq!(enabled, expected);
    }

    #[test]
    fn a_label_value_has_the_series_of_its_families() {
        let of = |settings: &Settings| {
            let s = series(settings);
            (s.tasks, s.regions, s.requests, s.functions)
        };
        assert_eq!(of(&Settings::default()), (10, 0, 3, 0));
        let all = Settings {
            regions: true,
            goroutine_functions: 3,
            ..Settings::default()
        };
        assert_eq!(of(&all), (10, 3, 3, 7));
        assert!(series(&all).reasons.iter().any(|series| *series > 0));
        let none = Settings {
            disabled_families: vec!["gotrace_*".into()],
            ..all
        };
        assert_eq!(of(&none), (0, 0, 0, 0));
        assert!(series(&none).reasons.iter().all(|series| *series == 0));
    }
}
