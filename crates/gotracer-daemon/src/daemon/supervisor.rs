//! Starts and stops directory watches, captures and streams as the configuration and discovery
//! require.
//!
//! One task owns all of them, which makes a reload a single step.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use tokio::sync::mpsc::{Receiver, Sender, UnboundedSender, channel};
use tokio::sync::{Semaphore, oneshot};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use super::captures::Captures;
use super::discoverer::{self, Found, Source};
use super::effective_config::EffectiveConfig;
use super::error::StartError;
use super::pipeline::{Memory, Pipeline};
use super::plan::{Loader, Plan, Scrape};
use super::retention;
use super::stream::{self, Streams};
use super::target_table::TargetTable;
use crate::export::Metrics;
use crate::labels::Labels;
use crate::source::Shard;
use crate::source::directory::{Directory, FileTrace, Watches};
use crate::source::discovery::{Group, Job};
use crate::source::push::Spool;
use crate::source::scrape::{Mode, Options, Scraper, Target};

/// Maximum number of targets queried at a time. Each takes a connection; one that hangs holds it
/// until its timeout.
const ASKING: usize = 1_024;
/// Maximum number of captures read at a time. Most of the time they wait for their program. Their
/// memory has its own limit.
const CAPTURES: usize = 1_024;
/// Maximum number of streams read at a time.
const STREAMS: usize = 2_048;
/// Maximum number of blocking threads: one for each of these, and some for everything else.
pub const THREADS: usize = CAPTURES + STREAMS + 512;

/// Request to reload, with the channel for its result.
pub(super) type Request = oneshot::Sender<Result<(), String>>;

/// Parts of the daemon that a supervisor configures and starts sources for.
pub(super) struct Parts {
    /// Pipeline that the sources report to.
    pub pipeline: Arc<Pipeline>,
    /// Metrics of targets, discovery and reloads.
    pub metrics: Arc<Metrics>,
    /// Memory budget.
    pub memory: Memory,
    /// Table of the targets.
    pub table: Arc<TargetTable>,
    /// Health of the watched directories.
    pub watches: Arc<Watches>,
    /// Queue of traces in files.
    pub found: UnboundedSender<FileTrace>,
    /// Effective configuration.
    pub effective: Arc<EffectiveConfig>,
    /// Pushed traces, whose limits a plan sets.
    pub spool: Arc<Spool>,
}

/// Owner of all directory watches, captures and streams.
pub(super) struct Supervisor {
    parts: Parts,
    stop: CancellationToken,
    asking: Arc<Semaphore>,
    capture_permits: Arc<Semaphore>,
    stream_permits: Arc<Semaphore>,
    directories: Vec<(Directory, CancellationToken)>,
    scrapes: Vec<Scrape>,
    shard: Shard,
    /// Discovered target groups, and the task that follows each source.
    discovered: HashMap<Source, (Vec<Group>, AbortOnDropHandle<()>)>,
    lists: (Sender<Found>, Receiver<Found>),
    targets: HashMap<(Target, Arc<Options>), CancellationToken>,
    /// Captures and streams; each ends with the labels of its target.
    captures: JoinSet<Arc<Labels>>,
}

impl Supervisor {
    /// Creates an idle supervisor.
    pub(super) fn new(parts: Parts, stop: CancellationToken) -> Self {
        Self {
            parts,
            stop,
            asking: Arc::new(Semaphore::new(ASKING)),
            capture_permits: Arc::new(Semaphore::new(CAPTURES)),
            stream_permits: Arc::new(Semaphore::new(STREAMS)),
            directories: Vec::new(),
            scrapes: Vec::new(),
            shard: Shard::default(),
            discovered: HashMap::new(),
            lists: channel(16),
            targets: HashMap::new(),
            captures: JoinSet::new(),
        }
    }

    /// Handles reloads and discovery updates until `stop`, then waits for the captures that have
    /// begun.
    pub(super) async fn run(mut self, load: Loader, mut requests: Receiver<Request>) {
        loop {
            tokio::select! {
                () = self.stop.cancelled() => break,
                Some(request) = requests.recv() => {
                    let reloaded = self.reload(&load);
                    // The client may be gone.
                    let _ = request.send(reloaded);
                }
                Some(found) = self.lists.1.recv() => {
                    // The last update of a source that is no longer configured may still arrive.
                    if let Some((groups, _)) = self.discovered.get_mut(&found.source) {
                        *groups = found.groups;
                        self.capture();
                    }
                }
                Some(ended) = self.captures.join_next() => self.ended(ended.ok()),
            }
        }
        while self.captures.join_next().await.is_some() {}
    }

