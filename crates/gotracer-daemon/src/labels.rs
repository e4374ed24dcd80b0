//! Labels of a target.
//!
//! A source sets them, and exporters add them to all data of the trace. The analysis does not read
//! them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Value of `job` for traces in watched directories.
pub const WATCH: &str = "watch";
/// Value of `job`, and the default `instance`, for traces that clients push.
pub const UPLOAD: &str = "upload";

/// Set of label names and values, ordered by name. As in Prometheus, a label with an empty value
/// does not exist.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Labels(BTreeMap<String, String>);

impl Labels {
    /// Creates an empty set.
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns the value of a label, empty if it is missing.
    pub fn get(&self, name: &str) -> &str {
        self.0.get(name).map_or("", String::as_str)
    }

    /// Sets a label, or removes it if the value is empty.
    pub fn set(&mut self, name: impl Into<String>, value: impl Into<String>) {
        let (name, value) = (name.into(), value.into());
        if value.is_empty() {
            self.0.remove(&name);
        } else {
            self.0.insert(name, value);
        }
    }

    /// Returns the same labels and one more.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.set(name, value);
        self
    }

    /// Adds `job` and `instance` unless the labels have them. Every trace has
    /// both, as in Prometheus: a scrape with `honor_labels` would add those of
    /// gotracer otherwise.
    #[must_use]
    pub fn identified(mut self, job: &str, instance: &str) -> Self {
        for (name, value) in [("job", job), ("instance", instance)] {
            if self.get(name).is_empty() {
                self.set(name, value);
            }
        }
        self
    }

    /// Returns the job if the configuration or a client chose it, and nothing
    /// for the job of any watched directory or upload.
    pub fn chosen_job(&self) -> &str {
        match self.get("job") {
            WATCH | UPLOAD => "",
            job => job,
        }
    }

    /// Keeps the labels for which `keep` returns true.
    pub fn retain(&mut self, mut keep: impl FnMut(&str) -> bool) {
        self.0.retain(|name, _| keep(name));
    }

    /// Returns names and values, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(n, v)| (n.as_str(), v.as_str()))
    }

    /// Whether the set is empty.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a label name is valid in classic Prometheus, without quotes.
    pub fn valid_name(name: &str) -> bool {
        let mut bytes = name.bytes();
        let first = |b: u8| b.is_ascii_alphabetic() || b == b'_';
        bytes.next().is_some_and(first) && bytes.all(|b| first(b) || b.is_ascii_digit())
    }
}

impl<N: Into<String>, V: Into<String>> FromIterator<(N, V)> for Labels {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(pairs: I) -> Self {
        let mut labels = Self::new();
        for (name, value) in pairs {
            labels.set(name, value);
        }
        labels
    }
}

impl std::fmt::Display for Labels {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("{")?;
        for (i, (name, value)) in self.iter().enumerate() {
            let comma = if i == 0 { "" } else { ", " };
            match Self::valid_name(name) {
                true => write!(f, "{comma}{name}={value:?}")?,
                false => write!(f, "{comma}{name:?}={value:?}")?,
            }
        }
        f.write_str("}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_value_is_no_label() {
        let labels = Labels::new().with("job", "api").with("job", "");
        assert!(labels.is_empty());
        assert_eq!(labels.get("job"), "");
    }

    #[test]
    fn every_trace_has_a_job_and_an_instance() {
        let labels = |own: Labels| own.identified(WATCH, "/in").to_string();
        assert_eq!(labels(Labels::new()), r#"{instance="/in", job="watch"}"#);
        let own = Labels::new().with("instance", "a").with("job", "ci");
        assert_eq!(labels(own.clone()), r#"{instance="a", job="ci"}"#);
        assert_eq!(own.chosen_job(), "ci");
        assert_eq!(Labels::new().identified(UPLOAD, "a").chosen_job(), "");
    }

    #[test]
    fn odd_names_and_values_are_quoted() {
        let labels = Labels::new()
            .with("k8s.pod\n", "a\u{1b}[31m")
            .with("job", "a");
        assert_eq!(
            labels.to_string(),
            r#"{job="a", "k8s.pod\n"="a\u{1b}[31m"}"#
        );
    }

    #[test]
    fn names_are_those_of_prometheus() {
        for good in ["job", "_x", "__address__", "a1"] {
            assert!(Labels::valid_name(good), "{good}");
        }
        for bad in ["", "1a", "a-b", "é", "a.b"] {
            assert!(!Labels::valid_name(bad), "{bad}");
        }
    }
}
