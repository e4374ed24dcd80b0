//! `gotracer diff`: reports regressions between two sets of traces.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use gotracer::compare::{self, Comparison, FORMATS, Options, TABLE, Verdict};
use gotracer::report::{self, Format, Severity};

use crate::cli::args::percent::percent;
use crate::cli::args::{number, settings};
use crate::cli::exit_code::{CLEAN, FOUND, UNREADABLE};
use crate::cli::input::progress::Progress;
use crate::cli::input::reports::Reports;
use crate::cli::input::{self, Source};
use crate::cli::output::place;
use crate::cli::output::{Color, Output};

/// Report regressions from one set of traces to another
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Base of the comparison: a trace, a directory, a pattern, or a report
    /// saved with `analyze --format json`
    #[arg(value_name = "BASE", required_unless_present_all = ["base", "new"],
        conflicts_with_all = ["base", "new"])]
    before: Option<PathBuf>,

    /// The traces or report to compare with the base
    #[arg(value_name = "NEW", required_unless_present_all = ["base", "new"],
        conflicts_with_all = ["base", "new"])]
    after: Option<PathBuf>,

    /// Bases of the comparison, if there are several
    #[arg(long, value_name = "TRACE", num_args = 1.., requires = "new")]
    base: Vec<PathBuf>,

    /// Traces or reports to compare with the bases, if there are several
    #[arg(long, value_name = "TRACE", num_args = 1.., requires = "base")]
    new: Vec<PathBuf>,

    /// Exit with 1 if a measurement is worse by at least this much and the
    /// change is statistically significant
    #[arg(long, value_name = "PERCENT", num_args = 0..=1, default_missing_value = "10%",
        require_equals = true, value_parser = percent)]
    fail_on_regression: Option<f64>,

    /// Exit with 1 if a finding of at least this severity is new or worse
    #[arg(long, value_name = "LEVEL")]
    fail_on_new: Option<FailOnNew>,

    /// Confidence of all verdicts together
    #[arg(long, value_name = "PERCENT", default_value = "95%", value_parser = confidence)]
    confidence: f64,

    /// Output format [default: that of the extension of --output, else table]
    #[arg(long, value_parser = formats())]
    format: Option<&'static Format<Comparison>>,

    /// Write to a file instead of standard output
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,

    /// Print nothing but errors
    #[arg(short, long)]
    quiet: bool,

    /// When to use color
    #[arg(long, value_name = "WHEN", default_value = "auto")]
    color: Color,

    /// Traces to analyze at a time [default: the number of cores]
    #[arg(short, long, value_name = "N", value_parser = number::jobs)]
    jobs: Option<NonZeroUsize>,

    #[command(flatten)]
    settings: settings::Args,
}

const EXAMPLES: &str = "\
Examples:
  gotracer diff before.trace after.trace
  gotracer diff --base before/*.trace --new after/*.trace
  gotracer diff --fail-on-regression 10% main.json traces/
  gotracer diff --fail-on-regression 10% --fail-on-new error main.json traces/

Five or more traces per side detect changes of about 50 %; single traces detect
only changes by a factor. Exit codes: 0 compared, 1 a measurement regressed and
--fail-on-regression is given, or a finding is new or worse and --fail-on-new is
given, 2 an input could not be read.";

/// Lowest severity of a new or worse finding that fails.
#[derive(Clone, Copy, clap::ValueEnum)]
enum FailOnNew {
    Warn,
    Error,
}

impl FailOnNew {
    fn least(self) -> Severity {
        match self {
            Self::Warn => Severity::Warn,
            Self::Error => Severity::Error,
        }
    }
}

fn formats() -> impl TypedValueParser<Value = &'static Format<Comparison>> {
    let value = |f: &Format<Comparison>| PossibleValue::new(f.name).help(f.summary);
    PossibleValuesParser::new(FORMATS.iter().map(value))
        .try_map(|name| FORMATS.find(&name).ok_or("there is no such format"))
}

fn confidence(text: &str) -> Result<f64, String> {
    let share = percent(text)?;
    if (0.5..1.0).contains(&share) {
        Ok(share)
    } else {
        Err("expected a percentage from 50% to below 100%".into())
    }
}

impl Args {
    fn format(&self) -> &'static Format<Comparison> {
        let by_ending = || FORMATS.of_file(self.output.as_deref()?).first().copied();
        self.format.or_else(by_ending).unwrap_or(&TABLE)
    }

    /// Rejects an output that would overwrite an input.
    fn check_place(&self, sides: &[PathBuf]) -> anyhow::Result<()> {
        let Some(output) = &self.output else {
            return Ok(());
        };
        let local = |side: &&PathBuf| !side.to_string_lossy().contains("://");
        let sides = sides.iter().filter(local);
        // Reading reports the error of an unreadable side.
        let sources = sides.flat_map(|side| input::expand(side, false).unwrap_or_default());
        let sources: Vec<_> = sources.collect();
        let read = sources.iter().filter_map(Source::file);
        place::check(
            &[output],
            read.chain(self.settings.file().map(PathBuf::as_path)),
        )
    }
}

/// Runs the subcommand.
pub(crate) fn run(args: &Args) -> anyhow::Result<u8> {
    args.color.apply();
    let settings = args.settings.by_service()?.of("").clone();
    let mut options = Options {
        confidence: args.confidence,
        settings: settings.clone(),
        ..Options::default()
    };
    if let Some(effect) = args.fail_on_regression {
        options.effect = effect;
    }
    let (base, new) = match (&args.before, &args.after) {
        (Some(base), Some(new)) => (vec![base.clone()], vec![new.clone()]),
        _ => (args.base.clone(), args.new.clone()),
    };
    args.check_place(&[&base[..], &new].concat())?;
    let progress = Progress::new(!args.quiet);
    let reports = Reports {
        settings: &settings,
        jobs: args.jobs,
        progress: &progress,
        quiet: args.quiet,
    };
    let (base, new) = (reports.load(&base), reports.load(&new));
    progress.finish();
    let (Some(base), Some(new)) = (base, new) else {
        return Ok(UNREADABLE);
    };
    let comparison = compare::compare(&base, &new, &options);
    if !args.quiet || args.output.is_some() {
        let mut output = Output::to(args.output.as_deref())?;
        let options = report::Options {
            color: output.color(args.color),
            width: output.width(),
            ..report::Options::default()
        };
        // `finish` returns the error.
        let _ = (args.format().write)(&mut output, &comparison, &options);
        let written = output.finish()?;
        if !args.quiet {
            written.tell("");
        }
    }
    let regressed = comparison.count(Verdict::Regression) > 0;
    let worse = |level: FailOnNew| comparison.worse(level.least()).next().is_some();
    let fails =
        args.fail_on_regression.is_some() && regressed || args.fail_on_new.is_some_and(worse);
    Ok(if fails { FOUND } else { CLEAN })
}