    fn reload(&mut self, load: &Loader) -> Result<(), String> {
        let applied = load().and_then(|plan| self.apply(plan).map_err(|e| e.to_string()));
        self.parts.metrics.reloaded(applied.is_ok());
        match &applied {
            Ok(()) => tracing::info!("configuration reloaded"),
            Err(error) => {
                tracing::error!(
                    error,
                    "configuration not reloaded; the previous one stays in force"
                );
            }
        }
        applied
    }

    /// Applies a plan. Watches and targets that do not change are not interrupted.
    ///
    /// # Errors
    /// If a directory cannot be watched or the evidence store cannot be opened. The previous plan
    /// stays in force then.
    pub(super) fn apply(&mut self, plan: Plan) -> Result<(), StartError> {
        for directory in &plan.directories {
            directory.check()?;
        }
        let evidence = self.parts.pipeline.prepare(&plan.evidence)?;
        self.parts.pipeline.configure(&plan, evidence);
        self.parts.effective.show(&plan);
        self.parts.spool.configure(plan.uploads);
        self.watch(plan.directories);
        self.scrapes = plan.scrapes;
        self.shard = plan.shard;
        self.parts
            .metrics
            .set_shard(plan.shard.ordinal(), plan.shard.total());
        self.discover();
        self.capture();
        Ok(())
    }

    /// Starts and stops discovery. Sources that do not change keep their targets.
    fn discover(&mut self) {
        let sources = |job: &Job| -> Vec<Source> {
            let all = job.discoveries().into_iter();
            all.map(|d| (job.job_name.clone(), d)).collect()
        };
        let jobs = self.scrapes.iter().filter_map(|s| s.job.as_ref());
        let wanted: Vec<Source> = jobs.flat_map(sources).collect();
        let metrics = &self.parts.metrics;
        let same = |a: &Source, b: &Source| a.0 == b.0 && a.1.mechanism() == b.1.mechanism();
        self.discovered.retain(|source, _| {
            if !wanted.iter().any(|other| same(source, other)) {
                metrics.forget_refreshes(source.1.mechanism(), &source.0);
            }
            wanted.contains(source)
        });
        for source in wanted {
            let (found, metrics) = (self.lists.0.clone(), Arc::clone(metrics));
            self.discovered.entry(source).or_insert_with_key(|source| {
                let follow = discoverer::follow(source.clone(), found, metrics);
                let task = tokio::spawn(follow);
                (Vec::new(), AbortOnDropHandle::new(task))
            });
        }
    }

    /// Returns the targets that the plan and discovery select.
    fn wanted(&self) -> HashSet<(Target, Arc<Options>)> {
        let mut wanted = HashSet::new();
        for scrape in &self.scrapes {
            let mut add = |target: Target, options: &Arc<Options>| {
                if self.shard.owns(target.url()) {
                    wanted.insert((target, Arc::clone(options)));
                }
            };
            let options = Arc::new(scrape.options.clone());
            let own = scrape.targets.iter().cloned();
            own.for_each(|target| add(target, &options));
            let Some(job) = &scrape.job else { continue };
            let discovered = Arc::new(job.options_of_discovered());
            let fixed: HashSet<_> = scrape.targets.iter().collect();
            let own = self
                .discovered
                .iter()
                .filter(|((j, _), _)| *j == job.job_name);
            for target in job.relabelled(own.flat_map(|(_, (groups, _))| groups)) {
                match target {
                    Ok(target) if fixed.contains(&target) => {}
                    Ok(target) => add(target, &discovered),
                    Err(error) => {
                        tracing::warn!(job = job.job_name, %error, "target skipped");
                    }
                }
            }
        }
        wanted
    }

