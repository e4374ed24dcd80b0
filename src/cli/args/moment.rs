//! Options that select a window of a trace.

use std::num::NonZeroUsize;

use anyhow::{Context, anyhow, bail};
use gotracer::analysis;
use gotracer::explain::Window;
use gotracer::report::human::plural;
use gotracer::report::{Finding, Report, ranked};
use gotracer::rules::{SettingError, Settings, Unit};
use gotracer::tasks;
use gotracer::trace::{Input, ReadError, Reader, TaskId};

use crate::cli::input::Source;
use crate::cli::messages::complain;

/// Default length of the window, ns.
const USUAL: u64 = 20_000_000;

/// Options for the moment. A command that flattens these has a group `when` of `at`, `finding` and `task`, which defines
/// whether one is required.
#[derive(clap::Args)]
#[group(skip)]
pub(crate) struct Args {
    /// The moment, since the trace's start, such as 1.204s
    #[arg(long, value_name = "TIME", value_parser = time, conflicts_with = "finding")]
    at: Option<u64>,

    /// The worst occurrence of a finding of `analyze`: the finding's number in
    /// the table, or its id in JSON
    #[arg(long, value_name = "ID")]
    finding: Option<String>,

    /// A task, by the number that `gotracer tasks` shows
    #[arg(long, value_name = "ID", conflicts_with_all = ["at", "finding"])]
    task: Option<i64>,

    /// Length of the window to show [default: 20ms; with --finding at least the
    /// whole worst occurrence, with --task the whole task, each with a margin of
    /// a tenth on both sides]
    #[arg(long, value_name = "DURATION", value_parser = time)]
    window: Option<u64>,

    /// Number of the trace in a file that holds several: 2 is the one that
    /// analyze lists as `TRACE (2)`
    #[arg(long, value_name = "N", default_value = "1", hide_default_value = true)]
    nth: NonZeroUsize,
}

/// Selected part of a trace.
pub(crate) struct Part {
    /// Start and end.
    pub(crate) window: Window,
    /// The finding that the window shows, with `--finding`.
    pub(crate) finding: Option<Finding>,
    /// All findings of the trace, if it was analyzed.
    pub(crate) found: Option<Vec<Finding>>,
    /// The task that was asked for.
    pub(crate) task: Option<tasks::Span>,
}

fn time(text: &str) -> Result<u64, SettingError> {
    Unit::Nanoseconds.parse(text)
}

impl Args {
    /// Opens the selected trace.
    pub(crate) fn open(&self, source: &Source) -> anyhow::Result<Input<'static>> {
        let name = || source.name();
        let unread = |e: ReadError| anyhow!("{}: {e}", source.name());
        let mut input = source.open().with_context(name)?;
        for n in 1..self.nth.get() {
            let mut reader = Reader::new(input).map_err(unread)?;
            // The trace after a damaged one may be intact.
            let ended = reader.skip_rest();
            input = match reader.following().with_context(name)? {
                Some(following) => following,
                None => {
                    ended.map_err(unread)?;
                    bail!("{}: it holds {}", name(), plural(n as u64, "trace"));
                }
            };
        }
        Ok(input)
    }

    /// Warns that events after an error are missing, and that the input holds another trace.
    pub(crate) fn warn(&self, source: &Source, error: Option<&ReadError>, another: Option<u64>) {
        let name = source.name();
        if let Some(error) = error {
            complain("warning", &format!("{name}: {error}"));
        }
        if let Some(at) = another {
            let next = self.nth.get() + 1;
            let text = format!("{name}: another trace begins at byte {at}; --nth {next} shows it");
            complain("warning", &text);
        }
    }

    /// Returns the selected part, or else the part around the first finding.
    pub(crate) fn part_or_worst(
        &self,
        source: &Source,
        settings: &Settings,
    ) -> anyhow::Result<Part> {
        if (self.at.is_some() || self.finding.is_some() || self.task.is_some())
            && let Some(part) = self.part(source, settings)?
        {
            return Ok(part);
        }
        let report = self.report(source, settings)?;
        if report.findings.is_empty() {
            bail!(
                "{}: no findings to explain; --at TIME explains a moment",
                source.name()
            );
        }
        self.around("1", report).with_context(|| source.name())
    }

    /// Returns the selected part; `None` without `--at`, `--finding` and `--task`.
    pub(crate) fn part(
        &self,
        source: &Source,
        settings: &Settings,
    ) -> anyhow::Result<Option<Part>> {
        if let Some(at) = self.at {
            return Ok(Some(Part {
                window: Window::around(at, self.window.unwrap_or(USUAL)),
                finding: None,
                found: None,
                task: None,
            }));
        }
        if let Some(task) = self.task {
            return self.of_task(source, TaskId(task)).map(Some);
        }
        let Some(id) = &self.finding else {
            if self.window.is_some() {
                bail!("--window needs --at, --finding or --task");
            }
            return Ok(None);
        };
        let report = self.report(source, settings)?;
        let part = self.around(id, report).with_context(|| source.name())?;
        Ok(Some(part))
    }

    /// Returns the part around the worst occurrence of a finding.
    fn around(&self, id: &str, report: Report) -> anyhow::Result<Part> {
        let finding = find(id, &report)?.clone();
        let (at, lasted) = (finding.worst_at_ns, finding.worst_for_ns);
        let middle = at.saturating_add(lasted / 2);
        Ok(Part {
            // The events that led to the finding are shown as well.
            window: match self.window {
                Some(length) => Window::around(middle, length),
                None => Window::of(at, lasted, USUAL),
            },
            finding: Some(finding),
            found: Some(report.findings),
            task: None,
        })
    }

    /// Returns the part in which a task is open, with a margin of a tenth on both sides.
    fn of_task(&self, source: &Source, task: TaskId) -> anyhow::Result<Part> {
        let name = source.name();
        if source.file().is_none() {
            bail!("{name}: --task reads the trace twice, give a file");
        }
        let span = tasks::span(self.open(source)?, task).map_err(|e| anyhow!("{name}: {e}"))?;
        let span = span.with_context(|| format!("{name}: no event is of task {task}"))?;
        let lasted = span.to - span.from;
        Ok(Part {
            window: match self.window {
                Some(length) => Window::around(span.from + lasted / 2, length),
                None => Window::of(span.from, lasted, USUAL),
            },
            finding: None,
            found: None,
            task: Some(span),
        })
    }

    fn report(&self, source: &Source, settings: &Settings) -> anyhow::Result<Report> {
        let name = source.name();
        if source.file().is_none() {
            bail!("{name}: --finding reads the trace twice, give a file");
        }
        let outcome = analysis::analyze(self.open(source)?, &name, settings, |_| {});
        let outcome = outcome.map_err(|e| anyhow!("{name}: {e}"))?;
        Ok(outcome.report)
    }
}

/// Returns the finding with this number or this prefix of its id.
fn find<'a>(id: &str, report: &'a Report) -> anyhow::Result<&'a Finding> {
    let findings = &report.findings;
    let by_id = || {
        findings
            .iter()
            .find(|f| id.len() >= 4 && f.id.starts_with(id))
    };
    let number = id.parse::<usize>().ok().and_then(|n| n.checked_sub(1));
    let by_number = || ranked(report).get(number?).copied();
    by_id()
        .or_else(by_number)
        .with_context(|| format!("of {} findings none is {id}", findings.len()))
}

/// Returns the error for a moment after the trace's end.
pub(crate) fn over(source: &Source, duration: u64) -> anyhow::Error {
    let took = gotracer::units::duration(duration);
    anyhow!("{}: the trace is over after {took}", source.name())
}
