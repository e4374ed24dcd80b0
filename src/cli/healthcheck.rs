//! `gotracer healthcheck`: whether a daemon is healthy.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context;
use gotracer::daemon::HealthCheck;
use gotracer::source::parse_duration;

use super::{CLEAN, FOUND, complain};

/// Ask a running `gotracer serve` whether it is healthy
///
/// For the HEALTHCHECK of an image without a shell, and for exec probes: exits
/// with 0 if it is, and with 1 if it is not or can't be asked.
#[derive(clap::Args)]
pub struct Args {
    /// Where it listens; /-/healthy is asked for, unless the URL has a path
    #[arg(
        long,
        value_name = "URL",
        default_value = "http://localhost:16060",
        env = "GOTRACER_HEALTHCHECK_URL"
    )]
    url: String,

    /// Password, headers and certificates, if the daemon has a
    /// --web.config.file: basic_auth, authorization, http_headers and
    /// tls_config as in a scrape config of Prometheus
    #[arg(long = "http.config.file", value_name = "FILE")]
    http: Option<PathBuf>,

    /// Believe whatever certificate it shows: localhost is seldom in it
    #[arg(long)]
    insecure: bool,

    /// How long to wait
    #[arg(long, value_name = "DURATION", default_value = "3s", value_parser = parse_duration)]
    timeout: Duration,
}

/// Runs the subcommand.
pub fn run(args: &Args) -> anyhow::Result<u8> {
    let check = HealthCheck {
        url: args.url.clone(),
        http: args.http.clone(),
        insecure: args.insecure,
        timeout: args.timeout,
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start the runtime")?;
    match runtime.block_on(check.run()) {
        Ok(()) => Ok(CLEAN),
        // Docker knows 0 and 1, and reserves 2 for itself.
        Err(error) => {
            complain("error", &error.to_string());
            Ok(FOUND)
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::{Args as _, Command};
    use gotracer::daemon::DEFAULT_ADDRESS;

    #[test]
    fn it_asks_where_the_daemon_is_if_nobody_says_otherwise() {
        let command = super::Args::augment_args(Command::new("healthcheck"));
        let url = command
            .get_arguments()
            .find(|a| a.get_id() == "url")
            .unwrap();
        let usual = format!("http://localhost{DEFAULT_ADDRESS}");
        assert_eq!(url.get_default_values(), [usual.as_str()]);
    }
}
