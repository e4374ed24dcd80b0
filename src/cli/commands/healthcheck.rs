//! `gotracer healthcheck`: checks the health of a daemon.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context;
use gotracer::daemon::HealthCheck;
use gotracer::source::parse_duration;

use crate::cli::exit_code::{CLEAN, FOUND};
use crate::cli::messages::complain;

/// Check the health of a running `gotracer serve`
///
/// For the HEALTHCHECK of an image without a shell, and for exec probes. Exits
/// with 0 if the daemon is healthy, and with 1 if it is not or does not respond.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// URL of the daemon; the default path is /-/healthy
    #[arg(
        long,
        value_name = "URL",
        default_value = "http://localhost:16060",
        env = "GOTRACER_HEALTHCHECK_URL"
    )]
    url: String,

    /// Credentials, headers, TLS and proxies, if the daemon has a
    /// --web.config.file: basic_auth, authorization, http_headers,
    /// tls_config, follow_redirects and proxy_url as in a scrape config of
    /// Prometheus
    #[arg(long = "http.config.file", value_name = "FILE")]
    http: Option<PathBuf>,

    /// Accept any certificate; few certificates include localhost
    #[arg(long)]
    insecure: bool,

    /// Time limit for the response
    #[arg(long, value_name = "DURATION", default_value = "3s", value_parser = parse_duration)]
    timeout: Duration,
}

/// Runs the subcommand.
pub(crate) fn run(args: &Args) -> anyhow::Result<u8> {
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
    fn the_default_url_is_that_of_the_daemon() {
        let command = super::Args::augment_args(Command::new("healthcheck"));
        let url = command
            .get_arguments()
            .find(|a| a.get_id() == "url")
            .unwrap();
        let usual = format!("http://localhost{DEFAULT_ADDRESS}");
        assert_eq!(url.get_default_values(), [usual.as_str()]);
    }
}
