//! Options for rules and output, which `analyze` and `capture` share.

use std::path::PathBuf;

use gotracer::report::{Detail, Options, Severity, Top};

use super::{formats, number, path_map, settings};
use crate::cli::exit_code::{CLEAN, FOUND};
use crate::cli::input::Source;
use crate::cli::messages::complain;
use crate::cli::output::{Color, place};

/// Options for rules and output, which `analyze` and `capture` share.
#[derive(clap::Args)]
#[group(skip)]
pub(crate) struct Judgement {
    /// Write to a file instead of standard output, in the format of --format or
    /// of the file's extension: .html, .sarif, .json, .xml (JUnit), .md, .jsonl,
    /// .csv, .txt; with --format parquet to a directory or s3://BUCKET/PREFIX
    /// (may be repeated)
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Vec<PathBuf>,

    #[command(flatten)]
    pub(crate) formats: formats::Formats,

    /// Show only the N worst findings per rule; 0 shows all [default: 5 in the
    /// table, all in other formats]
    #[arg(long, value_name = "N", value_parser = number::at_least(0usize))]
    top: Option<usize>,

    /// Lowest severity that makes the exit code 1
    #[arg(long, value_name = "LEVEL", default_value = "warn")]
    pub(crate) fail_on: FailOn,

    /// Report and fail only on findings that are new or worse than in this
    /// report, saved with --write-baseline or --format json
    #[arg(long, value_name = "FILE")]
    pub(crate) baseline: Option<PathBuf>,

    /// Save all findings as the baseline of later runs; this run then exits
    /// with 0
    #[arg(long, value_name = "FILE")]
    pub(crate) write_baseline: Option<PathBuf>,

    /// Exit with 2 if a trace is truncated, corrupt or of an unknown newer
    /// format, regardless of findings
    #[arg(long)]
    pub(crate) strict: bool,

    /// Show each finding's stacks and its full fix as well
    #[arg(short, long)]
    pub(crate) verbose: bool,

    /// Show findings only: no summaries, no progress, no warnings
    #[arg(short, long, conflicts_with = "verbose")]
    pub(crate) quiet: bool,

    /// When to use color
    #[arg(long, value_name = "WHEN", default_value = "auto")]
    pub(crate) color: Color,

    #[command(flatten)]
    paths: path_map::Args,

    #[command(flatten)]
    pub(crate) settings: settings::Args,
}

/// Value of `--fail-on`.
#[derive(Clone, Copy, clap::ValueEnum)]
pub(crate) enum FailOn {
    Warn,
    Error,
    Never,
}

impl Judgement {
    /// Returns the options of report formats.
    pub(crate) fn options(&self) -> Options {
        Options {
            top: match self.top {
                None => Top::Default,
                Some(0) => Top::All,
                Some(limit) => Top::PerRule(limit),
            },
            detail: match (self.quiet, self.verbose) {
                (true, _) => Detail::Findings,
                (_, true) => Detail::Full,
                _ => Detail::Normal,
            },
            paths: self.paths.map(),
            fail_on: self.fail_on.least(),
            ..Options::default()
        }
    }

    /// Returns the paths of all reports and of the baseline.
    #[cfg(feature = "daemon")]
    pub(crate) fn outputs(&self) -> anyhow::Result<Vec<PathBuf>> {
        let mut paths = self.formats.paths(&self.output)?;
        paths.extend(self.write_baseline.clone());
        Ok(paths)
    }

    /// Rejects outputs that would overwrite an input.
    pub(crate) fn check_places(&self, sources: &[Source]) -> anyhow::Result<()> {
        let reports = self.formats.paths(&self.output)?;
        let read = self.baseline.iter().chain(self.settings.file());
        let read = read.map(PathBuf::as_path);
        let traces = sources.iter().filter_map(Source::file);
        // Writing to the file of `--baseline` updates it.
        let reports: Vec<_> = reports.iter().map(PathBuf::as_path).collect();
        place::check(&reports, traces.clone().chain(read))?;
        let all = self.write_baseline.iter().map(PathBuf::as_path);
        let all: Vec<_> = all.chain(reports).collect();
        place::check(&all, traces)
    }

    /// Prints a warning, unless `--quiet`.
    pub(crate) fn warn(&self, text: &str) {
        if !self.quiet {
            complain("warning", text);
        }
    }
}

impl FailOn {
    /// Returns the lowest severity that fails; `None` if none does.
    fn least(self) -> Option<Severity> {
        match self {
            Self::Warn => Some(Severity::Warn),
            Self::Error => Some(Severity::Error),
            Self::Never => None,
        }
    }

    /// Returns the exit code for the worst severity of all findings.
    pub(crate) fn exit_code(self, worst: Option<Severity>) -> u8 {
        match self.least() {
            Some(least) if worst >= Some(least) => FOUND,
            _ => CLEAN,
        }
    }
}
