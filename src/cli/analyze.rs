//! `gotracer analyze`: what is wrong in these traces.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use gotracer::compare::Baseline;
use gotracer::explain;
use gotracer::report::{Detail, Moment, Options, Report, Severity, Top, human, json, saved};
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

/// Say what is wrong in traces, where, and what to do
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Files, directories, patterns, s3://BUCKET/PREFIX, http:// or https:// of
    /// a running program, or `-` for standard input; plain, gzip or zstd
    #[arg(required = true, value_name = "TRACE")]
    pub(super) traces: Vec<PathBuf>,

    #[command(flatten)]
    judgement: Judgement,

    /// How many traces to analyse at once [default: the number of cores]
    #[arg(short, long, value_name = "N", value_parser = number::jobs)]
    jobs: Option<NonZeroUsize>,

    #[command(flatten)]
    selection: selection::Args,
}

/// What to judge by, and how to show it.
#[derive(clap::Args)]
#[group(skip)]
pub struct Judgement {
    /// Write to a file instead of standard output, in the format given or the
    /// one that its ending names: .html, .sarif, .json, .xml (JUnit), .md,
    /// .jsonl, .csv, .txt; with --format parquet to a directory or
    /// s3://BUCKET/PREFIX (may be repeated)
    #[arg(short, long, value_name = "FILE")]
    output: Vec<PathBuf>,

    #[command(flatten)]
    formats: outputs::Formats,

    /// Show only the N worst findings of each rule; 0 shows all [default: the
    /// table shows the 5 worst, other formats show all]
    #[arg(long, value_name = "N", value_parser = number::at_least(0usize))]
    top: Option<usize>,

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

    /// Also show each finding's stacks and its whole suggestion
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
  gotracer analyze --pattern '{service}/{version}/{_}.trace' --format parquet \\
    --output s3://results/traces s3://archive/traces

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

/// Traces of a call whose moments are drawn.
const DRAWN: usize = 16;

/// The moments of the worst findings. They need a second look at the trace, which only a file allows; without it the page
/// has no pictures of them.
fn moments(source: &Source, report: &Report) -> Vec<Moment> {
    let findings = explain::drawn(report);
    if source.file().is_none() || findings.is_empty() {
        return Vec::new();
    }
    let input = source.open().ok();
    let drawn = input.and_then(|input| explain::moments(input, &findings).ok());
    drawn.unwrap_or_default()
}

/// Analyses traces, shows what they tell, and says what exit code that is.
pub fn judge(
    sources: Vec<Source>,
    args: &Judgement,
    jobs: Option<NonZeroUsize>,
    part: &str,
) -> anyhow::Result<u8> {
    args.color.apply();
    let mut settings = args.settings.by_service()?;
    let baseline = args.baseline()?.map(|known| Baseline::new(&known));
    args.check_places(&sources)?;
    let mut outputs = args.formats.open(&args.output, part)?;
    if outputs.want_course() {
        settings.want_course();
    }
    let (mut unreadable, mut analysed, mut worst) = (false, 0, None);
    let mut judged = false;
    let mut skipped = Skipped::default();
    let mut ignored = Ignored::default();
    // Of an archive, these stay empty.
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
                // Of an archive there would be too many, and reading takes as long as before.
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
        // A check that looks at nothing must not pass.
        unreadable = true;
        complain("error", "there is no trace among the files");
    }
    if analysed > 0 && !judged {
        unreadable = true;
        complain("error", "no rule could be judged: the reports say why");
    }
    if let Some(path) = &args.write_baseline {
        let mut file = Output::to(Some(path))?;
        // A failure is kept until the end.
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
    /// The traces that the arguments name, and whether some name none.
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

    /// What the files of tables are called: the same if the same is asked for
    /// again, another name for other traces.
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

    /// The files of reports and of the baseline.
    #[cfg(feature = "daemon")]
    pub fn outputs(&self) -> anyhow::Result<Vec<PathBuf>> {
        let mut paths = self.formats.paths(&self.output)?;
        paths.extend(self.write_baseline.clone());
        Ok(paths)
    }

    /// Refuses outputs that would replace what is read.
    fn check_places(&self, sources: &[Source]) -> anyhow::Result<()> {
        let reports = self.formats.paths(&self.output)?;
        let read = self.baseline.iter().chain(self.settings.file());
        let read = read.map(PathBuf::as_path);
        let traces = sources.iter().filter_map(Source::file);
        // A baseline may be brought up to date.
        let reports: Vec<_> = reports.iter().map(PathBuf::as_path).collect();
        place::check(&reports, traces.clone().chain(read))?;
        let all = self.write_baseline.iter().map(PathBuf::as_path);
        let all: Vec<_> = all.chain(reports).collect();
        place::check(&all, traces)
    }

    /// Names the files that were written.
    fn tell(&self, written: &[Written]) {
        if !self.quiet {
            written.iter().for_each(|written| written.tell(""));
        }
    }

    /// Counts what the tables hold.
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

    /// Reads the reports of the baseline, if there is one.
    fn baseline(&self) -> anyhow::Result<Option<Vec<Report>>> {
        let Some(path) = &self.baseline else {
            return Ok(None);
        };
        let known = super::reports::read(path)?;
        if let Some(note) = saved::note(&known).filter(|_| !self.quiet) {
            complain("note", &format!("{}: {note}", path.display()));
        }
        Ok(Some(known))
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

    fn exit_code(self, worst: Option<Severity>) -> u8 {
        match self.least() {
            Some(least) if worst >= Some(least) => FOUND,
            _ => CLEAN,
        }
    }
}
