//! Errors of reading from and writing to a store.

use super::location::Location;

/// Kind of a store's failure.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Failure {
    /// There is no such object, or no such bucket.
    Missing,
    /// The credentials do not permit the request.
    Denied,
    /// Credentials are missing or wrong.
    Credentials,
    /// The store does not answer, or answers that it is unavailable.
    Unavailable,
    /// The request is invalid.
    Invalid,
}

/// Error of a store.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("cannot {doing} {url}: {why}{}", then(.advice))]
pub struct ObjectError {
    pub(super) failure: Failure,
    pub(super) doing: &'static str,
    pub(super) url: String,
    pub(super) why: String,
    pub(super) advice: Option<String>,
}

fn then(advice: &Option<String>) -> String {
    advice.as_ref().map_or(String::new(), |a| format!("; {a}"))
}

impl ObjectError {
    /// Kind of the failure.
    pub fn failure(&self) -> Failure {
        self.failure
    }

    /// Creates an error for a location that cannot be used: a build without S3, or contradicting environment variables.
    pub(super) fn settings(location: &Location, why: &str) -> Self {
        Self {
            failure: Failure::Invalid,
            doing: "use",
            url: location.to_string(),
            why: why.into(),
            advice: None,
        }
    }
}
