//! `gotracer export`: converts a trace for other tools.

use std::io;
use std::path::PathBuf;

use anyhow::{anyhow, bail};
use clap::builder::{PossibleValuesParser, TypedValueParser};
use gotracer::perfetto::{self, Options};
use gotracer::pprof;
use gotracer::trace::Reader;
use gotracer::units::bytes;

use crate::cli::args::{moment, settings};
use crate::cli::exit_code::{CLEAN, UNREADABLE};
use crate::cli::input::Source;
use crate::cli::input::progress::Progress;
use crate::cli::messages::complain;
use crate::cli::output::Output;
use crate::cli::output::place;

/// Convert a trace for ui.perfetto.dev or pprof
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    #[command(subcommand)]
    form: Form,
}

/// Formats of other tools.
#[derive(clap::Subcommand)]
enum Form {
    Perfetto(Box<Perfetto>),
    Pprof(Pprof),
}

/// Write a trace for ui.perfetto.dev
///
/// Perfetto shows Ps, goroutines and threads over time, wake-ups, CPU samples,
/// the garbage collector, the heap, and the findings.
#[derive(clap::Args)]
#[command(after_help = PERFETTO_EXAMPLES, group(
    clap::ArgGroup::new("when").args(["at", "finding", "task"])
))]
struct Perfetto {
    /// A file, or `-` for standard input; plain, gzip or zstd
    #[arg(value_name = "TRACE")]
    trace: PathBuf,

    #[command(flatten)]
    output: BinaryOutput,

    /// Convert a whole large trace to a file of more than 512 MiB
    #[arg(long, conflicts_with = "when")]
    all: bool,

    #[command(flatten)]
    moment: moment::Args,

    #[command(flatten)]
    settings: settings::Args,
}

/// Write a profile for pprof: where goroutines wait, run, and are created
///
/// net, sync, syscall and sched are the profiles of `go tool trace -pprof=`. The others are gotracer's: wait (all waits),
/// runnable (waits for a P), lock (waits for locks, charged to the unlocker), assist (mark assists), stw (stops of the
/// world), creations (of goroutines), cpu (CPU samples) and wall (all of the goroutines' time).
#[derive(clap::Args)]
#[command(after_help = PPROF_EXAMPLES)]
struct Pprof {
    /// A file, or `-` for standard input; plain, gzip or zstd
    #[arg(value_name = "TRACE")]
    trace: PathBuf,

    /// The profile
    #[arg(long = "type", value_name = "TYPE", value_parser = profile())]
    profile: pprof::Type,

    #[command(flatten)]
    output: BinaryOutput,
}

/// Destination of the export.
#[derive(clap::Args)]
#[group(skip)]
struct BinaryOutput {
    /// Write to a file; `-` is standard output
    #[arg(
        short,
        long,
        value_name = "FILE",
        default_value = "-",
        hide_default_value = true
    )]
    output: PathBuf,
}

impl BinaryOutput {
    /// Opens the output, which must neither be the trace nor a terminal.
    fn open(&self, source: &Source) -> anyhow::Result<Output> {
        place::check(&[&self.output], source.file())?;
        let output = Output::to(Some(&self.output))?;
        if output.terminal {
            bail!("the output is binary: give --output FILE, or redirect it");
        }
        Ok(output)
    }

    /// Writes the export of `source` with `write`, and shows the progress.
    fn write<T>(
        &self,
        source: &Source,
        write: impl FnOnce(&mut Output, &Progress) -> io::Result<T>,
    ) -> anyhow::Result<(Output, T)> {
        let mut output = self.open(source)?;
        let progress = Progress::new(true);
        progress.expect(source.size());
        let exported = write(&mut output, &progress);
        progress.finish();
        let Ok(exported) = exported else {
            output.finish()?;
            bail!("cannot write {}", self.output.display());
        };
        Ok((output, exported))
    }
}

const PPROF_EXAMPLES: &str = "\
Examples:
  gotracer export pprof --type wait trace.out -o wait.pb.gz && go tool pprof -http=: wait.pb.gz
  gotracer export pprof --type lock trace.out -o lock.pb.gz

