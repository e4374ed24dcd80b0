//! `gotracer explain`: describes what happened around a moment of a trace.

use std::io::Write;
use std::path::PathBuf;

use anyhow::anyhow;
use gotracer::explain;
use gotracer::report::{Escaped, Options, human, wrap};
use gotracer::units::duration;

use crate::cli::args::{moment, settings};
use crate::cli::exit_code::CLEAN;
use crate::cli::input::Source;
use crate::cli::output::{Color, Output};

/// Show what happened around a moment of a trace: which goroutines ran, which
/// waited, and which goroutine ended each wait
#[derive(clap::Args)]
#[command(after_help = EXAMPLES, group(
    clap::ArgGroup::new("when").args(["at", "finding", "task"])
))]
pub(crate) struct Args {
    /// A file, or `-` for standard input; plain, gzip or zstd
    #[arg(value_name = "TRACE")]
    trace: PathBuf,

    #[command(flatten)]
    moment: moment::Args,

    /// When to use color
    #[arg(long, value_name = "WHEN", default_value = "auto")]
    color: Color,

    #[command(flatten)]
    settings: settings::Args,
}

const EXAMPLES: &str = "\
Without --at, --finding and --task, the first finding of analyze is explained.

Examples:
  gotracer explain trace.out
  gotracer explain trace.out --at 1.204s
  gotracer explain trace.out --at 1.2s --window 100ms
  gotracer explain trace.out --finding 2    the second finding of analyze
  gotracer explain trace.out --task 17      a task listed by gotracer tasks";

/// Runs the subcommand.
pub(crate) fn run(args: &Args) -> anyhow::Result<u8> {
    args.color.apply();
    let source = Source::named(&args.trace);
    let mut output = Output::to(None)?;
    let options = Options {
        color: output.color(args.color),
        width: output.width(),
        ..Options::default()
    };
    let part = args
        .moment
        .part_or_worst(&source, &args.settings.settings()?)?;
    if let Some(finding) = &part.finding {
        let (rule, message) = (finding.rule.name, &finding.message);
        let cause = finding.cause.as_ref();
        let cause = cause.map(|cause| format!("cause: {}", Escaped(&cause.text)));
        let end = human::waits_in_the_end(finding);
        let end = end.map(|end| format!("the waits in the end: {end}"));
        for text in [Some(format!("{rule}: {}", Escaped(message))), cause, end] {
            for line in text.iter().flat_map(|text| wrap(text, options.width)) {
                writeln!(output, "{line}")?;
            }
        }
        writeln!(output)?;
    }
    if let Some(task) = &part.task {
        let name = task.name.as_deref().unwrap_or("(unknown)");
        let took = duration(task.to.saturating_sub(task.from));
        let line = format!(
            "task {}: {took} from {}",
            Escaped(name),
            duration(task.from)
        );
        for line in wrap(&line, options.width) {
            writeln!(output, "{line}")?;
        }
        writeln!(output)?;
    }
    let explanation = explain::explain(args.moment.open(&source)?, part.window);
    let mut explanation = explanation.map_err(|e| anyhow!("{}: {e}", source.name()))?;
    explanation.goroutine = part.task.and_then(|task| task.goroutine);
    let (error, another) = (explanation.error.as_ref(), explanation.another);
    args.moment.warn(&source, error, another);
    // A window without events before the trace's end is a result, not an error.
    if explanation.from > explanation.to {
        return Err(moment::over(&source, explanation.timeline.duration()));
    }
    explain::write(&mut output, &explanation, &options)?;
    output.finish()?;
    Ok(CLEAN)
}
