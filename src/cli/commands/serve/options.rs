//! Options of `gotracer serve`, and the plan that they and the configuration make.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use anyhow::Context;
use clap::ValueEnum;
use gotracer::config::Config as FileConfig;
use gotracer::daemon::{DEFAULT_ADDRESS, Plan, Scrape};
use gotracer::evidence;
use gotracer::export::otlp;
use gotracer::labels::Labels;
use gotracer::objects::{Location, LocationError};
use gotracer::source::directory::{After, Directory, Pattern, Retention, WatchConfig};
use gotracer::source::parse_duration;
use gotracer::source::scrape::{Mode, Options, Target};
use gotracer::source::{Shard, ordinal};

use super::log;
use crate::cli::args::size::size;
use crate::cli::args::{number, settings};

/// Watch directories and scrape programs; export the results to Prometheus
///
/// Each complete trace is analyzed once, and its results are exposed on /metrics.
/// On SIGTERM and SIGINT, the daemon finishes the traces being analyzed and exits.
#[derive(Clone, clap::Args)]
pub(crate) struct Args {
    /// Watch this directory and its subdirectories for traces (may be repeated)
    #[arg(long, value_name = "DIR")]
    watch: Vec<PathBuf>,

    /// Capture traces of a Go program that imports net/http/pprof, such as
    /// localhost:6060 or unix:///run/api.sock (may be repeated)
    #[arg(long, value_name = "URL")]
    scrape: Vec<String>,

    /// Capture a trace per interval (scrape), or trace continuously (stream)
    #[arg(long = "scrape.mode", value_name = "MODE", default_value = "scrape")]
    mode: ScrapeMode,

    /// Bytes per second of a stream; a stream above the budget is paused to
    /// stay within it
    #[arg(long = "scrape.stream-budget", value_name = "SIZE", default_value = "10MiB", value_parser = size)]
    stream_budget: u64,

    /// Bytes per second of the captures of a program, averaged over the interval;
    /// captures of a program above the budget are shorter, then rarer
    #[arg(long = "scrape.budget", value_name = "SIZE", value_parser = size)]
    scrape_budget: Option<u64>,

    /// Request a CPU profile beside each trace: the trace has CPU samples, and other
    /// CPU profiles of the program are refused meanwhile
    #[arg(long = "scrape.cpu-samples")]
    cpu_samples: bool,

    /// Interval between two captures of a program
    #[arg(long = "scrape.interval", value_name = "DURATION", default_value = "1m", value_parser = parse_duration)]
    interval: Duration,

