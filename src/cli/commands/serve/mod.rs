//! `gotracer serve`: runs the daemon.

#[cfg(all(target_os = "linux", target_env = "gnu"))]
mod allocator;
mod log;
mod options;

use std::io::Write;
use std::num::NonZeroUsize;
use std::thread::available_parallelism;

use anyhow::{Context, bail};
use gotracer::causes::with_causes;
use gotracer::daemon::{self, Config, Exposure};
use tokio_util::sync::CancellationToken;

pub(crate) use self::options::Args;
use crate::cli::args::referenced_files;
use crate::cli::exit_code::CLEAN;
use crate::cli::version;

/// Runs the daemon until SIGTERM or SIGINT.
pub(crate) fn run(args: &Args) -> anyhow::Result<u8> {
    let file = args.settings.config()?;
    let plan = args.plan_of(&file)?;
    if plan.is_empty() && !args.uploads {
        bail!(
            "there is nothing to do: give --watch, --scrape, --web.enable-uploads, or --config with watch_configs or scrape_configs"
        );
    }
    let (otlp, ignored) = args.otlp()?;
    if args.check {
        plan.check()?;
        referenced_files::check(&file)?;
        if let Some(path) = &args.web_config {
            daemon::check_web(path)?;
        }
        writeln!(std::io::stdout(), "good")?;
        return Ok(CLEAN);
    }
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    let unsettled = allocator::settle().err();
    log::to_stderr(args.log_level, args.log_format);
    for variable in ignored {
        tracing::warn!("{variable}; it is ignored");
    }
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    if let Some(error) = unsettled {
        tracing::warn!(%error, "settings of the allocator were not applied: memory may exceed the documented bound");
    }
    let cores = available_parallelism().map_or(1, |n| n.get());
    let again = args.clone();
    let config = Config {
        listen: args.listen_address.clone(),
        storage: args.storage.clone(),
        external_url: args.external_url.clone(),
        web: args.web_config.clone(),
        jobs: args.jobs.map_or(cores, NonZeroUsize::get),
        memory: args.memory,
        max_scrapes: args.max_requests,
        lifecycle: args.lifecycle,
        exposure: Exposure {
            uploads: args.uploads,
            alert_webhook: args.alert_webhook,
            evidence: args.evidence_open,
        },
        build: version::BUILD,
        plan,
        load: Box::new(move || again.plan().map_err(|error| with_causes(error.chain()))),
        otlp,
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(cores.min(4))
        .max_blocking_threads(daemon::THREADS)
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
