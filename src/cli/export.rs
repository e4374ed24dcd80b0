//! `gotracer export`: a trace in the form of another tool.

use std::path::PathBuf;

use anyhow::{anyhow, bail};
use gotracer::perfetto::{self, Options};
use gotracer::trace::Reader;
use gotracer::units::bytes;

use super::inputs::Source;
use super::output::Output;
use super::progress::Progress;
use super::{CLEAN, UNREADABLE, complain, moment, place, settings};

/// Write a trace for ui.perfetto.dev: processors, goroutines and threads over
/// time, who woke whom, the collector, the heap, and what the rules found
#[derive(clap::Args)]
#[command(after_help = EXAMPLES, group(
    clap::ArgGroup::new("when").args(["at", "finding", "task"])
))]
pub struct Args {
    /// A file, or `-` for standard input; plain, gzip or zstd
    #[arg(value_name = "TRACE")]
    trace: PathBuf,

    /// Write Perfetto's protobuf format
    #[arg(long, required = true)]
    perfetto: bool,

    /// Write to a file; `-` is standard output
    #[arg(
        short,
        long,
        value_name = "FILE",
        default_value = "-",
        hide_default_value = true
    )]
    output: PathBuf,

    /// Write all of a large trace, which becomes a file of more than 512 MiB
    #[arg(long, conflicts_with = "when")]
    all: bool,

    #[command(flatten)]
    moment: moment::Args,

    #[command(flatten)]
    settings: settings::Args,
}

const EXAMPLES: &str = "\
Without --at, --finding or --task all of the trace is written; for a large one
--all has to say so.

Examples:
  gotracer export --perfetto trace.out -o trace.pftrace
  gotracer export --perfetto trace.out --finding 1 --window 100ms -o finding.pftrace
  gotracer export --perfetto trace.out | gzip > trace.pftrace.gz

A trace that breaks off is exported as far as it goes, with a warning.";

/// How much larger Perfetto's format is, measured with traces of busy programs.
const GROWTH: u64 = 25;
/// Bytes from which on a window is asked for.
const LARGE: u64 = 512 << 20;

/// Runs the subcommand.
pub fn run(args: &Args) -> anyhow::Result<u8> {
    let source = Source::named(&args.trace);
    let settings = args.settings.settings()?;
    let part = args.moment.part(&source, &settings)?;
    let expected = source.size().saturating_mul(GROWTH);
    if part.is_none() && !args.all && expected > LARGE {
        bail!(
            "{}: {} become about {} in Perfetto's format; give --at or --finding for a window, or --all",
            source.name(),
            bytes(source.size()),
            bytes(expected)
        );
    }
    let (window, findings) = part.map(|part| (part.window, part.found)).unzip();
    let reader = Reader::new(args.moment.open(&source)?);
    let reader = reader.map_err(|e| anyhow!("{}: {e}", source.name()))?;
    place::check(&[&args.output], source.file())?;
    let mut output = Output::to(Some(&args.output))?;
    if output.terminal {
        bail!("this is no text for a terminal: give --output FILE, or redirect it");
    }
    let options = Options {
        source: &source.name(),
        window,
        settings: &settings,
        findings: findings.flatten(),
    };
    let progress = Progress::new(true);
    progress.expect(source.size());
    let exported = perfetto::export(reader, &mut output, &options, progress.follow(&source));
    progress.finish();
    let Ok(exported) = exported else {
        output.finish()?;
        bail!("cannot write {}", args.output.display());
    };
    if let Some(error) = exported.error.as_ref().filter(|_| exported.silent) {
        complain("error", &format!("{}: {error}", source.name()));
        return Ok(UNREADABLE);
    }
    let (error, another) = (exported.error.as_ref(), exported.another);
    args.moment.warn(&source, error, another);
    if window.is_some_and(|window| window.from > exported.duration) {
        return Err(moment::over(&source, exported.duration));
    }
    let written = output.finish()?;
    written.tell("; open it at https://ui.perfetto.dev");
    Ok(CLEAN)
}
