//! `gotracer anonymize`: a trace that can be shown to others.

use std::path::PathBuf;

use anyhow::{Context, anyhow};
use gotracer::timeline::is_standard;
use gotracer::trace::{self, ErrorKind, Input, ReadError, Reader};

use super::inputs::Source;
use super::output::Output;
use super::{CLEAN, UNREADABLE, complain, place};

/// Copy a trace without the names in it, to share it
///
/// Functions, files, tasks, regions, logs and labels get other names, the same
/// name the same one throughout, and others the next time. What stays: names
/// of the standard library's functions and `main.main`, the runtime's own
/// words, lines, times, wall clock, addresses, ids and sizes. For traces of Go
/// 1.22 and later.
#[derive(clap::Args)]
pub struct Args {
    /// A file, or `-` for standard input; plain, gzip or zstd
    #[arg(value_name = "IN")]
    from: PathBuf,

    /// The copy, or `-` for standard output
    #[arg(value_name = "OUT")]
    to: PathBuf,

    /// Replace the names of the standard library's functions, too; rules that
    /// know them by name (locks) find nothing then
    #[arg(long)]
    all: bool,
}

/// Runs the subcommand.
pub fn run(args: &Args) -> anyhow::Result<u8> {
    let source = Source::named(&args.from);
    let name = source.name();
    let (source, _kept) = source.twice().with_context(|| name.clone())?;
    // A copy may hold what is lost to every reader: only reading the trace
    // shows that.
    let errors = check(source.open().with_context(|| name.clone())?);
    let errors = errors.map_err(|error| anyhow!("{name}: {error}"))?;
    place::check(&[&args.to], source.file())?;
    let mut output = Output::to(Some(&args.to))?;
    let is_public = |function: &str| !args.all && is_standard(function);
    let copied = trace::anonymize(source.open()?, &mut output, is_public);
    if !output.is_empty() {
        // What could be read is copied.
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

/// Reads all traces of an input; returns the errors with which they end.
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
