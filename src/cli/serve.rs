//! `gotracer serve`: the daemon.

use std::path::PathBuf;
use std::thread::available_parallelism;
use std::time::Duration;

use anyhow::Context;
use clap::ValueEnum;
use gotracer::daemon::{self, Config, DEFAULT_ADDRESS};
use gotracer::labels::Labels;
use gotracer::source::directory::Directory;
use tokio_util::sync::CancellationToken;
use tracing_subscriber::EnvFilter;

use super::{CLEAN, settings};

/// Watch for traces and export what they tell as Prometheus metrics
///
/// Each complete trace is analysed once; what it told is on /metrics. Ends on
/// SIGTERM and SIGINT, when the traces being analysed are done.
#[derive(clap::Args)]
pub struct Args {
    /// Watch this directory and all below it for traces (can be repeated)
    #[arg(long, value_name = "DIR", required = true)]
    watch: Vec<PathBuf>,

    /// Where to serve /metrics; without an address before the colon, on all
    #[arg(long = "web.listen-address", value_name = "ADDRESS", default_value = DEFAULT_ADDRESS)]
    listen_address: String,

    /// How long a file must stand still to be taken for complete, where the
    /// file system does not tell that it was closed
    #[arg(long = "watch.settle", value_name = "SECONDS", default_value = "5", value_parser = seconds)]
    settle: Duration,

    /// How many traces to analyse at a time [default: one for each core]
    #[arg(long, value_name = "N")]
    jobs: Option<usize>,

    /// How much to log on stderr
    #[arg(long = "log.level", value_name = "LEVEL", default_value = "info")]
    log_level: LogLevel,

    /// How to log
    #[arg(long = "log.format", value_name = "FORMAT", default_value = "text")]
    log_format: LogFormat,

    #[command(flatten)]
    settings: settings::Args,
}

#[derive(Clone, Copy, ValueEnum)]
enum LogLevel {
    Error,
    Warn,
    Info,
    Debug,
    Trace,
}

#[derive(Clone, Copy, ValueEnum)]
enum LogFormat {
    Text,
    Json,
}

/// Runs until it is told to end by SIGTERM or SIGINT.
pub fn run(args: &Args) -> anyhow::Result<u8> {
    let settings = args.settings.settings()?;
    log_to_stderr(args.log_level, args.log_format);
    let cores = available_parallelism().map_or(1, |n| n.get());
    let directory = |root: &PathBuf| Directory {
        settle: args.settle,
        ..Directory::new(root, Labels::new())
    };
    let config = Config {
        listen: args.listen_address.clone(),
        directories: args.watch.iter().map(directory).collect(),
        settings,
        jobs: args.jobs.unwrap_or(cores),
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(cores.min(4))
        .enable_all()
        .build()
        .context("cannot start the runtime")?;
    let result = runtime.block_on(async {
        let stop = CancellationToken::new();
        stop_on_signal(stop.clone()).context("cannot listen for signals")?;
        daemon::run(config, stop).await.map_err(anyhow::Error::from)
    });
    // Analyses that outlive the grace period end with the process.
    runtime.shutdown_background();
    result.map(|()| CLEAN)
}

fn log_to_stderr(level: LogLevel, format: LogFormat) {
    let level = match level {
        LogLevel::Error => "error",
        LogLevel::Warn => "warn",
        LogLevel::Info => "info",
        LogLevel::Debug => "debug",
        LogLevel::Trace => "trace",
    };
    let builder = tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new(level))
        .with_target(false)
        .with_writer(std::io::stderr);
    match format {
        LogFormat::Text => builder
            .with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr()))
            .init(),
        LogFormat::Json => builder.json().flatten_event(true).init(),
    }
}

#[cfg(unix)]
fn stop_on_signal(stop: CancellationToken) -> std::io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::spawn(async move {
        let name = tokio::select! {
            _ = terminate.recv() => "SIGTERM",
            _ = interrupt.recv() => "SIGINT",
        };
        tracing::info!(signal = name, "ending");
        stop.cancel();
    });
    Ok(())
}

#[cfg(not(unix))]
fn stop_on_signal(stop: CancellationToken) -> std::io::Result<()> {
    tokio::spawn(async move {
        if tokio::signal::ctrl_c().await.is_ok() {
            tracing::info!("ending");
            stop.cancel();
        }
    });
    Ok(())
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds = text.parse().map_err(|_| "not a number of seconds")?;
    Duration::try_from_secs_f64(seconds).map_err(|e| e.to_string())
}
