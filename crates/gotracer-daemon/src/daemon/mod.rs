//! `gotracer serve`: wires sources to the analysis and that to the exporters,
//! and answers HTTP.

mod analyst;
mod board;
mod captures;
mod discoverer;
mod ended;
mod failure;
mod health;
mod http;
mod identity;
mod memory;
mod otlp_metrics;
mod queue;
mod reads;
mod recent;
mod releases;
mod reload;
mod retention;
mod seen;
mod shown;
mod stream;
mod supervisor;
mod turns;
mod web;

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use self::analyst::Analyst;
use self::failure::REASONS;
pub use self::health::{HealthCheck, HealthError};
pub use self::http::Exposure;
use self::memory::Memory;
pub use self::seen::JournalError;
use self::seen::Seen;
use self::shown::Shown;
use self::supervisor::Supervisor;
pub use self::supervisor::THREADS;
use self::web::Guard;
pub use self::web::WebError;
use crate::build::Build;
use crate::evidence::{self, EvidenceError};
use crate::export::catalog::server::ServerStats;
use crate::export::catalog::storage::Stores;
use crate::export::catalog::watches::Watched;
use crate::export::otlp;
use crate::export::{self, Metrics};
use crate::releases::{Releases, StoreError};
use crate::rules::Settings;
use crate::source::Shard;
use crate::source::directory::{Directory, Health, WatchError, Watches};
use crate::source::discovery::Job;
use crate::source::push::{self, Rates, Spool};
use crate::source::scrape::{Options, Target};

/// Where `/metrics` is if nobody says otherwise: all of 9100 to 9999 is given
/// to other exporters, and 6060 is where Go programs have their pprof.
pub const DEFAULT_ADDRESS: &str = ":16060";

/// How long traces being analysed and answers being sent may take when the
/// daemon is told to end.
const GRACE: Duration = Duration::from_secs(20);

/// How long what waits to be sent by OTLP, or to get to a bucket, may take after
/// that.
const FLUSH: Duration = Duration::from_secs(5);

/// What the daemon is to do, and how. All but the plan stays until it ends.
pub struct Config {
    /// Address and port of the HTTP server; without an address, all of them.
    pub listen: String,
    /// Where to remember across restarts which traces were analysed and what is
    /// known of releases; without it, traces still there are analysed again.
    pub storage: Option<PathBuf>,
    /// How many traces to analyse at a time.
    pub jobs: usize,
    /// How much memory traces being read may take together, bytes; half of what
    /// there is, if nothing is said.
    pub memory: Option<u64>,
    /// Where to send findings and measurements by OTLP, if anywhere.
    pub otlp: Option<otlp::Config>,
    /// Where people and programs find the HTTP server; by the machine's name,
    /// if nothing is said.
    pub external_url: Option<String>,
    /// TLS, passwords and headers of the HTTP server: a file in the form of
    /// Prometheus' exporters.
    pub web: Option<PathBuf>,
    /// How many scrapes of `/metrics` are answered at a time; 0 is no limit.
    pub max_scrapes: usize,
    /// Whether HTTP may ask for a reload.
    pub lifecycle: bool,
    /// What of the HTTP server answers clients that are neither local nor
    /// authenticated.
    pub exposure: Exposure,
    /// What the binary was built from.
    pub build: Build,
    /// What to do at first.
    pub plan: Plan,
    /// Makes the plan anew.
    pub load: Loader,
}

/// Makes a plan of options and files as they are now, or says why not.
pub type Loader = Box<dyn Fn() -> Result<Plan, String> + Send>;

/// What a reload can change.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Directories to watch.
    pub directories: Vec<Directory>,
    /// Programs to capture traces from, by how to capture them.
    pub scrapes: Vec<Scrape>,
    /// Which of them are this daemon's.
    pub shard: Shard,
    /// What is too much.
    pub settings: Settings,
    /// The same for single services, by the label `service` of their traces.
    pub services: HashMap<String, Settings>,
    /// What to tell on `/metrics`.
    pub prometheus: export::Settings,
    /// What to send by OTLP.
    pub otlp: otlp::Settings,
    /// How to judge releases.
    pub releases: crate::releases::Settings,
    /// Which traces to keep, if any.
    pub evidence: evidence::Settings,
    /// Limits of pushed traces.
    pub uploads: push::Settings,
}

impl Plan {
    /// Whether there is something to do.
    pub fn is_empty(&self) -> bool {
        let discovers = |s: &Scrape| s.job.as_ref().is_some_and(|j| !j.discoveries().is_empty());
        let idle = |s: &Scrape| s.targets.is_empty() && !discovers(s);
        self.directories.is_empty() && self.scrapes.iter().all(idle)
    }

    /// Whether it can be done, as far as that can be told beforehand.
    ///
    /// # Errors
    /// Says what can't.
    pub fn check(&self) -> Result<(), WatchError> {
        self.directories.iter().try_for_each(Directory::check)
    }
}

/// Whether a web configuration can be used. Blocks.
///
/// # Errors
/// Says what can't.
pub fn check_web(path: &Path) -> Result<(), WebError> {
    Guard::new(path).map(drop)
}

/// Programs that are captured alike.
#[derive(Clone, Debug)]
pub struct Scrape {
    /// How to capture.
    pub options: Options,
    /// The programs.
    pub targets: Vec<Target>,
    /// The job that discovers more of them.
    pub job: Option<Job>,
}

