//! Labels from file names: `{service}_{version}_{timestamp}.trace`.

use std::collections::BTreeSet;
use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;

use regex::Regex;
use serde::{Deserialize, Serialize};

use crate::labels::Labels;

/// Placeholders that set no label. A label with timestamps would have unbounded
/// values.
const NO_LABELS: [&str; 2] = ["timestamp", "_"];

/// Pattern of file names.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct Pattern {
    regex: Regex,
    text: String,
}

/// Error of a pattern.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PatternError {
    /// A brace lacks its partner.
    #[error("\"{0}\" has a brace without its partner")]
    Brace(String),
    /// A label occurs twice.
    #[error("{{{0}}} occurs twice")]
    Twice(String),
    /// The name is not a valid label name of Prometheus.
    #[error("\"{0}\" is not a valid label name")]
    Name(String),
    /// The pattern has no placeholders.
    #[error("\"{0}\" names no label, such as {{service}}")]
    NoLabel(String),
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Pattern {}

impl FromStr for Pattern {
    type Err = PatternError;

    fn from_str(text: &str) -> Result<Self, PatternError> {
        let brace = || PatternError::Brace(text.into());
        let mut regex = String::from("^");
        let mut names = BTreeSet::new();
        let mut rest = text;
        while let Some((literal, after)) = rest.split_once('{') {
            let (name, after) = after.split_once('}').ok_or_else(brace)?;
            if literal.contains('}') {
                return Err(brace());
            }
            regex += &regex::escape(literal);
            if NO_LABELS.contains(&name) {
                regex += "[^/]+?";
            } else if !Labels::valid_name(name) || name.starts_with("__") {
                return Err(PatternError::Name(name.into()));
            } else if !names.insert(name) {
                return Err(PatternError::Twice(name.into()));
            } else {
                regex += &format!("(?<{name}>[^/]+?)");
            }
            rest = after;
        }
        if rest.contains('}') {
            return Err(brace());
        }
        if names.is_empty() {
            return Err(PatternError::NoLabel(text.into()));
        }
        regex += &regex::escape(rest);
        regex += r"(?:\.gz|\.zst)?$";
        Ok(Self {
            regex: Regex::new(&regex).map_err(|_| brace())?,
            text: text.into(),
        })
    }
}

impl TryFrom<String> for Pattern {
    type Error = PatternError;

    fn try_from(text: String) -> Result<Self, PatternError> {
        text.parse()
    }
}

impl From<Pattern> for String {
    fn from(pattern: Pattern) -> Self {
        pattern.text
    }
}

impl Pattern {
    /// Whether the pattern matches directories too, not only the file name.
    pub fn is_deep(&self) -> bool {
        self.text.contains('/')
    }

    /// Extracts labels from a path; `None` if it does not match.
    pub fn labels(&self, below: &Path) -> Option<Labels> {
        self.apply(below, &Labels::new())
    }

    /// Adds the labels of a path below the watched directory; `None` if the path
    /// does not match.
    fn apply(&self, below: &Path, labels: &Labels) -> Option<Labels> {
        let name = if self.is_deep() {
            below.as_os_str()
        } else {
            below.file_name()?
        };
        let found = self.regex.captures(name.to_str()?)?;
        let names = self.regex.capture_names().flatten();
        let told = names.filter_map(|n| Some((n, found.name(n)?.as_str())));
        Some(told.fold(labels.clone(), |labels, (n, v)| labels.with(n, v)))
    }
}

/// Assigns labels to files.
pub(super) struct Namer {
    patterns: Vec<Pattern>,
    labels: Arc<Labels>,
}

impl Namer {
    /// Files get these labels, and those of the first pattern that matches.
    pub(super) fn new(patterns: Vec<Pattern>, labels: Arc<Labels>) -> Self {
        Self { patterns, labels }
    }

    /// Returns the labels of a file, by its path below the watched directory.
    pub(super) fn labels(&self, below: &Path) -> Arc<Labels> {
        let mut told = self.patterns.iter().map(|p| p.apply(below, &self.labels));
        let told = told.find_map(|labels| labels);
        told.map_or_else(|| Arc::clone(&self.labels), Arc::new)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(pattern: &str, path: &str) -> String {
        let namer = Namer::new(vec![pattern.parse().unwrap()], Arc::default());
        namer.labels(Path::new(path)).to_string()
    }

    #[test]
    fn names_tell_labels() {
        let usual = "{service}_{version}_{timestamp}.trace";
        let told = r#"{service="api", version="v1.2"}"#;
        assert_eq!(labels(usual, "x/api_v1.2_2026-11-23.trace"), told);
        assert_eq!(labels(usual, "api_v1.2_1.trace.gz"), told);
        assert_eq!(labels(usual, "api.trace"), "{}");
        assert_eq!(
            labels("{service}/{_}.out", "api/a.out"),
            r#"{service="api"}"#
        );
        assert_eq!(labels("{a}.t", "axt"), "{}");
    }

    #[test]
    fn mistakes_are_said() {
        for (pattern, error) in [
            ("{a", "brace"),
            ("a}{b}", "brace"),
            ("{a}{a}", "twice"),
            ("{a-b}", "not a valid label name"),
            ("{timestamp}", "names no label"),
        ] {
            let found = pattern.parse::<Pattern>().unwrap_err().to_string();
            assert!(found.contains(error), "{pattern}: {found}");
        }
    }
}
