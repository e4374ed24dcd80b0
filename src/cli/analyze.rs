//! `gotracer analyze`: what is wrong in these traces.

use std::io::Write;
use std::num::NonZeroUsize;
use std::path::PathBuf;

use gotracer::compare::Baseline;
use gotracer::report::{Detail, Format, Options, Report, Severity};
use gotracer::trace::ErrorKind;

use super::inputs::{self, Source};
use super::output::{Color, Output};
use super::progress::Progress;
use super::{CLEAN, FOUND, UNREADABLE, batch, complain, outputs, paths, settings};

/// Say what is wrong in traces, where, and what to do
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Files, directories, patterns, http:// or https:// of a running program,
    /// or `-` for standard input; plain, gzip or zstd
    #[arg(required = true, value_name = "TRACE")]
    traces: Vec<PathBuf>,

    /// Write to a file instead of standard output, in the format given or the
    /// one that its ending names: .html, .sarif, .json, .xml (JUnit), .md,
    /// .jsonl, .csv (may be repeated)
    #[arg(short, long, value_name = "FILE")]
    output: Vec<PathBuf>,

    #[command(flatten)]
    judgement: Judgement,

    /// How many traces to analyse at once [default: the number of cores]
    #[arg(short, long, value_name = "N")]
    jobs: Option<NonZeroUsize>,
}

/// What to judge by, and how to show it.
#[derive(clap::Args)]
#[group(skip)]
pub struct Judgement {
    #[command(flatten)]
    formats: outputs::Formats,

    /// Show of each rule only the N findings that hurt most
    #[arg(long, value_name = "N")]
    top: Option<NonZeroUsize>,

    /// The least severity that makes the exit code 1
    #[arg(long, value_name = "LEVEL", default_value = "warn")]
    fail_on: FailOn,

    /// Report and fail only on what is new or worse than in this report, saved
    /// with --write-baseline or --format json
    #[arg(long, value_name = "FILE")]
    baseline: Option<PathBuf>,

    /// Save what is found as the baseline of later calls; it fails this one no
    /// more
    #[arg(long, value_name = "FILE")]
    write_baseline: Option<PathBuf>,

    /// Exit with 2 if a trace breaks off, is corrupt or of a newer format than
    /// known, whatever was found
    #[arg(long)]
    strict: bool,

    /// Also show each finding's suggested fix, cause and stack
    #[arg(short, long)]
    verbose: bool,

    /// Show only the findings: no summaries, no progress, no warnings
    #[arg(short, long, conflicts_with = "verbose")]
    quiet: bool,

    /// When to use colour
    #[arg(long, value_name = "WHEN", default_value = "auto")]
    color: Color,

    #[command(flatten)]
    paths: paths::Args,

    #[command(flatten)]
    settings: settings::Args,
}

const EXAMPLES: &str = "\
Examples:
  gotracer analyze trace.out
  gotracer analyze -v --rule MutexContention --top 3 trace.out
  gotracer analyze --preset low-latency --set GCAssist.warn=500us trace.out
  gotracer analyze --baseline known.json trace.out
  gotracer analyze --output report.html --output results.sarif traces/
  gotracer analyze --format github --format junit=junit.xml trace.out
  curl -s localhost:6060/debug/pprof/trace?seconds=5 | gotracer analyze -

Exit codes: 0 nothing at --fail-on or above, 1 something, 2 a trace or an
argument could not be read. A trace that breaks off is analysed as far as it
goes.";

#[derive(Clone, Copy, clap::ValueEnum)]
enum FailOn {
    Warn,
    Error,
    Never,
}

/// Runs the subcommand.
pub fn run(args: &Args) -> anyhow::Result<u8> {
    let (sources, failed) = args.sources();
    let code = judge(sources, &args.judgement, &args.output, args.jobs)?;
    Ok(if failed { UNREADABLE } else { code })
}

/// Analyses traces, shows what they tell, and says what exit code that is.
pub fn judge(
    sources: Vec<Source>,
    args: &Judgement,
    output: &[PathBuf],
    jobs: Option<NonZeroUsize>,
) -> anyhow::Result<u8> {
    let mut settings = args.settings.settings()?;
    let baseline = args.baseline.as_deref().map(super::reports::read);
    let baseline = baseline.transpose()?.map(|known| Baseline::new(&known));
    let mut outputs = args.formats.open(output)?;
    settings.course = outputs.want_course();
    let mut unreadable = false;
    let progress = Progress::new(!args.quiet);
    let results = batch::analyze(&sources, &settings, jobs, &progress);
    progress.finish();

    let mut reports = Vec::new();
    for (source, result) in sources.iter().zip(results) {
        match result {
            Ok(outcome) => {
                if let Some(error) = outcome.error {
                    unreadable |= args.strict;
                    args.warn(&format!("{}: {error}", source.name()));
                }
                if let Some(warning) = &outcome.report.trace.warning {
                    unreadable |= args.strict;
                    args.warn(&format!("{}: {warning}", source.name()));
                }
                reports.push(outcome.report);
            }
            Err(error) if source.found && matches!(error.kind, ErrorKind::NotATrace(_)) => {
                args.warn(&format!("{}: skipped: {}", source.name(), error.kind));
            }
            Err(error) => {
                unreadable = true;
                complain("error", &format!("{}: {error}", source.name()));
            }
        }
    }
    if reports.is_empty() && !unreadable {
        // A check that looks at nothing must not pass.
        unreadable = true;
        complain("error", "there is no trace among the files");
    }
    if let Some(path) = &args.write_baseline {
        let mut file = Output::to(Some(path))?;
        Format::Json.write(&mut file.writer, &reports, &Options::default())?;
        file.writer.flush()?;
    }
    if let Some(baseline) = &baseline {
        reports.iter_mut().for_each(|r| baseline.apply(r));
    }
    outputs.write(&reports, &args.options(), args.color)?;
    Ok(if unreadable {
        UNREADABLE
    } else if args.write_baseline.is_some() {
        CLEAN
    } else {
        args.fail_on.exit_code(&reports)
    })
}

impl Args {
    /// The traces that the arguments name, and whether some name none.
    fn sources(&self) -> (Vec<Source>, bool) {
        let mut sources = Vec::new();
        let mut failed = false;
        for argument in &self.traces {
            match inputs::expand(argument) {
                Ok(more) => sources.extend(more),
                Err(error) => {
                    failed = true;
                    complain("error", &format!("{error:#}"));
                }
            }
        }
        (sources, failed)
    }
}

impl Judgement {
    fn options(&self) -> Options {
        Options {
            top: self.top.map(NonZeroUsize::get),
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

    fn warn(&self, text: &str) {
        if !self.quiet {
            complain("warning", text);
        }
    }
}

impl FailOn {
    /// The least severity that fails; none if nothing does.
    fn least(self) -> Option<Severity> {
        match self {
            Self::Warn => Some(Severity::Warn),
            Self::Error => Some(Severity::Error),
            Self::Never => None,
        }
    }

    fn exit_code(self, reports: &[Report]) -> u8 {
        let Some(least) = self.least() else {
            return CLEAN;
        };
        let found = reports.iter().any(|r| r.worst() >= Some(least));
        if found { FOUND } else { CLEAN }
    }
}
