//! Settings: when releases are compared, and how many are kept.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::source::yaml::given_duration;

/// The key `releases` of the configuration.
#[derive(Clone, PartialEq, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Whether releases are recorded.
    pub enabled: bool,
    /// Warm-up of a program. Captures in this time count in totals but not in comparisons.
    #[serde(with = "given_duration")]
    pub warmup: Duration,
    /// Least number of captures of each version in a comparison.
    pub min_captures: u64,
    /// Least observed time of each version in a comparison.
    #[serde(with = "given_duration")]
    pub min_observed: Duration,
    /// Smallest change that counts, as a share of the previous value.
    pub min_change: f64,
    /// Confidence of all statements about a release together.
    pub confidence: f64,
    /// Time after its last capture for which a version counts as running.
    #[serde(with = "given_duration")]
    pub current_for: Duration,
    /// Limit of services; the service without captures for longest is dropped.
    pub max_services: usize,
    /// Limit of versions per service.
    pub max_versions: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            enabled: true,
            warmup: Duration::from_secs(300),
            min_captures: 10,
            min_observed: Duration::from_secs(30),
            min_change: 0.1,
            confidence: 0.99,
            current_for: Duration::from_secs(3600),
            max_services: 100,
            max_versions: 10,
        }
    }
}

/// Error of invalid settings.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SettingsError {
    /// The confidence is out of range.
    #[error("confidence: {0} is not between 0 and 1; 0.99 is wrong in one release of a hundred")]
    Confidence(f64),
    /// The least change is out of range.
    #[error("min_change: {0} is no share; 0.1 is 10 %")]
    Change(f64),
    /// The limit leaves no versions to compare.
    #[error("{0}: has to be at least {1}")]
    TooFew(&'static str, usize),
}

impl Settings {
    /// Checks the settings.
    ///
    /// # Errors
    /// Names the first invalid value.
    pub fn check(&self) -> Result<(), SettingsError> {
        if !(self.confidence > 0.0 && self.confidence < 1.0) {
            return Err(SettingsError::Confidence(self.confidence));
        }
        if !(self.min_change >= 0.0 && self.min_change.is_finite()) {
            return Err(SettingsError::Change(self.min_change));
        }
        for (key, value, least) in [
            ("min_captures", self.min_captures as usize, 1),
            ("max_services", self.max_services, 1),
            ("max_versions", self.max_versions, 2),
        ] {
            if value < least {
                return Err(SettingsError::TooFew(key, least));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_makes_no_sense_is_refused() {
        let refused = |change: fn(&mut Settings)| {
            let mut settings = Settings::default();
            change(&mut settings);
            settings.check().unwrap_err().to_string()
        };
        assert!(Settings::default().check().is_ok());
        assert!(refused(|s| s.confidence = 99.0).contains("99 is not between"));
        assert!(refused(|s| s.confidence = f64::NAN).contains("confidence"));
        assert!(refused(|s| s.min_change = -0.1).contains("min_change"));
        assert!(refused(|s| s.max_versions = 1).contains("at least 2"));
        assert!(refused(|s| s.min_captures = 0).contains("min_captures"));
    }
}
