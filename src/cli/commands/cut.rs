//! `gotracer cut`: copies a part of a trace.

use std::path::PathBuf;

use anyhow::{Context, anyhow, bail};
use gotracer::report::human::plural;
use gotracer::trace::{Cut, Time};
use gotracer::units::duration;

use crate::cli::args::time::Moment;
use crate::cli::exit_code::CLEAN;
use crate::cli::input::Source;
use crate::cli::messages::{complain, note};
use crate::cli::output::Output;
use crate::cli::output::place;

/// Copy a part of a trace as a smaller trace
///
/// The runtime writes a trace in generations of about a second each. The part
/// consists of all generations between --from and --to, so `go tool trace` and
/// every other tool can read it. For traces of Go 1.22 and later.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES, group(
    clap::ArgGroup::new("part").args(["from", "to"]).required(true).multiple(true)
))]
pub(crate) struct Args {
    /// A file, or `-` for standard input; plain, gzip or zstd
    #[arg(value_name = "TRACE")]
    trace: PathBuf,

    /// Start of the part, relative to the trace's start, such as 1.5s
    #[arg(long, value_name = "TIME", value_parser = Moment::parse_since_start)]
    from: Option<Time>,

    /// End of the part
    #[arg(long, value_name = "TIME", value_parser = Moment::parse_since_start)]
    to: Option<Time>,

    /// Write to a file; `-` is standard output
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
}

const EXAMPLES: &str = "\
Examples:
  gotracer cut trace.out --from 10s --to 12s -o part.out
  gotracer cut trace.out --to 5s -o start.out && go tool trace start.out

Of a truncated trace, the complete generations are copied, with a warning.";

/// Runs the subcommand.
pub(crate) fn run(args: &Args) -> anyhow::Result<u8> {
    let source = Source::named(&args.trace);
    let name = source.name();
    let (source, _kept) = source.twice().with_context(|| name.clone())?;
    let (from, to) = (args.from.unwrap_or(0), args.to.unwrap_or(Time::MAX));
    if from >= to {
        bail!("--from must be before --to");
    }
    let input = source.open().with_context(|| name.clone())?;
    let found = Cut::find(input, from, to).map_err(|e| anyhow!("{name}: {e}"))?;
    let Some(cut) = found else {
        let from = duration(from.unsigned_abs());
        bail!("{name}: the trace ends before {from}: give an earlier --from");
    };
    place::check(&[&args.output], source.file())?;
    let mut output = Output::to(Some(&args.output))?;
    if output.terminal {
        bail!("the output is binary: give --output FILE, or redirect it");
    }
    cut.copy(source.open()?, &mut output)?;
    output.finish()?;
    if let Some(error) = &cut.error {
        complain("warning", &format!("{name}: {error}"));
    }
    let time = |time: Time| duration(time.unsigned_abs());
    let generations = plural(cut.generations, "generation");
    note(&format!(
        "{generations}, from {} to {}",
        time(cut.from),
        time(cut.to)
    ));
    Ok(CLEAN)
}
