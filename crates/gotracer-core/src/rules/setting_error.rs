//! Errors of settings.

/// Errors of settings.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SettingError {
    /// No rule has the name.
    #[error("there is no rule \"{0}\"; `gotracer rules` lists them")]
    UnknownRule(String),
    /// The rule does not have the key.
    #[error("{rule} has no setting \"{key}\"; it has {known}")]
    UnknownKey {
        /// The rule.
        rule: &'static str,
        /// The unknown key.
        key: String,
        /// The rule's keys.
        known: String,
    },
    /// The value does not fit the key.
    #[error("\"{value}\" is not {expected}")]
    BadValue {
        /// The rejected value.
        value: String,
        /// Description of a valid value, with an example.
        expected: &'static str,
    },
    /// The warn threshold is above the error threshold.
    #[error("{rule}: warn must not be above error")]
    WarnAboveError {
        /// The rule.
        rule: &'static str,
    },
}
