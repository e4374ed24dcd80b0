//! `gotracer serve`: connects sources, analysis, exporters and the HTTP server.

mod captures;
mod discoverer;
mod effective_config;
mod error;
mod exposure;
mod failure;
mod health;
mod http;
mod identity;
mod ignored;
mod leak_profiles;
mod leaks;
mod otlp_metrics;
mod permits;
mod pipeline;
mod plan;
mod processed;
mod recent_reports;
mod release_job;
mod reload;
mod retention;
mod schedule;
mod scrape_budget;
mod stream;
mod supervisor;
mod target_table;
mod web_config;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use self::effective_config::EffectiveConfig;
pub use self::error::StartError;
pub use self::exposure::Exposure;
use self::failure::REASONS;
pub use self::health::{HealthCheck, HealthError};
use self::ignored::Ignored;
use self::pipeline::{Files, Memory, Otlp, Pipeline, Sinks};
pub use self::plan::{Config, DEFAULT_ADDRESS, Loader, Plan, Scrape};
pub use self::processed::ProcessedLogError;
use self::processed::ProcessedSet;
use self::recent_reports::RecentReports;
use self::supervisor::Supervisor;
pub use self::supervisor::THREADS;
use self::target_table::TargetTable;
use self::web_config::Guard;
pub use self::web_config::WebError;
use crate::evidence;
use crate::export::Metrics;
use crate::export::catalog::server::ServerStats;
use crate::export::catalog::storage::Stores;
use crate::export::catalog::watches::Watched;
use crate::export::otlp;
use crate::profiles::ProfileStore;
use crate::releases::Releases;
use crate::source::directory::{Health, Watches};
use crate::source::push::{Rates, Spool};

/// Time that traces being analyzed and requests being answered get at shutdown.
const GRACE: Duration = Duration::from_secs(20);

/// Time that the OTLP queue and evidence uploads get after that.
const FLUSH: Duration = Duration::from_secs(5);

/// Checks a web configuration file. Blocks.
///
/// # Errors
/// If it cannot be used.
pub fn check_web(path: &Path) -> Result<(), WebError> {
    Guard::new(path).map(drop)
}

