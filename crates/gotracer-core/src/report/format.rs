//! The forms in which reports are written.

use std::io::{self, Write};
use std::path::Path;

use super::{
    Options, Report, csv, github, gitlab, html, json, jsonl, junit, markdown, sarif, table,
};

/// A form in which reports are written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Format {
    /// A table for people.
    Table,
    /// JSON for programs.
    Json,
    /// A page for people, whole in one file.
    Html,
    /// Markdown for people, as in a job's summary.
    Markdown,
    /// SARIF, which code hosts and editors show beside the code.
    Sarif,
    /// JUnit XML: a test case a rule.
    Junit,
    /// Annotations of GitHub Actions.
    Github,
    /// GitLab's code quality report.
    Gitlab,
    /// JSON, one object a line.
    Jsonl,
    /// What the rules measured, as comma-separated values.
    Csv,
}

impl Format {
    /// All formats.
    pub const ALL: [Self; 10] = [
        Self::Table,
        Self::Json,
        Self::Html,
        Self::Markdown,
        Self::Sarif,
        Self::Junit,
        Self::Github,
        Self::Gitlab,
        Self::Jsonl,
        Self::Csv,
    ];

    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Table => "table",
            Self::Json => "json",
            Self::Html => "html",
            Self::Markdown => "markdown",
            Self::Sarif => "sarif",
            Self::Junit => "junit",
            Self::Github => "github",
            Self::Gitlab => "gitlab",
            Self::Jsonl => "jsonl",
            Self::Csv => "csv",
        }
    }

    /// What it is for, in a few words.
    pub fn summary(self) -> &'static str {
        match self {
            Self::Table => "for people at a terminal",
            Self::Json => "for programs: schema/report-v1.json",
            Self::Html => "a page in one file, for a browser",
            Self::Markdown => "for a job's summary or a comment",
            Self::Sarif => "SARIF 2.1.0, shown beside the code",
            Self::Junit => "JUnit XML, a test case a rule",
            Self::Github => "annotations of GitHub Actions",
            Self::Gitlab => "GitLab's code quality report",
            Self::Jsonl => "JSON, one object a line",
            Self::Csv => "what the rules measured",
        }
    }

    /// The format of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|f| f.name() == name)
    }

    /// The formats that a file's ending may mean, the likeliest first; none if
    /// it means nothing.
    pub fn of_file(path: &Path) -> &'static [Self] {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let name = name.to_ascii_lowercase();
        let of_ending = |ending: &str| -> &'static [Self] {
            match ending {
                "json" => &[Self::Json, Self::Sarif, Self::Gitlab],
                "html" | "htm" => &[Self::Html],
                "md" | "markdown" => &[Self::Markdown],
                "sarif" => &[Self::Sarif],
                "xml" => &[Self::Junit],
                "jsonl" | "ndjson" => &[Self::Jsonl],
                "csv" => &[Self::Csv],
                _ => &[],
            }
        };
        if name.ends_with(".sarif.json") {
            return &[Self::Sarif];
        }
        name.rsplit_once('.')
            .map_or(&[], |(_, ending)| of_ending(ending))
    }

    /// Whether it shows how the program went over time, see
    /// [`Report::course`].
    pub fn wants_course(self) -> bool {
        self == Self::Html
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
            Self::Html => html::write(out, reports, options),
            Self::Markdown => markdown::write(out, reports, options),
            Self::Sarif => sarif::write(out, reports, options),
            Self::Junit => junit::write(out, reports, options),
            Self::Github => github::write(out, reports, options),
            Self::Gitlab => gitlab::write(out, reports, options),
            Self::Jsonl => jsonl::write(out, reports, options),
            Self::Csv => csv::write(out, reports, options),
        }
    }
}
