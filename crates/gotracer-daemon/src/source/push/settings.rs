//! Limits of pushed traces.

use serde::{Deserialize, Serialize};

use crate::labels::Labels;
use crate::source::yaml::given_size;

/// The key `uploads` of the configuration.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Maximum size of a pushed trace as it is sent, bytes.
    #[serde(with = "given_size")]
    pub max_size: u64,
    /// Maximum size of all pushed traces that are not analyzed yet, bytes.
    #[serde(with = "given_size")]
    pub max_waiting: u64,
    /// Maximum number of traces per minute from one client address.
    pub per_minute: u32,
    /// Labels that a client may set beside `service`, `version`, `instance` and
    /// `job`.
    pub labels: Vec<String>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            max_size: 64 << 20,
            max_waiting: 1 << 30,
            per_minute: 60,
            labels: Vec::new(),
        }
    }
}

/// Invalid value.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SettingsError {
    /// No trace could be accepted.
    #[error("{0}: has to be more than 0; clients are kept out without --web.enable-uploads")]
    Zero(&'static str),
    /// A label that Prometheus does not accept, or that gotracer sets itself.
    #[error("labels: \"{0}\" cannot be a label of a pushed trace; use letters, digits and _")]
    Label(String),
}

/// Labels of metrics that clients must not set, and the parameter `reason`.
const RESERVED: [&str; 4] = ["rule", "severity", "reason", "le"];

impl Settings {
    /// Checks the values.
    ///
    /// # Errors
    /// Returns the first invalid value.
    pub fn check(&self) -> Result<(), SettingsError> {
        for (key, value) in [
            ("max_size", self.max_size),
            ("max_waiting", self.max_waiting),
            ("per_minute", self.per_minute.into()),
        ] {
            if value == 0 {
                return Err(SettingsError::Zero(key));
            }
        }
        let bad = |name: &&String| {
            !Labels::valid_name(name) || name.starts_with("__") || RESERVED.contains(&name.as_str())
        };
        match self.labels.iter().find(bad) {
            Some(name) => Err(SettingsError::Label(name.clone())),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_that_do_not_fit_are_refused() {
        let refused = |change: fn(&mut Settings)| {
            let mut settings = Settings::default();
            change(&mut settings);
            settings.check().unwrap_err().to_string()
        };
        assert!(Settings::default().check().is_ok());
        assert!(refused(|s| s.max_size = 0).contains("max_size"));
        assert!(refused(|s| s.per_minute = 0).contains("per_minute"));
        for label in ["a-b", "__name__", "reason", "rule"] {
            let settings = Settings {
                labels: vec!["zone".into(), label.into()],
                ..Settings::default()
            };
            let error = settings.check().unwrap_err().to_string();
            assert!(error.contains(label), "{error}");
        }
    }
}