A truncated trace is exported up to the damage, with a warning.";

fn profile() -> impl TypedValueParser<Value = pprof::Type> {
    PossibleValuesParser::new(pprof::Type::ALL.map(|(name, _)| name))
        .try_map(|name| pprof::Type::from_name(&name).ok_or("there is no such profile"))
}

const PERFETTO_EXAMPLES: &str = "\
Without --at, --finding or --task the whole trace is converted. A large trace
needs --all for that.

Examples:
  gotracer export perfetto trace.out -o trace.pftrace
  gotracer export perfetto trace.out --finding 1 --window 100ms -o finding.pftrace
  gotracer export perfetto trace.out | gzip > trace.pftrace.gz

A truncated trace is exported up to the damage, with a warning.";

const EXAMPLES: &str = "\
Examples:
  gotracer export perfetto trace.out -o trace.pftrace
  gotracer export pprof --type wait trace.out -o wait.pb.gz";

/// Ratio of the sizes of Perfetto's format and a Go trace, measured with traces of busy programs.
const GROWTH: u64 = 25;
/// Size in bytes of an export above which a window or `--all` is required.
const LARGE: u64 = 512 << 20;

/// Runs the subcommand.
pub(crate) fn run(args: &Args) -> anyhow::Result<u8> {
    match &args.form {
        Form::Perfetto(args) => args.run(),
        Form::Pprof(args) => args.run(),
    }
}

impl Perfetto {
    fn run(&self) -> anyhow::Result<u8> {
        let source = Source::named(&self.trace);
        let settings = self.settings.settings()?;
        let part = self.moment.part(&source, &settings)?;
        let expected = source.size().saturating_mul(GROWTH);
        if part.is_none() && !self.all && expected > LARGE {
            bail!(
                "{}: {} become about {} in Perfetto's format; give --at or --finding for a window, or --all",
                source.name(),
                bytes(source.size()),
                bytes(expected)
            );
        }
        let (window, findings) = part.map(|part| (part.window, part.found)).unzip();
        let reader = Reader::new(self.moment.open(&source)?);
        let reader = reader.map_err(|e| anyhow!("{}: {e}", source.name()))?;
        let options = Options {
            source: &source.name(),
            window,
            settings: &settings,
            findings: findings.flatten(),
        };
        let (output, exported) = self.output.write(&source, |output, progress| {
            perfetto::export(reader, output, &options, progress.follow(&source))
        })?;
        if let Some(error) = exported.error.as_ref().filter(|_| exported.silent) {
            complain("error", &format!("{}: {error}", source.name()));
            return Ok(UNREADABLE);
        }
        let (error, another) = (exported.error.as_ref(), exported.another);
        self.moment.warn(&source, error, another);
        if window.is_some_and(|window| window.from > exported.duration) {
            return Err(moment::over(&source, exported.duration));
        }
        let written = output.finish()?;
        written.tell("; open it at https://ui.perfetto.dev");
        Ok(CLEAN)
    }
}

impl Pprof {
    fn run(&self) -> anyhow::Result<u8> {
        let source = Source::named(&self.trace);
        let name = source.name();
        let input = source.open().map_err(|e| anyhow!("{name}: {e}"))?;
        let reader = Reader::new(input).map_err(|e| anyhow!("{name}: {e}"))?;
        let (output, exported) = self.output.write(&source, |output, progress| {
            pprof::export(reader, output, self.profile, progress.follow(&source))
        })?;
        if let Some(error) = &exported.error {
            let level = if exported.silent { "error" } else { "warning" };
            complain(level, &format!("{name}: {error}"));
        }
        if exported.error.is_some() && exported.silent {
            return Ok(UNREADABLE);
        }
        if let Some(at) = exported.another {
            complain(
                "warning",
                &format!("{name}: another trace begins at byte {at} and is not in the profile"),
            );
        }
        output.finish()?;
        Ok(CLEAN)
    }
}