/// Why the daemon could not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// Nothing to watch.
    #[error(transparent)]
    Watch(#[from] WatchError),
    /// Nothing can be remembered.
    #[error(transparent)]
    Storage(#[from] JournalError),
    /// Releases can't be.
    #[error(transparent)]
    Releases(#[from] StoreError),
    /// The OpenTelemetry SDK can't be used.
    #[error("OTLP: {0}")]
    Otlp(#[from] opentelemetry_otlp::ExporterBuildError),
    /// Nothing can be kept.
    #[error(transparent)]
    Evidence(#[from] EvidenceError),
    /// Nobody can be told from others.
    #[error(transparent)]
    Web(#[from] WebError),
    /// No HTTP server.
    #[error("cannot listen on {address}: {error}")]
    Listen {
        /// The address asked for.
        address: String,
        /// What the system says.
        error: io::Error,
    },
}

/// Runs until `stop`.
///
/// # Errors
/// If it can't start. Nothing that happens later ends it.
pub async fn run(config: Config, stop: CancellationToken) -> Result<(), StartError> {
    config.plan.check()?;
    let guard = config.web.as_deref().map(Guard::new).transpose()?;
    let guard = guard.map(Arc::new);
    let stores = Stores::default();
    let (seen, releases) = match &config.storage {
        Some(directory) => (
            Seen::kept_in(directory, stores.add("traces"))?,
            Releases::kept_in(directory, stores.add("releases"))?,
        ),
        None => (Seen::default(), Releases::default()),
    };
    let (seen, releases) = (Arc::new(seen), Arc::new(releases));
    let listener = listen(&config.listen).await?;
    let port = listener.local_addr().map_or(0, |address| address.port());
    let instance = format!("{}:{port}", host());
    let otlp = config.otlp.map(|c| otlp::Exporter::start(c, &instance));
    let (otlp, delivery) = otlp.transpose()?.unzip();
    let kept = Arc::new(evidence::Stats::default());
    let watches = Arc::new(Watches::default());
    let known = Arc::clone(&releases);
    let server = Arc::new(ServerStats::default());
    let metrics = Metrics::new(&REASONS)
        .with_build(config.build)
        .with_process()
        .with_server(Arc::clone(&server))
        .with_releases(move || known.running())
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
    let evidence = evidence::InForce::new(&url, kept);
    let analyst = Analyst::new(
        metrics,
        otlp,
        Arc::clone(&seen),
        memory,
        evidence,
        releases,
        watches,
    );
    let analyst = Arc::new(analyst);
    let (found, queue) = mpsc::unbounded_channel();
    let spool = Arc::new(Spool::new(config.storage.as_deref(), found.clone()));
    let (reload, requests) = mpsc::channel(1);
    let shown = Arc::new(Shown::default());
    let (told, until) = (Arc::clone(&shown), stop.clone());
    let pushed = Arc::clone(&spool);
    let mut supervisor = Supervisor::new(Arc::clone(&analyst), found, told, pushed, until);
    supervisor.apply(config.plan)?;
    let left = Arc::clone(&spool);
    let recovered = tokio::task::spawn_blocking(move || left.recover());
    let _ = recovered.await;
    reload::on_hangup(reload.clone());
    let mut work = JoinSet::new();
    let swept = retention::sweep_evidence(Arc::clone(&analyst));
    let until = stop.clone();
    work.spawn(async move {
        until.run_until_cancelled(swept).await;
    });
    work.spawn(otlp_metrics::follow(Arc::clone(&analyst), stop.clone()));
    work.spawn(releases::follow(Arc::clone(&analyst), stop.clone()));
    work.spawn(Arc::clone(&seen).follow(stop.clone()));
    work.spawn(Arc::clone(&spool).follow(stop.clone()));
    work.spawn(supervisor.run(config.load, requests));
    work.spawn(queue::work(
        queue,
        config.jobs,
        Arc::clone(&analyst),
        stop.clone(),
    ));
    if let Ok(address) = listener.local_addr() {
        tracing::info!(%address, "listening");
    }
    let connections = Arc::new(http::Connections::new(server));
    let state = Arc::new(http::State {
        analyst: Arc::clone(&analyst),
        limits: http::Limits::new(config.jobs, config.max_scrapes, Arc::clone(&connections)),
        connections,
        exposure: config.exposure,
        alerted: http::Alerted::default(),
        reload: config.lifecycle.then_some(reload),
        spool,
        pushes: Rates::default(),
        guard,
        shown,
    });
    let serve = http::serve(listener, state, stop.clone());
    let end = async {
        serve.await;
        // These end at the same signal.
        while work.join_next().await.is_some() {}
    };
    tokio::select! {
        () = end => tracing::info!("ended"),
        () = async { stop.cancelled().await; tokio::time::sleep(GRACE).await } => {
            tracing::warn!("not everything ended within {GRACE:?}");
        }
    }
    // What the last captures told.
    releases::settle(&analyst).await;
    otlp_metrics::send(&analyst).await;
    let closed = tokio::task::spawn_blocking(move || seen.close());
    let _ = closed.await;
    let evidence = tokio::task::spawn_blocking(move || analyst.evidence.flush(FLUSH));
    if let Some(delivery) = delivery {
        delivery.flush(FLUSH).await;
    }
    let _ = evidence.await;
    Ok(())
}

/// How the watched directories are, for their metrics.
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

/// URL of this server, as far as it can tell.
fn url(encrypted: bool, port: u16) -> String {
    let scheme = if encrypted { "https" } else { "http" };
    format!("{scheme}://{}:{port}", host())
}

/// Name of this machine.
fn host() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    match name.trim() {
        "" => "localhost".into(),
        name => name.into(),
    }
}

/// Listens on `address`, which may lack a host as in Prometheus' exporters.
async fn listen(address: &str) -> Result<TcpListener, StartError> {
    let listener = match address.strip_prefix(':') {
        // Where there is no IPv6, there is IPv4.
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