    /// Length of a trace in seconds [default: 5, or 3600 for streams]
    #[arg(long = "scrape.seconds", value_name = "N",
        value_parser = number::between(1, 86_400))]
    seconds: Option<u32>,

    /// Limit for connecting, and for the response in addition to the length of
    /// the trace
    #[arg(long = "scrape.timeout", value_name = "DURATION", default_value = "10s", value_parser = parse_duration)]
    timeout: Duration,

    /// Largest size of a trace; of a larger one, the beginning is analyzed
    #[arg(long = "scrape.max-size", value_name = "SIZE", default_value = "256MiB", value_parser = size)]
    limit: u64,

    /// Number of this daemon, from 0, among those that share all targets, or the
    /// name of a StatefulSet's pod, which ends in its number
    #[arg(long, value_name = "ORDINAL", requires = "total_shards", value_parser = ordinal)]
    shard: Option<u32>,

    /// Number of daemons that share all targets
    #[arg(long = "total-shards", value_name = "N", requires = "shard", value_parser = number::at_least(1u32))]
    total_shards: Option<u32>,

    /// Address of the HTTP server; without a host, it listens on all interfaces
    #[arg(long = "web.listen-address", value_name = "ADDRESS", default_value = DEFAULT_ADDRESS)]
    pub(super) listen_address: String,

    /// TLS, passwords and headers of the HTTP server, in the format of the
    /// Prometheus exporters' web configuration
    #[arg(long = "web.config.file", value_name = "FILE")]
    pub(super) web_config: Option<PathBuf>,

    /// Limit for concurrent scrapes of /metrics; further ones get a 503. 0
    /// disables the limit
    #[arg(long = "web.max-requests", value_name = "N", default_value_t = 40)]
    pub(super) max_requests: usize,

    /// Reload the configuration on POST /-/reload, as on SIGHUP
    #[arg(long = "web.enable-lifecycle")]
    pub(super) lifecycle: bool,

    /// Allow all clients, not only local and authenticated ones, to push traces
    /// to /api/v1/traces and to POST them to /api/v1/analyze
    #[arg(long = "web.enable-uploads")]
    pub(super) uploads: bool,

    /// Allow all clients, not only local and authenticated ones, to send alerts
    /// to POST /api/v1/alertmanager
    #[arg(long = "web.enable-alert-webhook")]
    pub(super) alert_webhook: bool,

    /// Allow all clients, not only local and authenticated ones, to read kept
    /// traces under /api/v1/evidence
    #[arg(long = "web.enable-evidence")]
    pub(super) evidence_open: bool,

    /// Check options, configuration and directories, and exit
    #[arg(long = "config.check")]
    pub(super) check: bool,

    /// Time without a change after which a file counts as complete, on file
    /// systems without close events
    #[arg(long = "watch.settle", value_name = "DURATION", default_value = "5s", value_parser = parse_duration)]
    settle: Duration,

    /// Time without a change after which a truncated file counts as abandoned by
    /// its writer, on file systems without close events
    #[arg(long = "watch.incomplete-after", value_name = "DURATION", default_value = "10m", value_parser = parse_duration)]
    incomplete_after: Duration,

    /// Poll the directories at this interval instead of waiting for events, for
    /// network file systems
    #[arg(long = "watch.poll", value_name = "DURATION", value_parser = parse_duration)]
    poll: Option<Duration>,

    /// Derive labels from file names, such as
    /// {service}_{version}_{timestamp}.trace; the first matching pattern applies
    /// (may be repeated)
    #[arg(long = "watch.pattern", value_name = "PATTERN")]
    patterns: Vec<Pattern>,

    /// Action on an analyzed file: keep, delete, or move (to the subdirectories
    /// done, findings and failed)
    #[arg(long = "watch.after", value_name = "ACTION", default_value = "keep")]
    after: After,

    /// Delete moved files that are older than this
    #[arg(long = "watch.retention.time", value_name = "DURATION", value_parser = parse_duration)]
    retention_time: Option<Duration>,

    /// Delete moved files while they exceed this size together; those with
    /// findings last
    #[arg(long = "watch.retention.size", value_name = "SIZE", value_parser = size)]
    retention_size: Option<u64>,

    /// Directory for the state that survives a restart: analyzed traces and
    /// statistics of releases [default: no state is kept]
    #[arg(long = "storage.path", value_name = "DIR")]
    pub(super) storage: Option<PathBuf>,

    /// Keep the traces of findings in this directory, or in a bucket such as
    /// s3://BUCKET/PREFIX; with both, the directory holds the queue of uploads.
    /// The key evidence of the configuration selects traces and retention
    #[arg(long = "evidence.path", value_name = "DIR|URL")]
    evidence: Vec<EvidencePath>,

    /// URL of this server in links to kept traces [default: http://HOSTNAME:PORT]
    #[arg(long = "web.external-url", value_name = "URL")]
    pub(super) external_url: Option<String>,

    /// Traces to analyze at a time [default: the number of cores]
    #[arg(long, value_name = "N", value_parser = number::jobs)]
    pub(super) jobs: Option<NonZeroUsize>,

    /// Memory for all traces being read. Further traces wait, and a trace that
    /// needs more is read up to the limit [default: half of the available memory]
    #[arg(long = "memory.budget", value_name = "SIZE", value_parser = size)]
    pub(super) memory: Option<u64>,

    /// Export findings and measurements by OTLP to this URL, such as
    /// http://localhost:4318 (HTTP) or http://localhost:4317 (gRPC). The
    /// OTEL_EXPORTER_OTLP_* variables set the URL and all other options
    #[arg(long = "otlp.endpoint", value_name = "URL")]
    otlp_endpoint: Option<String>,

    /// Protocol of OTLP
    #[arg(long = "otlp.protocol", value_name = "PROTOCOL")]
    otlp_protocol: Option<OtlpProtocol>,

    /// Size of the queue for an unreachable OTLP receiver; findings and
    /// measurements have one each [default: 32MiB]
    #[arg(long = "otlp.queue-size", value_name = "SIZE", value_parser = size)]
    otlp_queue: Option<u64>,

    /// Lowest level to log on stderr
    #[arg(long = "log.level", value_name = "LEVEL", default_value = "info")]
    pub(super) log_level: log::Level,

    /// Format of the log
    #[arg(long = "log.format", value_name = "FORMAT", default_value = "text")]
    pub(super) log_format: log::Format,

    #[command(flatten)]
    pub(super) settings: settings::Args,
}

/// Value of `--evidence.path`.
#[derive(Clone)]
enum EvidencePath {
    Directory(PathBuf),
    Bucket(Location),
}

