//! `gotracer completions`: prints the completions of a shell.

use std::io::{self, Write};

use clap_complete::Shell;

use crate::cli::exit_code::CLEAN;

/// Print completions for a shell
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The shell
    shell: Shell,
}

/// Runs the subcommand. `program` is the definition of all arguments.
pub(crate) fn run(args: &Args, program: &mut clap::Command) -> anyhow::Result<u8> {
    // The generator panics if a write fails.
    let mut script = Vec::new();
    clap_complete::generate(args.shell, program, "gotracer", &mut script);
    io::stdout().write_all(&script)?;
    Ok(CLEAN)
}
