//! `gotracer anonymize`: a trace that can be shown to others.

use std::io::Write;
use std::path::PathBuf;

use anyhow::Context;
use gotracer::timeline::is_standard;
use gotracer::trace;

use super::inputs::Source;
use super::output::Output;
use super::{CLEAN, UNREADABLE, complain};

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
    let input = source.open().with_context(|| source.name())?;
    let mut output = Output::beside(&args.from, &args.to)?;
    let is_public = |function: &str| !args.all && is_standard(function);
    let copied = trace::anonymize(input, &mut output.writer, is_public);
    output.writer.flush()?;
    Ok(match copied {
        Ok(()) => CLEAN,
        Err(error) => {
            complain("error", &format!("{}: {error}", source.name()));
            UNREADABLE
        }
    })
}
