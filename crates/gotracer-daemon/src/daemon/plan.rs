//! Options of the daemon, and the plan that a reload replaces.

use std::collections::HashMap;
use std::path::PathBuf;

use super::exposure::Exposure;
use crate::build::Build;
use crate::evidence;
use crate::export::{self, otlp};
use crate::profiles;
use crate::releases;
use crate::rules::Settings;
use crate::source::Shard;
use crate::source::directory::{Directory, WatchError};
use crate::source::discovery::Job;
use crate::source::push;
use crate::source::scrape::{Options, Target};

/// Default listen address. Ports 9100 to 9999 are allocated to Prometheus exporters, and 6060 is
/// the usual port of pprof.
pub const DEFAULT_ADDRESS: &str = ":16060";

/// Options of the daemon. All of them but the plan are fixed until it ends.
pub struct Config {
    /// Listen address of the HTTP server, `HOST:PORT` or `:PORT`.
    pub listen: String,
    /// Directory of the state that survives restarts: analyzed traces, releases and pushed traces.
    /// Without it, files that are still there are analyzed again after a restart.
    pub storage: Option<PathBuf>,
    /// Maximum number of files analyzed at a time.
    pub jobs: usize,
    /// Memory budget of the traces being read, bytes; by default, half of the memory.
    pub memory: Option<u64>,
    /// OTLP endpoint, if any.
    pub otlp: Option<otlp::Config>,
    /// URL under which the HTTP server is reachable; by default, the host name with the port.
    pub external_url: Option<String>,
    /// Web configuration file in the format of Prometheus' exporter toolkit: TLS, users and
    /// headers.
    pub web: Option<PathBuf>,
    /// Maximum number of scrapes of `/metrics` answered at a time; 0 means no limit.
    pub max_scrapes: usize,
    /// Whether `POST /-/reload` is enabled.
    pub lifecycle: bool,
    /// Paths that answer clients that are neither local nor authenticated.
    pub exposure: Exposure,
    /// Revision, compiler and features of the binary.
    pub build: Build,
    /// Plan to start with.
    pub plan: Plan,
    /// Loads the plan again.
    pub load: Loader,
}

/// Builds a plan from the current options and files.
pub type Loader = Box<dyn Fn() -> Result<Plan, String> + Send>;

/// Settings that a reload can change.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Directories to watch.
    pub directories: Vec<Directory>,
    /// Targets by scrape options.
    pub scrapes: Vec<Scrape>,
    /// Shard of the targets that this daemon scrapes.
    pub shard: Shard,
    /// Default rule settings.
    pub settings: Settings,
    /// Rule settings of single services, by the label `service`.
    pub services: HashMap<String, Settings>,
    /// Settings of the Prometheus metrics.
    pub prometheus: export::Settings,
    /// Settings of the OTLP exporter.
    pub otlp: otlp::Settings,
    /// Settings of the comparison of releases.
    pub releases: releases::Settings,
    /// Settings of profiles.
    pub profiles: profiles::Settings,
    /// Settings of evidence.
    pub evidence: evidence::Settings,
    /// Limits of pushed traces.
    pub uploads: push::Settings,
}

impl Plan {
    /// Whether there is nothing to watch and nothing to scrape.
    pub fn is_empty(&self) -> bool {
        let discovers = |s: &Scrape| s.job.as_ref().is_some_and(|j| !j.discoveries().is_empty());
        let idle = |s: &Scrape| s.targets.is_empty() && !discovers(s);
        self.directories.is_empty() && self.scrapes.iter().all(idle)
    }

    /// Checks the plan without applying it.
    ///
    /// # Errors
    /// If a directory cannot be watched.
    pub fn check(&self) -> Result<(), WatchError> {
        self.directories.iter().try_for_each(Directory::check)
    }
}

/// Targets with the same scrape options.
#[derive(Clone, Debug)]
pub struct Scrape {
    /// Scrape options.
    pub options: Options,
    /// Static targets.
    pub targets: Vec<Target>,
    /// Job that discovers more targets.
    pub job: Option<Job>,
}
