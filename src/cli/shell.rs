//! `gotracer completions` and `gotracer man`: files that packages install with the program.

use std::io::{self, Write};
use std::path::PathBuf;

use anyhow::Context;
use clap::CommandFactory;
use clap_complete::Shell;

use super::{CLEAN, Cli};

/// Print completions for a shell
#[derive(clap::Args)]
pub struct CompletionsArgs {
    /// The shell
    shell: Shell,
}

/// Print the manual page
#[derive(clap::Args)]
pub struct ManArgs {
    /// Write the pages of all subcommands into this directory instead
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

/// Runs `completions`.
pub fn completions(args: &CompletionsArgs) -> anyhow::Result<u8> {
    // The generator panics if a write fails.
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "gotracer", &mut script);
    io::stdout().write_all(&script)?;
    Ok(CLEAN)
}

/// Runs `man`.
pub fn man(args: &ManArgs) -> anyhow::Result<u8> {
    match &args.dir {
        None => clap_mangen::Man::new(Cli::command()).render(&mut io::stdout())?,
        Some(dir) => {
            let place = || dir.display().to_string();
            std::fs::create_dir_all(dir).with_context(place)?;
            clap_mangen::generate_to(Cli::command(), dir).with_context(place)?;
        }
    }
    Ok(CLEAN)
}
