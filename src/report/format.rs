//! The forms in which reports are written.

use std::io::{self, Write};

use super::{Report, json, table};

/// A form in which reports are written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Format {
    /// A table for people.
    Table,
    /// JSON for programs.
    Json,
}

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
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// Show of each rule only so many findings.
    pub top: Option<usize>,
    /// How much to tell people.
    pub detail: Detail,
    /// Whether to use colour.
    pub color: bool,
    /// Columns of the terminal; none where lines may be of any length.
    pub width: Option<usize>,
}

impl Format {
    /// All formats.
    pub const ALL: [Self; 2] = [Self::Table, Self::Json];

    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Table => "table",
            Self::Json => "json",
        }
    }

    /// The format of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|f| f.name() == name)
    }

    /// Writes the reports of one call.
    ///
    /// # Errors
    /// If writing fails.
    pub fn write(
        self,
        out: &mut impl Write,
        reports: &[Report],
        options: &Options,
    ) -> io::Result<()> {
        match self {
            Self::Table => table::write(out, reports, options),
            Self::Json => json::write(out, reports, options),
        }
    }
}
