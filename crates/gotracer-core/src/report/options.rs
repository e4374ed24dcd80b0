//! Options of all formats.

use super::{PathMap, Severity, Top};

/// Level of detail of formats for people.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub enum Detail {
    /// Only the findings.
    Findings,
    /// Also the trace, and what every rule measured.
    #[default]
    Normal,
    /// Also each finding's stacks and its whole suggestion.
    Full,
}

/// How to write reports. A format ignores options that do not concern it.
#[derive(Clone, Debug)]
pub struct Options {
    /// Which findings to show.
    pub top: Top,
    /// Level of detail.
    pub detail: Detail,
    /// Whether to use colour.
    pub color: bool,
    /// Columns of the terminal; `None` if lines may have any length.
    pub width: Option<usize>,
    /// Mapping from paths of the trace to paths of the repository.
    pub paths: PathMap,
    /// Lowest severity that fails a build; `None` if none does.
    pub fail_on: Option<Severity>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            top: Top::Default,
            detail: Detail::default(),
            color: false,
            width: None,
            paths: PathMap::default(),
            fail_on: Some(Severity::Warn),
        }
    }
}
