//! `gotracer analyze`: reports the problems in traces.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use gotracer::compare::Baseline;
use gotracer::explain;
use gotracer::report::{Detail, Moment, Options, Report, Severity, Top, human, json};
use gotracer::source::Shard;
use md5::{Digest, Md5};

use super::batch::{Analyzed, Batch};
use super::ignored::Ignored;
use super::inputs::{self, Source};
use super::output::{Color, Output, Written};
use super::progress::Progress;
use super::skipped::Skipped;
use super::{
    CLEAN, FOUND, UNREADABLE, complain, complain_of, note, number, outputs, paths, place,
    selection, settings, tables,
};

/// Report the problems in traces: place, cause and fix
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Files, directories, glob patterns, s3://BUCKET/PREFIX, the http:// or
    /// https:// URL of a running program, or `-` for standard input; plain, gzip
    /// or zstd
    #[arg(required = true, value_name = "TRACE")]
    pub(super) traces: Vec<PathBuf>,

    #[command(flatten)]
    judgement: Judgement,

    /// Traces to analyze at a time [default: the number of cores]
    #[arg(short, long, value_name = "N", value_parser = number::jobs)]
    jobs: Option<NonZeroUsize>,

    #[command(flatten)]
    selection: selection::Args,
}

/// Options for rules and output, which `analyze` and `capture` share.
#[derive(clap::Args)]
#[group(skip)]
pub struct Judgement {
    /// Write to a file instead of standard output, in the format of --format or
    /// of the file's extension: .html, .sarif, .json, .xml (JUnit), .md, .jsonl,
    /// .csv, .txt; with --format parquet to a directory or s3://BUCKET/PREFIX
    /// (may be repeated)
    #[arg(short, long, value_name = "FILE")]
    output: Vec<PathBuf>,

    #[command(flatten)]
    formats: outputs::Formats,

    /// Show only the N worst findings per rule; 0 shows all [default: 5 in the
    /// table, all in other formats]
    #[arg(long, value_name = "N", value_parser = number::at_least(0usize))]
    top: Option<usize>,

    /// Lowest severity that makes the exit code 1
    #[arg(long, value_name = "LEVEL", default_value = "warn")]
    fail_on: FailOn,

    /// Report and fail only on findings that are new or worse than in this
    /// report, saved with --write-baseline or --format json
    #[arg(long, value_name = "FILE")]
    baseline: Option<PathBuf>,

    /// Save all findings as the baseline of later runs; this run then exits
    /// with 0
    #[arg(long, value_name = "FILE")]
    write_baseline: Option<PathBuf>,

    /// Exit with 2 if a trace is truncated, corrupt or of an unknown newer
    /// format, regardless of findings
    #[arg(long)]
    strict: bool,

    /// Show each finding's stacks and its full fix as well
    #[arg(short, long)]
    verbose: bool,

    /// Show findings only: no summaries, no progress, no warnings
    #[arg(short, long, conflicts_with = "verbose")]
    quiet: bool,

