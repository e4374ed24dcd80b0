//! `gotracer explain`: what happened around a moment.

use std::io::Write;
use std::path::PathBuf;

use anyhow::{Context, anyhow};
use gotracer::analysis;
use gotracer::explain::{self, Window};
use gotracer::report::Finding;
use gotracer::rules::{SettingError, Unit};

use super::inputs::Source;
use super::output::{Color, Output};
use super::{CLEAN, settings};

/// Say what happened around a moment of a trace: who ran, who waited for whom
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// A file, or `-` for standard input; plain, gzip or zstd
    #[arg(value_name = "TRACE")]
    trace: PathBuf,

    /// The moment, since the trace's start, such as 1.204s
    #[arg(long, value_name = "TIME", value_parser = time,
        required_unless_present = "finding", conflicts_with = "finding")]
    at: Option<u64>,

    /// The moment at which a finding of `analyze` began: its number in the
    /// table, or its id in JSON
    #[arg(long, value_name = "ID")]
    finding: Option<String>,

    /// How much to tell of
    #[arg(long, value_name = "DURATION", default_value = "20ms", value_parser = time)]
    window: u64,

    /// When to use colour
    #[arg(long, value_name = "WHEN", default_value = "auto")]
    color: Color,

    #[command(flatten)]
    settings: settings::Args,
}

const EXAMPLES: &str = "\
Examples:
  gotracer explain trace.out --at 1.204s
  gotracer explain trace.out --at 1.2s --window 100ms
  gotracer explain trace.out --finding 1    the first one that analyze shows";

fn time(text: &str) -> Result<u64, SettingError> {
    Unit::Nanoseconds.parse(text)
}

/// Runs the subcommand.
pub fn run(args: &Args) -> anyhow::Result<u8> {
    let source = Source::named(&args.trace);
    let mut output = Output::to(None)?;
    let color = output.color(args.color);
    let window = match (args.at, &args.finding) {
        (Some(at), _) => Window::around(at, args.window),
        (None, id) => {
            let finding = args.find(&source, id.as_deref().unwrap_or_default())?;
            writeln!(
                output.writer,
                "{}: {}\n",
                finding.rule.name, finding.message
            )?;
            // What led to it matters as much as it does.
            Window::around(finding.first_ns, args.window)
        }
    };
    let name = || source.name();
    let input = source.open().with_context(name)?;
    let explanation = explain::explain(input, window).with_context(name)?;
    if explanation.from > explanation.timeline.now() {
        let took = gotracer::units::duration(explanation.timeline.duration());
        return Err(anyhow!("{}: the trace is over after {took}", name()));
    }
    explain::write(&mut output.writer, &explanation, color)?;
    output.writer.flush()?;
    Ok(CLEAN)
}

impl Args {
    fn find(&self, source: &Source, id: &str) -> anyhow::Result<Finding> {
        let file = source.file().with_context(|| {
            format!(
                "{}: --finding reads the trace twice, give a file",
                source.name()
            )
        })?;
        let name = || file.display().to_string();
        let settings = self.settings.settings()?;
        let input = source.open().with_context(name)?;
        let outcome = analysis::analyze(input, &name(), &settings, |_| {});
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
}
