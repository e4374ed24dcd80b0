//! Options that name a moment of a trace, and how much around it.

use anyhow::{Context, anyhow};
use gotracer::analysis;
use gotracer::explain::Window;
use gotracer::report::Finding;
use gotracer::rules::{SettingError, Settings, Unit};

use super::inputs::Source;

/// How much is told of if nothing is said, ns.
const USUAL: u64 = 20_000_000;

/// Which moment.
#[derive(clap::Args)]
#[group(skip)]
pub struct Args {
    /// The moment, since the trace's start, such as 1.204s
    #[arg(long, value_name = "TIME", value_parser = time, conflicts_with = "finding")]
    at: Option<u64>,

    /// The moment at which a finding of `analyze` began: its number in the
    /// table, or its id in JSON
    #[arg(long, value_name = "ID")]
    finding: Option<String>,

    /// How much to tell of [default: 20ms]
    #[arg(long, value_name = "DURATION", value_parser = time)]
    window: Option<u64>,
}

/// The part of a trace that was asked for.
pub struct Part {
    /// From when to when.
    pub window: Window,
    /// What it is around.
    pub finding: Option<Finding>,
}

fn time(text: &str) -> Result<u64, SettingError> {
    Unit::Nanoseconds.parse(text)
}

impl Args {
    /// The part of a trace that is named; none if none is.
    pub fn part(&self, source: &Source, settings: &Settings) -> anyhow::Result<Option<Part>> {
        let length = self.window.unwrap_or(USUAL);
        let finding = self.finding.as_deref();
        let finding = finding.map(|id| find(id, source, settings)).transpose()?;
        // What led to a finding matters as much as it does.
        let at = self.at.or(finding.as_ref().map(|f| f.first_ns));
        Ok(at.map(|at| Part {
            window: Window::around(at, length),
            finding,
        }))
    }
}

fn find(id: &str, source: &Source, settings: &Settings) -> anyhow::Result<Finding> {
    let file = source.file().with_context(|| {
        format!(
            "{}: --finding reads the trace twice, give a file",
            source.name()
        )
    })?;
    let name = || file.display().to_string();
    let input = source.open().with_context(name)?;
    let outcome = analysis::analyze(input, &name(), settings, |_| {});
    let mut findings = outcome.with_context(name)?.report.findings;
    let number = id.parse::<usize>().ok().and_then(|n| n.checked_sub(1));
    let at = findings
        .iter()
        .position(|f| id.len() >= 4 && f.id.starts_with(id))
        .or(number.filter(|n| *n < findings.len()));
    match at {
        Some(at) => Ok(findings.swap_remove(at)),
        None => Err(anyhow!(
            "{}: of {} findings none is {id}",
            name(),
            findings.len()
        )),
    }
}

/// Says that a trace is over before the moment comes.
pub fn over(source: &Source, duration: u64) -> anyhow::Error {
    let took = gotracer::units::duration(duration);
    anyhow!("{}: the trace is over after {took}", source.name())
}