    /// When to use color
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
  gotracer analyze --pattern '{service}/{version}/{_}.trace' --format parquet \\
    --output s3://results/traces s3://archive/traces

Exit codes: 0 no finding at --fail-on or above, 1 findings, 2 a trace or an
argument could not be read. A truncated trace is analyzed up to the damage.";

#[derive(Clone, Copy, clap::ValueEnum)]
enum FailOn {
    Warn,
    Error,
    Never,
}

/// Runs the subcommand.
pub fn run(args: &Args) -> anyhow::Result<u8> {
    let (all, failed) = args.sources();
    let named = all.len();
    if failed && named == 0 {
        return Ok(UNREADABLE);
    }
    let sources = args.selection.select(all)?;
    let shard = args.selection.shard()?;
    if sources.is_empty() && named > 0 {
        let (ordinal, total) = (shard.ordinal(), shard.total());
        args.judgement.warn(&format!(
            "none of the {named} traces is for shard {ordinal} of {total}"
        ));
        return Ok(if failed { UNREADABLE } else { CLEAN });
    }
    let part = args.part(shard);
    let code = judge(sources, &args.judgement, args.jobs, &part)?;
    Ok(if failed { UNREADABLE } else { code })
}

/// Largest number of traces whose findings get a picture of their worst moment.
const DRAWN: usize = 16;

/// Returns the worst moments of the worst findings. They need a second pass over the trace, so only files have them.
fn moments(source: &Source, report: &Report) -> Vec<Moment> {
    let findings = explain::drawn(report);
    if source.file().is_none() || findings.is_empty() {
        return Vec::new();
    }
    let input = source.open().ok();
    let drawn = input.and_then(|input| explain::moments(input, &findings).ok());
    drawn.unwrap_or_default()
}

/// Analyzes traces, writes the reports, and returns the exit code.
pub fn judge(
    sources: Vec<Source>,
    args: &Judgement,
    jobs: Option<NonZeroUsize>,
    part: &str,
) -> anyhow::Result<u8> {
    args.color.apply();
    let mut settings = args.settings.by_service()?;
    let baseline = args.baseline.as_deref().map(super::reports::read);
    let baseline = baseline.transpose()?.map(|known| Baseline::new(&known));
    args.check_places(&sources)?;
    let mut outputs = args.formats.open(&args.output, part)?;
    if outputs.want_course() {
        settings.want_course();
    }
    let (mut unreadable, mut analysed, mut worst) = (false, 0, None);
    let mut judged = false;
    let mut skipped = Skipped::default();
    let mut ignored = Ignored::default();
    // Both stay empty if only tables are written, so memory does not grow with the archive.
    let (mut known, mut reports) = (Vec::new(), Vec::new());
    let progress = Progress::new(!args.quiet);
    let batch = Batch {
        settings: &|source| settings.of(source.service()),
        jobs,
        progress: &progress,
    };
    let delivered = batch.analyze(&sources, |source, Analyzed { name, result }| {
        match result {
            Ok(outcome) => {
                if let Some(error) = outcome.error {
                    unreadable |= args.strict;
                    args.warn(&format!("{name}: {error}"));
                }
                if let Some(warning) = &outcome.report.trace.warning {
                    unreadable |= args.strict;
                    args.warn(&format!("{name}: {warning}"));
                }
                analysed += 1;
                judged |= outcome.report.is_judged();
                let mut report = outcome.report;
                ignored.note(settings.of(source.service()), &report);
                if args.write_baseline.is_some() {
                    known.push(report.clone());
                }
                if let Some(baseline) = &baseline {
                    baseline.apply(&mut report);
                }
                // Each picture takes another pass over its trace: too slow for an archive.
                if outputs.want_course() && sources.len() <= DRAWN && name == source.name() {
                    report.moments = moments(source, &report);
                }
                worst = worst.max(report.worst());
                if let Some(tables) = &mut outputs.tables {
                    tables.add(source, args.settings.service(), &report)?;
                }
                if outputs.want_reports() {
                    reports.push(report);
                }
            }
            Err(error) => match skipped.add(source, error.kind()) {
                Some(line) if args.verbose => args.warn(&line),
                Some(_) => {}
                None => {
                    unreadable = true;
                    complain("error", &format!("{name}: {error}"));
                }
            },
        }
        Ok(())
    });
    progress.finish();
    delivered?;
    if !args.verbose
        && let Some(line) = skipped.summary("; -v lists them")
    {
        args.warn(&line);
    }
    for warning in ignored.warnings() {
        args.warn(warning);
    }
    if analysed == 0 && !unreadable {
        // No evidence is never success.
        unreadable = true;
        complain("error", "there is no trace among the files");
    }
    if analysed > 0 && !judged {
        unreadable = true;
        complain("error", "no rule could be judged: the reports say why");
    }
    if let Some(path) = &args.write_baseline {
        let mut file = Output::to(Some(path))?;
        // `finish` returns the error.
        let _ = json::write(&mut file, &known, &Options::default());
        args.tell(&[file.finish()?]);
    }
    if let Some(tables) = outputs.tables.take() {
        let written = tables.finish()?;
        args.tell_tables(analysed, &written);
    }
    if outputs.want_reports() && !outputs.print_reports() && analysed > 0 && !args.quiet {
        note(&human::verdict(&reports, |_, text| text));
    }
    args.tell(&outputs.write(&reports, &args.options(), args.color)?);
    Ok(if unreadable {
        UNREADABLE
    } else if args.write_baseline.is_some() {
        CLEAN
    } else {
        args.fail_on.exit_code(worst)
    })
}

impl Args {
    /// Returns the traces that the arguments name, and whether an argument failed.
    fn sources(&self) -> (Vec<Source>, bool) {
        let mut sources = Vec::new();
        let mut failed = false;
        for argument in &self.traces {
            match inputs::expand(argument, self.selection.deep()) {
                Ok(more) => sources.extend(more),
                Err(error) => {
                    failed = true;
                    complain_of(&error);
                }
            }
        }
        (sources, failed)
    }

    /// Returns the name of this run's table files. The same arguments give the same name, so a repeated run replaces its
    /// files.
    fn part(&self, shard: Shard) -> String {
        let mut named = Md5::new();
        for argument in &self.traces {
            named.update(argument.as_os_str().as_encoded_bytes());
            named.update([0]);
        }
        let named: String = named
            .finalize()
            .iter()
            .take(4)
            .map(|b| format!("{b:02x}"))
            .collect();
        format!("{named}-{:05}-of-{:05}", shard.ordinal(), shard.total())
    }
}

impl Judgement {
    fn options(&self) -> Options {
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
    pub fn outputs(&self) -> anyhow::Result<Vec<PathBuf>> {
        let mut paths = self.formats.paths(&self.output)?;
        paths.extend(self.write_baseline.clone());
        Ok(paths)
    }

    /// Rejects outputs that would overwrite an input.
    fn check_places(&self, sources: &[Source]) -> anyhow::Result<()> {
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

    /// Prints the names of written files.
    fn tell(&self, written: &[Written]) {
        if !self.quiet {
            written.iter().for_each(|written| written.tell(""));
        }
    }

    /// Prints the number of rows in the tables.
    fn tell_tables(&self, analysed: u64, written: &tables::Written) {
        if !self.quiet {
            let tables::Written {
                files,
                findings,
                measurements,
            } = written;
            println!(
                "{analysed} traces: {findings} findings and {measurements} measurements in {files} files"
            );
        }
    }

    fn warn(&self, text: &str) {
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

    fn exit_code(self, worst: Option<Severity>) -> u8 {
        match self.least() {
            Some(least) if worst >= Some(least) => FOUND,
            _ => CLEAN,
        }
    }
}
