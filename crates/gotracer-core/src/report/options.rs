//! How reports are to be written.

use super::{PathMap, Severity};

/// How much a format for people tells.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub enum Detail {
    /// The findings and nothing else.
    Findings,
    /// What was read, the findings, the rules that are not applicable.
    #[default]
    Normal,
    /// Also each finding's suggested fix, cause and stack.
    Full,
}

/// How to write reports. A format ignores what does not concern it.
#[derive(Clone, Debug)]
pub struct Options {
    /// Show of each rule only so many findings.
    pub top: Option<usize>,
    /// How much to tell people.
    pub detail: Detail,
    /// Whether to use colour.
    pub color: bool,
    /// Columns of the terminal; none where lines may be of any length.
    pub width: Option<usize>,
    /// Where the source files of the traced program are in its repository.
    pub paths: PathMap,
    /// The least severity that fails a build; none if nothing does.
    pub fail_on: Option<Severity>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            top: None,
            detail: Detail::default(),
            color: false,
            width: None,
            paths: PathMap::default(),
            fail_on: Some(Severity::Warn),
        }
    }
}