    fn watch(&mut self, wanted: Vec<Directory>) {
        let gone = |(d, _): &mut (Directory, _)| !wanted.contains(d);
        let gone: Vec<_> = self.directories.extract_if(.., gone).collect();
        for (directory, stop) in gone {
            let root = directory.root.written();
            tracing::info!(directory = ?root, "directory removed");
            stop.cancel();
            if !wanted.iter().any(|other| other.root.written() == root) {
                self.parts.watches.forget(root);
            }
            self.forget_files(&directory, &wanted);
        }
        for directory in wanted {
            if self.directories.iter().any(|(d, _)| *d == directory) {
                continue;
            }
            // If file names provide labels, the first file creates the series.
            if directory.patterns.is_empty() {
                self.parts.metrics.add(&directory.labels);
            }
            let root = directory.root.written();
            tracing::info!(directory = ?root, "watching");
            self.parts.watches.add(root);
            let stop = self.stop.child_token();
            let (watch, found) = (directory.clone(), self.parts.found.clone());
            let watches = Arc::clone(&self.parts.watches);
            let (swept, until) = (directory.clone(), stop.clone());
            tokio::spawn(async move {
                tokio::select! {
                    () = until.cancelled() => {}
                    () = watch.run(found, watches) => {}
                    () = retention::follow(swept) => {}
                }
            });
            self.directories.push((directory, stop));
        }
    }

    /// Ends the series of a removed directory, unless another directory or target may have the same
    /// labels.
    fn forget_files(&self, gone: &Directory, wanted: &[Directory]) {
        for labels in self.parts.metrics.known() {
            let own = |d: &Directory| d.labels.iter().all(|(n, v)| labels.get(n) == v);
            let of = |d: &Directory| match d.patterns.is_empty() {
                true => *d.labels == labels,
                false => own(d),
            };
            let is_target = self.targets.keys().any(|(t, _)| *t.labels == labels);
            if of(gone) && !is_target && !wanted.iter().any(of) {
                self.parts.pipeline.forget(&labels);
            }
        }
    }

    fn capture(&mut self) {
        let wanted = self.wanted();
        self.targets.retain(|running, stop| {
            let stays = wanted.contains(running);
            if !stays {
                tracing::info!(target = %running.0.url(), labels = %running.0.labels, "target removed");
                self.parts.table.remove(&running.0);
                stop.cancel();
            }
            stays
        });
        // Shards use fixed times within the interval, so only a single daemon may start at once.
        let alone = wanted.len() == 1 && self.shard == Shard::default();
        for new in wanted {
            if self.targets.contains_key(&new) {
                continue;
            }
            let (target, options) = &new;
            let interval = options.interval;
            self.parts.metrics.add_scraped(&target.labels, interval);
            self.parts.table.add(target, options);
            tracing::info!(target = %target.url(), labels = %target.labels, "scraping");
            let stop = self.stop.child_token();
            self.follow(target, options, alone, stop.clone());
            self.targets.insert(new, stop);
        }
    }

    /// Captures or streams a target until `stop`.
    fn follow(
        &mut self,
        target: &Target,
        options: &Arc<Options>,
        alone: bool,
        stop: CancellationToken,
    ) {
        let scraper = Scraper::new(Arc::clone(options));
        let Parts {
            pipeline,
            metrics,
            memory,
            table,
            ..
        } = &self.parts;
        let (pipeline, metrics) = (Arc::clone(pipeline), Arc::clone(metrics));
        let (memory, table) = (memory.clone(), Arc::clone(table));
        let (target, labels) = (target.clone(), Arc::clone(&target.labels));
        match options.mode {
            Mode::Scrape => {
                let captures = Captures {
                    scraper,
                    pipeline,
                    metrics,
                    table,
                    memory,
                    asking: Arc::clone(&self.asking),
                    reading: Arc::clone(&self.capture_permits),
                    last_peak: AtomicU64::new(0),
                };
                self.captures.spawn(async move {
                    captures.follow(target, alone, stop).await;
                    labels
                });
            }
            Mode::Stream => {
                let parts = stream::Parts {
                    pipeline,
                    metrics,
                    table,
                };
                let streams = Streams {
                    scraper,
                    parts,
                    memory,
                    asking: Arc::clone(&self.asking),
                    permits: Arc::clone(&self.stream_permits),
                };
                self.captures.spawn(async move {
                    streams.follow(target, stop).await;
                    labels
                });
            }
        }
    }

    /// Ends the series of a target after its last capture.
    fn ended(&self, labels: Option<Arc<Labels>>) {
        let Some(labels) = labels else { return };
        let watched = self.directories.iter().any(|(d, _)| d.labels == labels);
        if !watched && !self.targets.keys().any(|(t, _)| t.labels == labels) {
            self.parts.pipeline.forget(&labels);
        }
    }
}