impl FromStr for EvidencePath {
    type Err = LocationError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(match text.contains("://") {
            true => Self::Bucket(text.parse()?),
            false => Self::Directory(text.into()),
        })
    }
}

#[derive(Clone, Copy, ValueEnum)]
enum ScrapeMode {
    Scrape,
    Stream,
}

impl ScrapeMode {
    fn mode(self) -> Mode {
        match self {
            Self::Scrape => Mode::Scrape,
            Self::Stream => Mode::Stream,
        }
    }
}

#[derive(Clone, Copy, ValueEnum)]
enum OtlpProtocol {
    Grpc,
    #[value(name = "http/protobuf")]
    Http,
}

impl Args {
    /// Returns the evidence settings of options and configuration.
    fn evidence(&self, file: &FileConfig) -> evidence::Settings {
        let mut settings = file.evidence().clone();
        for path in self.evidence.iter().cloned() {
            match path {
                EvidencePath::Directory(directory) => settings.directory = Some(directory),
                EvidencePath::Bucket(location) => settings.bucket = Some(location),
            }
        }
        settings
    }

    /// Returns the OTLP configuration of the environment and the options, and the variables that were ignored.
    pub(super) fn otlp(
        &self,
    ) -> Result<(Option<otlp::Config>, Vec<otlp::Ignored>), otlp::ConfigError> {
        let flags = otlp::Flags {
            endpoint: self.otlp_endpoint.clone(),
            protocol: self.otlp_protocol.map(|protocol| match protocol {
                OtlpProtocol::Grpc => otlp::Protocol::Grpc,
                OtlpProtocol::Http => otlp::Protocol::Http,
            }),
            queue_bytes: self
                .otlp_queue
                .map(|n| usize::try_from(n).unwrap_or(usize::MAX)),
        };
        otlp::Config::read(&|name| std::env::var(name).ok(), &flags)
    }

    /// Reads the configuration and combines it with the options.
    pub(super) fn plan(&self) -> anyhow::Result<Plan> {
        self.plan_of(&self.settings.config()?)
    }

    /// Combines the options with a configuration.
    pub(super) fn plan_of(&self, file: &FileConfig) -> anyhow::Result<Plan> {
        let of = |service: &str| self.settings.settings_of(file, Some(service));
        let services = file.services().map(|name| Ok((name.into(), of(name)?)));
        Ok(Plan {
            directories: self.directories(file),
            scrapes: self.scrapes(file)?,
            shard: self.shard(file)?,
            settings: self.settings.settings()?,
            services: services.collect::<anyhow::Result<_>>()?,
            prometheus: file.prometheus().clone(),
            otlp: file.otlp().clone(),
            evidence: self.evidence(file),
            releases: file.releases().clone(),
            profiles: file.profiles().clone(),
            uploads: file.uploads().clone(),
        })
    }

    /// Returns the directories to watch.
    fn directories(&self, file: &FileConfig) -> Vec<Directory> {
        let own = self.watch.iter().map(|root| Directory {
            settle: self.settle,
            incomplete_after: self.incomplete_after,
            poll: self.poll,
            patterns: self.patterns.clone(),
            after: self.after,
            retention: Retention {
                age: self.retention_time,
                bytes: self.retention_size,
            },
            ..Directory::new(root, Labels::new())
        });
        let others = file.watches().iter().map(WatchConfig::directory);
        own.chain(others).collect()
    }

    /// Returns the shard of the options, else of the configuration.
    fn shard(&self, file: &FileConfig) -> anyhow::Result<Shard> {
        match (self.shard, self.total_shards) {
            (Some(ordinal), Some(total)) => Shard::new(ordinal, total).context("--shard"),
            _ => Ok(file.sharding().unwrap_or_default()),
        }
    }

    /// Returns the targets of the options and the scrape jobs of the configuration.
    fn scrapes(&self, file: &FileConfig) -> anyhow::Result<Vec<Scrape>> {
        let own = self.scrape.iter().map(|url| Target::at(url, Labels::new()));
        let mut scrapes = vec![Scrape {
            targets: own.collect::<Result<_, _>>().context("--scrape")?,
            job: None,
            options: Options {
                mode: self.mode.mode(),
                stream_budget: self.stream_budget,
                scrape_budget: self.scrape_budget,
                cpu_samples: self.cpu_samples,
                interval: self.interval,
                seconds: self.seconds.unwrap_or(self.mode.mode().seconds()),
                timeout: self.timeout,
                limit: self.limit,
                ..Options::default()
            },
        }];
        for job in file.jobs() {
            scrapes.push(Scrape {
                targets: job.targets()?,
                job: Some(job.clone()),
                options: job.options(),
            });
        }
        Ok(scrapes)
    }
}
