//! The forms in which comparisons are written.

mod html;
mod json;
mod markdown;
mod table;
pub mod words;

use std::io::{self, Write};

use super::Comparison;

pub use json::SCHEMA;

/// A form in which comparisons are written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Format {
    /// A table for people.
    Table,
    /// JSON for programs: `schema/diff-v1.json` describes it.
    Json,
    /// Markdown for the summary of a job.
    Markdown,
    /// A page with pictures of the distributions.
    Html,
}

impl Format {
    /// All formats.
    pub const ALL: &[Self] = &[Self::Table, Self::Json, Self::Markdown, Self::Html];

    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Table => "table",
            Self::Json => "json",
            Self::Markdown => "markdown",
            Self::Html => "html",
        }
    }

    /// The format of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|f| f.name() == name)
    }

    /// Writes a comparison, with colour where a format has some.
    ///
    /// # Errors
    /// If writing fails.
    pub fn write(self, out: &mut impl Write, c: &Comparison, color: bool) -> io::Result<()> {
        match self {
            Self::Table => table::write(out, c, color),
            Self::Json => json::write(out, c),
            Self::Markdown => markdown::write(out, c),
            Self::Html => html::write(out, c),
        }
    }
}
