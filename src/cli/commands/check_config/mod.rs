//! `gotracer check-config`: validates a configuration file.

mod explain;

use std::io::{self, Write};
use std::path::PathBuf;

use anyhow::Context;
use gotracer::config::Config;

#[cfg(feature = "daemon")]
use crate::cli::args::referenced_files;
use crate::cli::exit_code::CLEAN;

/// Check a configuration file and the files it refers to
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The YAML file
    #[arg(value_name = "FILE")]
    #[cfg_attr(feature = "daemon", arg(required_unless_present = "web_config"))]
    #[cfg_attr(not(feature = "daemon"), arg(required = true))]
    file: Option<PathBuf>,

    /// Show what `custom_rules` match in this trace, and what they do not match and why
    #[arg(long, value_name = "TRACE", requires = "file")]
    explain: Option<PathBuf>,

    /// Explain with the settings for this service
    #[arg(long, value_name = "NAME", requires = "explain")]
    service: Option<String>,

    /// Skip the files it refers to: certificates, passwords, lists of targets
    #[cfg(feature = "daemon")]
    #[arg(long)]
    syntax_only: bool,

    /// Check a file for `serve --web.config.file` as well
    #[cfg(feature = "daemon")]
    #[arg(long = "web.config.file", value_name = "FILE")]
    web_config: Option<PathBuf>,
}

/// Runs the subcommand.
pub(crate) fn run(args: &Args) -> anyhow::Result<u8> {
    if let Some(file) = &args.file {
        let name = file.display().to_string();
        let config = Config::load(file).with_context(|| name.clone())?;
        #[cfg(feature = "daemon")]
        if !args.syntax_only {
            referenced_files::check(&config).with_context(|| name.clone())?;
        }
        writeln!(io::stdout(), "{name}: good{}", contents(&config))?;
        if let Some(trace) = &args.explain {
            explain::run(&config, args.service.as_deref(), trace)?;
        }
    }
    #[cfg(feature = "daemon")]
    if let Some(path) = &args.web_config {
        gotracer::daemon::check_web(path)?;
        writeln!(io::stdout(), "{}: good", path.display())?;
    }
    Ok(CLEAN)
}

/// Counts what a file configures, such as `: 2 jobs, 1 custom rule`.
fn contents(config: &Config) -> String {
    let mut counts = Vec::new();
    #[cfg(feature = "daemon")]
    {
        counts.push((config.jobs().len(), "job", "jobs"));
        counts.push((
            config.watches().len(),
            "watched directory",
            "watched directories",
        ));
    }
    counts.push((config.custom_rules().len(), "custom rule", "custom rules"));
    counts.push((
        config.services().count(),
        "service with settings of its own",
        "services with settings of their own",
    ));
    let named = counts.into_iter().filter(|(count, ..)| *count > 0);
    let named: Vec<_> = named
        .map(|(count, one, several)| format!("{count} {}", if count == 1 { one } else { several }))
        .collect();
    match named.is_empty() {
        true => String::new(),
        false => format!(": {}", named.join(", ")),
    }
}
