//! `gotracer capture`: captures a trace of a running program and analyzes it as it arrives.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use anyhow::{Context, bail};
use gotracer::source::http::HttpOptions;
use gotracer::source::parse_duration;
use gotracer::source::scrape::Options;

use crate::cli::args::judgement::Judgement;
use crate::cli::args::number;
use crate::cli::args::size::size;
use crate::cli::exit_code::UNREADABLE;
use crate::cli::input::Source;
use crate::cli::input::remote::Remote;
use crate::cli::judge;
use crate::cli::output::place;

/// Capture a trace of a running Go program and report its problems
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The program's address, or the full URL of its traces; the default path is
    /// /debug/pprof/trace
    url: String,

    /// Length of the trace in seconds
    #[arg(short, long, value_name = "N", default_value = "5",
        value_parser = number::at_least(1u32))]
    seconds: u32,

    /// Request a CPU profile beside the trace: the trace has CPU samples, and other
    /// CPU profiles of the program are refused meanwhile
    #[arg(long)]
    cpu_samples: bool,

    /// Save the raw trace to this file
    #[arg(long, value_name = "FILE")]
    save_trace: Option<PathBuf>,

    #[command(flatten)]
    judgement: Judgement,

    /// Send this header to the server (may be repeated)
    #[arg(
        short = 'H',
        long,
        value_name = "NAME: VALUE",
        help_heading = "Connection"
    )]
    header: Vec<String>,

    /// Read basic_auth, authorization, tls_config, http_headers,
    /// follow_redirects and proxy_url, as in a scrape config of Prometheus, from a
    /// YAML file
    #[arg(
        long = "http.config.file",
        value_name = "FILE",
        help_heading = "Connection"
    )]
    http_config: Option<PathBuf>,

    /// Limit for connecting, and for the response in addition to the length of
    /// the trace
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = parse_duration,
        help_heading = "Connection")]
    timeout: Duration,

    /// Largest size of the trace; a longer one is cut off
    #[arg(long, value_name = "SIZE", default_value = "1GiB", value_parser = size,
        help_heading = "Connection")]
    max_size: u64,
}

const EXAMPLES: &str = "\
Examples:
  gotracer capture localhost:6060
  gotracer capture --seconds 30 --save-trace trace.out https://api.example.com:6060
  gotracer capture localhost:6060/debug/flight

Ctrl-C ends the capture, and the data received so far is analyzed. Exit codes: 0 no
finding at --fail-on or above, 1 findings, 2 no trace was received.";

/// Name of a capture's table files.
const CAPTURED: &str = "captured";

/// Runs the subcommand.
pub(crate) fn run(args: &Args) -> anyhow::Result<u8> {
    let options = Options {
        cpu_samples: args.cpu_samples,
        seconds: args.seconds,
        timeout: args.timeout,
        limit: args.max_size,
        http: args.http()?,
        ..Options::default()
    };
    let mut remote = Remote::new(&args.url, options)?;
    remote.interruptible = true;
    remote.save = args.place()?;
    let unsaved = Arc::clone(&remote.unsaved);
    let sources = [Source::remote(remote)];
    let code = judge::judge(&sources, &args.judgement, None, CAPTURED)?;
    Ok(match unsaved.load(Ordering::Relaxed) {
        true => UNREADABLE,
        false => code,
    })
}

impl Args {
    /// Returns the file for the raw trace, with `--save-trace`.
    fn place(&self) -> anyhow::Result<Option<PathBuf>> {
        let Some(path) = &self.save_trace else {
            return Ok(None);
        };
        if path.as_os_str() == "-" {
            bail!("--save-trace -: standard output has the report; give the raw trace a file");
        }
        let mut outputs = self.judgement.outputs()?;
        outputs.push(path.clone());
        let outputs: Vec<_> = outputs.iter().map(PathBuf::as_path).collect();
        place::check(&outputs, self.http_config.as_deref())?;
        Ok(self.save_trace.clone())
    }

    fn http(&self) -> anyhow::Result<HttpOptions> {
        let mut http = match &self.http_config {
            None => HttpOptions::default(),
            Some(path) => {
                let name = || path.display().to_string();
                let text = std::fs::read_to_string(path).with_context(name)?;
                HttpOptions::from_yaml(&text).with_context(name)?
            }
        };
        for header in &self.header {
            let Some((name, value)) = header.split_once(':') else {
                bail!("--header {header:?}: expected \"NAME: VALUE\"");
            };
            http.say(name.trim(), value.trim()).context("--header")?;
        }
        Ok(http)
    }
}
