//! Analysis of traces to reports and an exit code.

mod ignored;

use std::num::NonZeroUsize;

use gotracer::compare::Baseline;
use gotracer::explain;
use gotracer::report::{Moment, Options, Report, Severity, human, json, saved};

use self::ignored::Ignored;
use super::args::judgement::Judgement;
use super::args::settings::ByService;
use super::exit_code::{CLEAN, UNREADABLE};
use super::input::batch::{Analyzed, Batch};
use super::input::progress::Progress;
use super::input::skipped::Skipped;
use super::input::{Source, reports};
use super::messages::{complain, note};
use super::output::{Output, Written};
use super::report_files::{Outputs, tables};

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

/// Reads the baseline, with a note if an older version wrote it.
fn baseline(args: &Judgement) -> anyhow::Result<Option<Baseline>> {
    let Some(path) = &args.baseline else {
        return Ok(None);
    };
    let known = reports::read(path)?;
    if let Some(note) = saved::note(&known).filter(|_| !args.quiet) {
        complain("note", &format!("{}: {note}", path.display()));
    }
    Ok(Some(Baseline::new(&known)))
}

/// Analyzes traces, writes the reports, and returns the exit code. `part` is the name of table files.
pub(crate) fn judge(
    sources: &[Source],
    args: &Judgement,
    jobs: Option<NonZeroUsize>,
    part: &str,
) -> anyhow::Result<u8> {
    args.color.apply();
    let mut settings = args.settings.by_service()?;
    let baseline = baseline(args)?;
    args.check_places(sources)?;
    let outputs = args.formats.open(&args.output, part)?;
    if outputs.want_course() {
        settings.want_course();
    }
    let progress = Progress::new(!args.quiet);
    let batch = Batch {
        settings: &|source| settings.of(source.service()),
        jobs,
        progress: &progress,
    };
    let mut run = Run {
        args,
        settings: &settings,
        baseline,
        outputs,
        // Each picture takes another pass over its trace: too slow for an archive.
        with_moments: sources.len() <= DRAWN,
        skipped: Skipped::default(),
        ignored: Ignored::default(),
        analyzed: 0,
        judged: false,
        unreadable: false,
        worst: None,
        known: Vec::new(),
        reports: Vec::new(),
    };
    let delivered = batch.analyze(sources, |source, analyzed| run.add(source, analyzed));
    progress.finish();
    delivered?;
    run.finish()
}

/// State of one run over all traces.
struct Run<'a> {
    args: &'a Judgement,
    settings: &'a ByService,
    baseline: Option<Baseline>,
    outputs: Outputs,
    /// Whether reports get pictures of their worst moments.
    with_moments: bool,
    skipped: Skipped,
    ignored: Ignored,
    /// Number of traces with a report.
    analyzed: u64,
    /// Whether any rule of any trace had evidence.
    judged: bool,
    unreadable: bool,
    worst: Option<Severity>,
    /// Reports for `--write-baseline`, as they are without `--baseline`.
    known: Vec<Report>,
    /// Reports for outputs that hold all of them. Empty if only tables are written, so memory does not grow with the
    /// archive.
    reports: Vec<Report>,
}

impl Run<'_> {
    /// Adds the result of one trace.
    fn add(&mut self, source: &Source, analyzed: Analyzed) -> anyhow::Result<()> {
        let name = analyzed.name;
        match analyzed.result {
            Ok(outcome) => {
                if let Some(error) = outcome.error {
                    self.unreadable |= self.args.strict;
                    self.args.warn(&format!("{name}: {error}"));
                }
                self.add_report(source, &name, outcome.report)?;
            }
            Err(error) => match self.skipped.add(source, error.kind()) {
                Some(line) if self.args.verbose => self.args.warn(&line),
                Some(_) => {}
                None => {
                    self.unreadable = true;
                    complain("error", &format!("{name}: {error}"));
                    if self.outputs.want_reports() {
                        self.reports.push(Report::unreadable(&name, &error));
                    }
                }
            },
        }
        Ok(())
    }

    fn add_report(
        &mut self,
        source: &Source,
        name: &str,
        mut report: Report,
    ) -> anyhow::Result<()> {
        if let Some(warning) = &report.trace.warning {
            self.unreadable |= self.args.strict;
            self.args.warn(&format!("{name}: {warning}"));
        }
        self.analyzed += 1;
        self.judged |= report.is_judged();
        self.ignored
            .note(self.settings.of(source.service()), &report);
        if self.args.write_baseline.is_some() {
            self.known.push(report.clone());
        }
        if let Some(baseline) = &self.baseline {
            baseline.apply(&mut report);
        }
        if self.with_moments && self.outputs.want_course() && name == source.name() {
            report.moments = moments(source, &report);
        }
        self.worst = self.worst.max(report.worst());
        if let Some(tables) = &mut self.outputs.tables {
            tables.add(source, self.args.settings.service(), &report)?;
        }
        if self.outputs.want_reports() {
            self.reports.push(report);
        }
        Ok(())
    }

    /// Prints warnings, writes all outputs, and returns the exit code.
    fn finish(mut self) -> anyhow::Result<u8> {
        let args = self.args;
        self.warn();
        if let Some(path) = &args.write_baseline {
            let mut file = Output::to(Some(path))?;
            // `finish` returns the error.
            let _ = json::write(&mut file, &self.known, &Options::default());
            self.tell(&[file.finish()?]);
        }
        if let Some(tables) = self.outputs.tables.take() {
            let written = tables.finish()?;
            self.tell_tables(&written);
        }
        let on_stdout = self.outputs.print_reports();
        if self.outputs.want_reports() && !on_stdout && self.analyzed > 0 && !args.quiet {
            note(&human::verdict(&self.reports, |_, text| text));
        }
        let outputs = std::mem::take(&mut self.outputs);
        self.tell(&outputs.write(&self.reports, &args.options(), args.color)?);
        Ok(if self.unreadable {
            UNREADABLE
        } else if args.write_baseline.is_some() {
            CLEAN
        } else {
            args.fail_on.exit_code(self.worst)
        })
    }

    /// Prints what applies to all traces: skipped files, stale suppressions, and a run without evidence, which is an error.
    fn warn(&mut self) {
        if !self.args.verbose
            && let Some(line) = self.skipped.summary("; -v lists them")
        {
            self.args.warn(&line);
        }
        for warning in self.ignored.warnings() {
            self.args.warn(warning);
        }
        if self.analyzed == 0 && !self.unreadable {
            self.unreadable = true;
            complain("error", "there is no trace among the files");
        }
        if self.analyzed > 0 && !self.judged {
            self.unreadable = true;
            complain("error", "no rule could be judged: the reports say why");
        }
    }

    /// Prints the names of written files.
    fn tell(&self, written: &[Written]) {
        if !self.args.quiet {
            written.iter().for_each(|written| written.tell(""));
        }
    }

    /// Prints the number of rows in the tables.
    fn tell_tables(&self, written: &tables::Written) {
        if !self.args.quiet {
            let traces = self.analyzed;
            let tables::Written {
                files,
                findings,
                measurements,
                metrics,
            } = written;
            println!(
                "{traces} traces: {findings} findings, {measurements} measurements and {metrics} metrics in \
                 {files} files"
            );
        }
    }
}
