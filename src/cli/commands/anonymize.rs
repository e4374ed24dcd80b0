//! `gotracer anonymize`: copies a trace without the program's names.

use std::path::PathBuf;

use anyhow::{Context, anyhow};
use gotracer::timeline::is_standard;
use gotracer::trace::{self, ErrorKind, Input, ReadError, Reader};

use crate::cli::exit_code::{CLEAN, UNREADABLE};
use crate::cli::input::Source;
use crate::cli::messages::complain;
use crate::cli::output::Output;
use crate::cli::output::place;

/// Copy a trace without the program's names, to share it
///
/// Replaces the names of functions, files, tasks, regions, logs and labels.
/// Equal names get equal replacements within a run, and others in the next run.
/// Kept are the names of the standard library's functions and `main.main`, the
/// runtime's reasons, line numbers, times, wall clock, addresses, ids and sizes.
/// For traces of Go 1.22 and later.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// A file, or `-` for standard input; plain, gzip or zstd
    #[arg(value_name = "IN")]
    from: PathBuf,

    /// The copy, or `-` for standard output
    #[arg(value_name = "OUT")]
    to: PathBuf,

    /// Replace the names of the standard library's functions as well; rules that
    /// recognize them by name (locks) then find nothing
    #[arg(long)]
    all: bool,
}

/// Runs the subcommand.
pub(crate) fn run(args: &Args) -> anyhow::Result<u8> {
    let source = Source::named(&args.from);
    let name = source.name();
    let (source, _kept) = source.twice().with_context(|| name.clone())?;
    // The copy keeps damaged parts byte by byte; only reading the trace finds them.
    let errors = check(source.open().with_context(|| name.clone())?);
    let errors = errors.map_err(|error| anyhow!("{name}: {error}"))?;
    place::check(&[&args.to], source.file())?;
    let mut output = Output::to(Some(&args.to))?;
    let is_public = |function: &str| !args.all && is_standard(function);
    let copied = trace::anonymize(source.open()?, &mut output, is_public);
    if !output.is_empty() {
        // A partial copy is kept.
        output.finish()?.tell("");
    }
    if let Err(error) = copied
        && (errors.is_empty() || matches!(error.kind(), ErrorKind::NotAnonymizable(_)))
    {
        complain("error", &format!("{name}: {error}"));
        return Ok(UNREADABLE);
    }
    for error in &errors {
        complain("warning", &format!("{name}: {error}"));
    }
    Ok(CLEAN)
}

/// Reads all traces of an input and returns their errors.
///
/// # Errors
/// If a trace has no event.
fn check(input: Input<'_>) -> Result<Vec<ReadError>, ReadError> {
    let mut errors = Vec::new();
    let mut next = Some(input);
    while let Some(input) = next {
        let mut reader = Reader::new(input)?;
        match reader.skip_rest() {
            Err(error) if reader.stats().is_silent() => return Err(error),
            ended => errors.extend(ended.err()),
        }
        next = reader.following().unwrap_or_default();
    }
    Ok(errors)
}
