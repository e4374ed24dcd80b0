//! `gotracer man`: prints the manual page, or writes those of all subcommands.

use std::io;
use std::path::PathBuf;

use anyhow::Context;

use crate::cli::exit_code::CLEAN;

/// Print the manual page
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Write the pages of all subcommands into this directory instead
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

/// Runs the subcommand. `program` is the definition of all arguments.
pub(crate) fn run(args: &Args, program: clap::Command) -> anyhow::Result<u8> {
    match &args.dir {
        None => clap_mangen::Man::new(program).render(&mut io::stdout())?,
        Some(dir) => {
            let place = || dir.display().to_string();
            std::fs::create_dir_all(dir).with_context(place)?;
            clap_mangen::generate_to(program, dir).with_context(place)?;
        }
    }
    Ok(CLEAN)
}
