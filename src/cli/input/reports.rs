//! Reports to compare: of traces, or saved ones.

use std::fs;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use anyhow::Context;
use gotracer::report::{Report, saved};
use gotracer::rules::Settings;

use crate::cli::input::batch::{Analyzed, Batch};
use crate::cli::input::progress::Progress;
use crate::cli::input::skipped::Skipped;
use crate::cli::input::{self, Source};
use crate::cli::messages::{complain, complain_of};

/// Loads reports from traces and saved reports.
#[derive(Clone, Copy)]
pub(crate) struct Reports<'a> {
    pub(crate) settings: &'a Settings,
    pub(crate) jobs: Option<NonZeroUsize>,
    pub(crate) progress: &'a Progress,
    pub(crate) quiet: bool,
}

impl Reports<'_> {
    /// Returns the reports of all arguments; `None` after an error, which has been printed.
    pub(crate) fn load(&self, arguments: &[PathBuf]) -> Option<Vec<Report>> {
        let mut reports = Vec::new();
        let mut whole = true;
        for argument in arguments {
            match self.one(argument) {
                Ok(more) => reports.extend(more),
                Err(error) => {
                    whole = false;
                    complain_of(&error);
                }
            }
        }
        whole.then_some(reports)
    }

    fn one(&self, argument: &Path) -> anyhow::Result<Vec<Report>> {
        let mut traces = Vec::new();
        let mut reports = Vec::new();
        for source in input::expand(argument, false)? {
            match saved_as_json(&source)? {
                Some(mut more) => {
                    if let Some(note) = saved::note(&more).filter(|_| !self.quiet) {
                        complain("note", &format!("{}: {note}", source.name()));
                    }
                    reports.append(&mut more);
                }
                None => traces.push(source),
            }
        }
        let batch = Batch {
            settings: &|_| self.settings,
            jobs: self.jobs,
            progress: self.progress,
        };
        let mut skipped = Skipped::default();
        batch.analyze(&traces, |source, Analyzed { name, result }| {
            match result {
                Ok(outcome) => {
                    if let Some(error) = outcome.error {
                        self.warn(&format!("{name}: {error}"));
                    }
                    if let Some(warning) = &outcome.report.trace.warning {
                        self.warn(&format!("{name}: {warning}"));
                    }
                    reports.push(outcome.report);
                }
                Err(error) => {
                    let skipped = skipped.add(source, error.kind()).is_some();
                    anyhow::ensure!(skipped, "{name}: {error}");
                }
            }
            Ok(())
        })?;
        if let Some(line) = skipped.summary("") {
            self.warn(&line);
        }
        anyhow::ensure!(
            !reports.is_empty(),
            "{}: there is neither a trace nor a report",
            argument.display()
        );
        Ok(reports)
    }

    fn warn(&self, text: &str) {
        if !self.quiet {
            complain("warning", text);
        }
    }
}

/// Returns the saved reports if a file is JSON. A JSON file that was found in a directory and is not a report is skipped.
fn saved_as_json(source: &Source) -> anyhow::Result<Option<Vec<Report>>> {
    let Some(path) = source.file() else {
        return Ok(None);
    };
    if !is_json(path) {
        return Ok(None);
    }
    match read(path) {
        Err(_) if source.found => Ok(Some(Vec::new())),
        read => read.map(Some),
    }
}

/// Reads saved reports from a file.
pub(crate) fn read(path: &Path) -> anyhow::Result<Vec<Report>> {
    let name = || path.display().to_string();
    let text = fs::read(path).with_context(name)?;
    saved::read(&text).with_context(name)
}

/// Reports whether a file starts with `{`, which no trace does.
fn is_json(path: &Path) -> bool {
    let mut head = [0; 64];
    let read = fs::File::open(path).and_then(|mut f| std::io::Read::read(&mut f, &mut head));
    let text = head[..read.unwrap_or(0)].trim_ascii_start();
    text.starts_with(b"{")
}
