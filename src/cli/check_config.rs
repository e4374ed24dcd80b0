//! `gotracer check-config`: whether a configuration can be used.

use std::io::{self, Write};
use std::path::PathBuf;

use anyhow::Context;
use gotracer::config::Config;
use gotracer::report::human::plural;

use super::CLEAN;

/// Check a configuration file
#[derive(clap::Args)]
pub struct Args {
    /// The YAML file
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

/// Runs the subcommand.
pub fn run(args: &Args) -> anyhow::Result<u8> {
    let name = args.file.display().to_string();
    let config = Config::load(&args.file).with_context(|| name.clone())?;
    let services = plural(config.services().count() as u64, "service");
    writeln!(
        io::stdout(),
        "{name}: good, {services} with settings of their own"
    )?;
    Ok(CLEAN)
}