/// Runs the daemon until `stop`.
///
/// # Errors
/// If the daemon cannot start. Later errors are logged and counted.
pub async fn run(config: Config, stop: CancellationToken) -> Result<(), StartError> {
    config.plan.check()?;
    let guard = config.web.as_deref().map(Guard::new).transpose()?;
    let guard = guard.map(Arc::new);
    let stores = Stores::default();
    let (processed, releases) = match &config.storage {
        Some(directory) => (
            ProcessedSet::kept_in(directory, stores.add("traces"))?,
            Releases::kept_in(directory, stores.add("releases"))?,
        ),
        None => (ProcessedSet::default(), Releases::default()),
    };
    let (processed, releases) = (Arc::new(processed), Arc::new(releases));
    let listener = listen(&config.listen).await?;
    let port = listener.local_addr().map_or(0, |address| address.port());
    let instance = format!("{}:{port}", host());
    let otlp = config.otlp.map(|c| otlp::Exporter::start(c, &instance));
    let (otlp, delivery) = otlp.transpose()?.unzip();
    let kept = Arc::new(evidence::Stats::default());
    let watches = Arc::new(Watches::default());
    let known = Arc::clone(&releases);
    let ignored = Arc::new(Ignored::default());
    let entries = Arc::clone(&ignored);
    let server = Arc::new(ServerStats::default());
    let metrics = Metrics::new(REASONS)
        .with_build(config.build)
        .with_process()
        .with_server(Arc::clone(&server))
        .with_releases(move || known.running())
        .with_ignored(move || entries.count())
        .with_watches(watched(&watches))
        .with_evidence(Arc::clone(&kept))
        .with_storage(stores, Arc::clone(&kept));
    let metrics = Arc::new(match &otlp {
        Some(otlp) => metrics.with_otlp(otlp.stats()),
        None => metrics,
    });
    metrics.reloaded(true);
    let memory = Memory::new(config.memory, Arc::clone(&metrics));
    let encrypted = match &guard {
        Some(guard) => guard.now().await.tls.is_some(),
        None => false,
    };
    let url = config.external_url.unwrap_or_else(|| url(encrypted, port));
    metrics.set_url(&url);
    let evidence = Arc::new(evidence::LiveEvidence::new(&url, kept));
    let recent = Arc::new(RecentReports::default());
    let profiles = Arc::new(ProfileStore::default());
    let pipeline = Arc::new(Pipeline::new(Sinks {
        metrics: Arc::clone(&metrics),
        otlp: Otlp::new(otlp),
        evidence: Arc::clone(&evidence),
        releases: Arc::clone(&releases),
        profiles: Arc::clone(&profiles),
        reports: Arc::clone(&recent),
        ignored: Arc::clone(&ignored),
    }));
    let table = Arc::new(TargetTable::default());
    let (found, queue) = mpsc::unbounded_channel();
    let spool = Arc::new(Spool::new(config.storage.as_deref(), found.clone()));
    let (reload, requests) = mpsc::channel(1);
    let effective = Arc::new(EffectiveConfig::default());
    let parts = supervisor::Parts {
        pipeline: Arc::clone(&pipeline),
        metrics: Arc::clone(&metrics),
        memory: memory.clone(),
        table: Arc::clone(&table),
        watches: Arc::clone(&watches),
        found,
        effective: Arc::clone(&effective),
        spool: Arc::clone(&spool),
    };
    let mut supervisor = Supervisor::new(parts, stop.clone());
    supervisor.apply(config.plan)?;
    let left = Arc::clone(&spool);
    let recovered = tokio::task::spawn_blocking(move || left.recover());
    let _ = recovered.await;
    reload::on_hangup(reload.clone());
    let mut work = JoinSet::new();
    let swept = retention::sweep_evidence(Arc::clone(&evidence));
    let until = stop.clone();
    work.spawn(async move {
        until.run_until_cancelled(swept).await;
    });
    work.spawn(otlp_metrics::follow(Arc::clone(&pipeline), stop.clone()));
    work.spawn(release_job::follow(Arc::clone(&pipeline), stop.clone()));
    work.spawn(Arc::clone(&processed).follow(stop.clone()));
    work.spawn(Arc::clone(&spool).follow(stop.clone()));
    work.spawn(ignored.follow(stop.clone()));
    work.spawn(supervisor.run(config.load, requests));
    let files = Files::new(Arc::clone(&pipeline), Arc::clone(&processed));
    work.spawn(pipeline::work(
        queue,
        config.jobs,
        (Arc::new(files), memory.clone()),
        Arc::clone(&metrics),
        stop.clone(),
    ));
    if let Ok(address) = listener.local_addr() {
        tracing::info!(%address, "listening");
    }
    let connections = Arc::new(http::Connections::new(server));
    let state = Arc::new(http::State {
        pipeline: Arc::clone(&pipeline),
        metrics,
        memory,
        table,
        watches,
        recent,
        evidence: Arc::clone(&evidence),
        releases,
        profiles,
        processed: Arc::clone(&processed),
        limits: http::Limits::new(config.jobs, config.max_scrapes, Arc::clone(&connections)),
        connections,
        exposure: config.exposure,
        alerted: http::Alerted::default(),
        reload: config.lifecycle.then_some(reload),
        spool,
        pushes: Rates::default(),
        guard,
        effective,
        drawn: http::Drawn::default(),
    });
    let serve = http::serve(listener, state, stop.clone());
    let end = async {
        serve.await;
        // These tasks end at the same signal.
        while work.join_next().await.is_some() {}
    };
    tokio::select! {
        () = end => tracing::info!("ended"),
        () = async { stop.cancelled().await; tokio::time::sleep(GRACE).await } => {
            tracing::warn!("shutdown timed out after {GRACE:?}");
        }
    }
    // Export the results of the last captures.
    release_job::settle(&pipeline).await;
    otlp_metrics::send(&pipeline).await;
    let closed = tokio::task::spawn_blocking(move || processed.close());
    let _ = closed.await;
    let evidence = tokio::task::spawn_blocking(move || evidence.flush(FLUSH));
    if let Some(delivery) = delivery {
        delivery.flush(FLUSH).await;
    }
    let _ = evidence.await;
    Ok(())
}

/// Returns a function that reads the health of the watched directories.
fn watched(watches: &Arc<Watches>) -> impl Fn() -> Vec<Watched> + Send + Sync + 'static {
    let watches = Arc::clone(watches);
    let watched = |(path, health): (PathBuf, Health)| Watched {
        directory: path.display().to_string(),
        up: health.down.is_none(),
        incomplete: health.incomplete,
        retries: health.retries,
    };
    move || watches.all().into_iter().map(watched).collect()
}

/// Default URL of this server.
fn url(encrypted: bool, port: u16) -> String {
    let scheme = if encrypted { "https" } else { "http" };
    format!("{scheme}://{}:{port}", host())
}

/// Host name of this machine.
fn host() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    match name.trim() {
        "" => "localhost".into(),
        name => name.into(),
    }
}

/// Listens on `address`, in which the host may be missing.
async fn listen(address: &str) -> Result<TcpListener, StartError> {
    let listener = match address.strip_prefix(':') {
        // Systems without IPv6 listen on IPv4.
        Some(port) => match TcpListener::bind(format!("[::]:{port}")).await {
            Ok(listener) => Ok(listener),
            Err(_) => TcpListener::bind(format!("0.0.0.0:{port}")).await,
        },
        None => TcpListener::bind(address).await,
    };
    listener.map_err(|error| StartError::Listen {
        address: address.into(),
        error,
    })
}
