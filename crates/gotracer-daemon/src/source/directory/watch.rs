//! Follows a watched directory and queues each trace once it is complete.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::changes::{Batch, Change};
use super::look::{Found, Looker, Sight};
use super::pattern::Namer;
use super::settle::{Fate, Settler};
use super::trace::Answer;
use super::watches::{Health, Watches};
use super::{After, Directory, FileTrace};

/// Interval of checks that the path still leads to the same directory: changing
/// a symbolic link on the way to it causes no event.
const ROOT_PERIOD: Duration = Duration::from_secs(1);
/// Duration after which a scan counts as hanging.
const LOOK_TIMEOUT: Duration = Duration::from_secs(60);

/// Least time between scans of a file system that changes all the time.
const LEAST_SLEEP: Duration = Duration::from_millis(10);

/// Watch of one directory.
pub(super) struct Watch {
    directory: Directory,
    queue: UnboundedSender<FileTrace>,
    watches: Arc<Watches>,
    settler: Settler,
    namer: Namer,
    answers: (UnboundedSender<Answer>, UnboundedReceiver<Answer>),
    /// Time of the last full scan.
    scanned: Option<Instant>,
    down: bool,
}

impl Watch {
    /// Sends complete traces to `queue`, and the directory's health to `watches`.
    pub(super) fn new(
        directory: Directory,
        queue: UnboundedSender<FileTrace>,
        watches: Arc<Watches>,
    ) -> Self {
        Self {
            settler: Settler::new(directory.settle, directory.incomplete_after),
            namer: Namer::new(directory.patterns.clone(), Arc::clone(&directory.labels)),
            directory,
            queue,
            watches,
            answers: unbounded_channel(),
            scanned: None,
            down: false,
        }
    }

    /// Runs until the queue is closed.
    pub(super) async fn run(mut self) {
        let (root, after) = (Arc::clone(&self.directory.root), self.directory.after);
        let polls = self.directory.poll.is_some();
        let mut looker = Looker::new(root, after == After::Move, polls);
        let mut batch = Batch::default();
        while !self.queue.is_closed() {
            let due = self.until_scan().is_zero() || batch.rescan || self.down;
            let files = std::mem::take(&mut batch.files);
            let (back, sight) = self.look(looker, due, files).await;
            looker = back;
            match sight {
                Ok(sight) => {
                    self.up();
                    self.apply(sight);
                }
                Err(error) => self.is_down(&error.to_string()),
            }
            self.hand_on();
            batch = self.wait(&looker).await;
            if batch.root_gone {
                looker.changes = None;
            }
        }
    }

    /// Scans on another thread. A hanging scan makes the directory unhealthy.
    async fn look(
        &mut self,
        mut looker: Looker,
        everything: bool,
        files: HashMap<PathBuf, Change>,
    ) -> (Looker, io::Result<Sight>) {
        let (root, after) = (Arc::clone(&self.directory.root), self.directory.after);
        let polls = self.directory.poll.is_some();
        let mut look = tokio::task::spawn_blocking(move || {
            let sight = looker.look(everything, files);
            (looker, sight)
        });
        let looked = loop {
            match tokio::time::timeout(LOOK_TIMEOUT, &mut look).await {
                Ok(looked) => break looked,
                Err(_) => self.is_down("the file system does not answer"),
            }
        };
        looked.unwrap_or_else(|panicked| {
            let looker = Looker::new(root, after == After::Move, polls);
            (looker, Err(io::Error::other(panicked)))
        })
    }

    fn apply(&mut self, sight: Sight) {
        let now = Instant::now();
        match sight {
            Sight::Everything(found) => {
                self.settler.saw_all(found, now);
                self.scanned = Some(now);
            }
            Sight::Files(files) => {
                for (path, change, found) in files {
                    match found {
                        Found::There(stamp) => {
                            self.settler.saw(path.clone(), stamp, now);
                            match change {
                                Change::Written => self.settler.written(&path),
                                Change::Finished => self.settler.finished(&path),
                                Change::Touched => self.settler.touched(&path, now),
                                Change::Gone => {}
                            }
                        }
                        Found::Gone => self.settler.gone(&path),
                        Found::Unknown => {}
                    }
                }
            }
        }
    }

    fn hand_on(&mut self) {
        for ready in self.settler.take_ready(Instant::now()) {
            let trace = FileTrace {
                root: Arc::clone(&self.directory.root),
                labels: self.namer.labels(&ready.path),
                after: self.directory.after,
                below: ready.path,
                stamp: ready.stamp,
                is_final: ready.is_final,
                tries: ready.tries,
                pushed: None,
                answers: self.answers.0.clone(),
            };
            if self.queue.send(trace).is_err() {
                return;
            }
        }
        let incomplete = self.settler.incomplete() as u64;
        self.note(|health| health.incomplete = incomplete);
    }

    fn answer(&mut self, answer: &Answer) {
        let Answer { below, stamp, fate } = answer;
        let now = Instant::now();
        self.settler.answer(below, *stamp, *fate, now);
        if *fate == Fate::Retry {
            self.note(|health| health.retries += 1);
        }
    }

    /// Waits for events, answers, or the time of the next scan.
    async fn wait(&mut self, looker: &Looker) -> Batch {
        let now = Instant::now();
        let settling: Vec<PathBuf> = self.settler.settling().map(Path::to_path_buf).collect();
        let mut sleep = self.until_scan();
        if self.down || self.directory.poll.is_none() {
            sleep = sleep.min(ROOT_PERIOD);
        }
        if !settling.is_empty() {
            sleep = sleep.min(self.directory.settle / 4);
        }
        if let Some(ready) = self.settler.next_ready(now) {
            sleep = sleep.min(ready);
        }
        let happened = async {
            match &looker.changes {
                Some(changes) => changes.wait().await,
                None => std::future::pending().await,
            }
        };
        let answer = tokio::select! {
            () = happened => None,
            answer = self.answers.1.recv() => answer,
            () = tokio::time::sleep(sleep.max(LEAST_SLEEP)) => None,
        };
        if let Some(answer) = answer {
            self.answer(&answer);
        }
        while let Ok(answer) = self.answers.1.try_recv() {
            self.answer(&answer);
        }
        let changes = looker.changes.as_ref();
        let mut batch = changes.map(|changes| changes.take()).unwrap_or_default();
        for path in settling {
            batch.files.entry(path).or_insert(Change::Touched);
        }
        batch
    }

    /// Returns the time until the next full scan.
    fn until_scan(&self) -> Duration {
        let period = self.directory.poll.unwrap_or(self.directory.rescan);
        let since = self.scanned.map_or(period, |at| at.elapsed());
        period.saturating_sub(since)
    }

    fn up(&mut self) {
        if self.down {
            let directory = self.directory.root.written();
            tracing::info!(?directory, "directory is back");
            self.note(|health| health.down = None);
        }
        self.down = false;
    }

    fn is_down(&mut self, why: &str) {
        if !self.down {
            let directory = self.directory.root.written();
            tracing::error!(?directory, error = why, "cannot look into directory");
        }
        self.down = true;
        self.note(|health| health.down = Some(why.into()));
    }

    fn note(&self, note: impl FnOnce(&mut Health)) {
        self.watches.note(self.directory.root.written(), note);
    }
}
