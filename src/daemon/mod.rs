//! `gotracer serve`: wires sources to the analysis and that to the exporters,
//! and answers HTTP.

mod analyst;
mod captures;
mod failure;
mod http;
mod identity;
mod journal;
mod queue;
mod recent;
mod retention;
mod seen;

use std::collections::HashMap;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use self::analyst::Analyst;
use self::captures::Captures;
use self::failure::REASONS;
pub use self::journal::JournalError;
use self::seen::Seen;
use crate::export::prometheus::Exporter;
use crate::rules::Settings;
use crate::source::directory::{Directory, WatchError};
use crate::source::scrape::{Options, Scraper, Target};

/// Where `/metrics` is if nobody says otherwise: all of 9100 to 9999 is given
/// to other exporters, and 6060 is where Go programs have their pprof.
pub const DEFAULT_ADDRESS: &str = ":16060";

/// How long traces being analysed and answers being sent may take when the
/// daemon is told to end.
const GRACE: Duration = Duration::from_secs(20);

/// How many captures run at a time.
const CAPTURES: usize = 32;

/// What the daemon is to do.
#[derive(Clone, Debug)]
pub struct Config {
    /// Address and port of the HTTP server; without an address, all of them.
    pub listen: String,
    /// Directories to watch.
    pub directories: Vec<Directory>,
    /// Programs to capture traces from, by how to capture them.
    pub scrapes: Vec<Scrape>,
    /// What is too much.
    pub settings: Settings,
    /// The same for single services, by the label `service` of their traces.
    pub services: HashMap<String, Settings>,
    /// Where to remember across restarts which traces were analysed; without
    /// it, those still there are analysed again.
    pub storage: Option<PathBuf>,
    /// How many traces to analyse at a time.
    pub jobs: usize,
}

/// Programs that are captured alike.
#[derive(Clone, Debug)]
pub struct Scrape {
    /// How to capture.
    pub options: Options,
    /// The programs.
    pub targets: Vec<Target>,
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
    for directory in &config.directories {
        directory.check()?;
    }
    let seen = match &config.storage {
        Some(directory) => Seen::kept_in(directory)?,
        None => Seen::default(),
    };
    let listener = listen(&config.listen).await?;
    let exporter = Arc::new(Exporter::new(&REASONS).with_process());
    let analyst = Arc::new(Analyst {
        settings: config.settings,
        services: config.services,
        exporter: Arc::clone(&exporter),
        recent: Default::default(),
        seen,
    });
    let (found, queue) = mpsc::unbounded_channel();
    for directory in config.directories {
        // Where file names tell labels, the first file makes the series.
        if directory.patterns.is_empty() {
            exporter.add(&directory.labels);
        }
        tokio::spawn(retention::follow(directory.clone()));
        tracing::info!(directory = %directory.root.display(), "watching");
        tokio::spawn(directory.run(found.clone()));
    }
    let mut work = JoinSet::new();
    let permits = Arc::new(Semaphore::new(CAPTURES));
    let alone = config
        .scrapes
        .iter()
        .map(|s| s.targets.len())
        .sum::<usize>()
        == 1;
    for scrape in config.scrapes {
        let captures = Captures {
            scraper: Scraper::new(scrape.options),
            analyst: Arc::clone(&analyst),
            permits: Arc::clone(&permits),
        };
        for target in scrape.targets {
            exporter.add(&target.labels);
            tracing::info!(target = %target.url(), labels = %target.labels, "scraping");
            work.spawn(captures.clone().follow(target, alone, stop.clone()));
        }
    }
    work.spawn(queue::work(
        queue,
        config.jobs,
        Arc::clone(&analyst),
        stop.clone(),
    ));
    if let Ok(address) = listener.local_addr() {
        tracing::info!(%address, "listening");
    }
    let state = Arc::new(http::State {
        analyst,
        uploads: Arc::new(Semaphore::new(config.jobs.max(1))),
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
    Ok(())
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
