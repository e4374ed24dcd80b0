//! Labels and reason of a pushed trace, from the query of its request.

use super::settings::Settings;
use crate::labels::Labels;

/// Labels that every client may set.
const NAMES: [&str; 4] = ["service", "version", "instance", "job"];
/// Maximum length of a value, bytes: labels stay in memory for as long as their
/// series.
const MOST: usize = 128;

/// Labels and reason of a pushed trace.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Sender {
    /// Labels of its measurements.
    pub labels: Labels,
    /// Reason to keep the trace whatever it shows.
    pub reason: Option<String>,
}

/// A query that does not name labels of a trace.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LabelError {
    /// Not one of the labels that clients may set.
    #[error("{0:?} is not a label that clients may set; there are {1}, and reason")]
    Unknown(String, String),
    /// The parameter has two values.
    #[error("{0} has two values")]
    Twice(String),
    /// The value is too long, or holds a control character.
    #[error("the value of {0} has more than {MOST} bytes or a control character")]
    Value(String),
}

/// Reads the query of a request.
///
/// # Errors
/// If it has another parameter than the labels that clients may set and
/// `reason`, or a value that is no label's.
pub fn sender(query: &str, settings: &Settings) -> Result<Sender, LabelError> {
    let mut sender = Sender::default();
    let allowed = || {
        NAMES
            .into_iter()
            .chain(settings.labels.iter().map(String::as_str))
    };
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        if value.len() > MOST || value.chars().any(char::is_control) {
            return Err(LabelError::Value(name.into()));
        }
        let value = value.trim();
        let twice = if name == "reason" {
            let reason = (!value.is_empty()).then(|| value.to_owned());
            std::mem::replace(&mut sender.reason, reason).is_some()
        } else if allowed().any(|known| known == name) {
            let twice = !sender.labels.get(&name).is_empty();
            sender.labels.set(name.as_ref(), value);
            twice
        } else {
            let allowed: Vec<_> = allowed().collect();
            return Err(LabelError::Unknown(name.into(), allowed.join(", ")));
        };
        if twice {
            return Err(LabelError::Twice(name.into()));
        }
    }
    Ok(sender)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_names_labels_and_a_reason() {
        let settings = Settings {
            labels: vec!["zone".into()],
            ..Settings::default()
        };
        let query = "service=shop&version=1.2%2B3&zone=a&reason=slow+request&job=";
        let sender = sender(query, &settings).unwrap();
        let labels = [("service", "shop"), ("version", "1.2+3"), ("zone", "a")];
        assert_eq!(sender.labels, labels.into_iter().collect());
        assert_eq!(sender.reason.as_deref(), Some("slow request"));
    }

    #[test]
    fn other_parameters_and_values_are_refused() {
        let settings = Settings::default();
        let refused = |query: &str| sender(query, &settings).unwrap_err().to_string();
        let unknown = refused("service=shop&zone=a");
        assert!(unknown.contains("\"zone\""), "{unknown}");
        assert!(
            unknown.contains("service, version, instance, job, and reason"),
            "{unknown}"
        );
        assert!(refused("service=a&service=b").contains("service has two values"));
        assert!(refused("reason=a&reason=b").contains("reason has two values"));
        assert!(refused("service=a%0Ab").contains("control"));
        let long = format!("version={}", "1".repeat(MOST + 1));
        assert!(refused(&long).contains("128"));
    }
}
