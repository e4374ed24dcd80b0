//! Analyzes several traces in parallel.

use std::any::Any;
use std::collections::BTreeMap;
use std::io;
use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{self, Receiver};
use std::sync::{Mutex, PoisonError};
use std::thread;

use gotracer::analysis::{Outcome, analyze_all};
use gotracer::rules::Settings;
use gotracer::trace::{ErrorKind, ReadError};

use crate::cli::input::progress::Progress;
use crate::cli::input::{self, Source};

/// One trace of a source.
pub(crate) struct Analyzed {
    /// Its name: the source's, with a number if the source has several traces.
    pub(crate) name: String,
    /// Its report, or the error that prevented one.
    pub(crate) result: Result<Outcome, ReadError>,
}

/// Results that each worker may have waiting, in memory, behind one slow trace.
const AHEAD: usize = 8;

/// Settings and resources of a parallel analysis.
#[derive(Clone, Copy)]
pub(crate) struct Batch<'a> {
    /// Returns the rule settings for a source.
    pub(crate) settings: &'a (dyn Fn(&Source) -> &'a Settings + Sync),
    /// Traces to analyze at a time; by default, one per core.
    pub(crate) jobs: Option<NonZeroUsize>,
    pub(crate) progress: &'a Progress,
}

impl Batch<'_> {
    /// Analyzes all sources and calls `deliver` for each trace, in the order of the sources. The number of results in
    /// memory is bounded by [`AHEAD`] per worker.
    ///
    /// # Errors
    /// The first error of `deliver`; the remaining sources are not analyzed.
    pub(crate) fn analyze(
        &self,
        sources: &[Source],
        mut deliver: impl FnMut(&Source, Analyzed) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let mut deliver = |source, traces: Vec<_>| -> anyhow::Result<()> {
            traces
                .into_iter()
                .try_for_each(|trace| deliver(source, trace))
        };
        let cores = thread::available_parallelism().map_or(1, NonZeroUsize::get);
        let jobs = self.jobs.map_or(cores, NonZeroUsize::get);
        let workers = jobs.min(sources.len());
        let memory = input::memory(workers);
        // Cores without a trace of their own run the second thread of another trace.
        let two_threads = 2 * workers <= jobs;
        let sizes = sources.iter().map(Source::size);
        self.progress.expect(sizes.sum());
        if let Some(source) = sources.iter().find(|source| source.is_unbounded()) {
            self.progress.unbounded(source.lasts());
        }
        if workers == 1 {
            // Starting a worker takes as long as reading a small trace.
            for source in sources {
                deliver(source, self.one(source, memory, two_threads))?;
            }
            return Ok(());
        }
        let (work, taken) = mpsc::channel();
        let (done, results) = mpsc::channel();
        let taken = Mutex::new(taken);
        let mut left = 0..sources.len();
        thread::scope(|scope| {
            for _ in 0..workers {
                let (done, taken) = (done.clone(), &taken);
                scope.spawn(move || {
                    while let Some(i) = take(taken) {
                        let result = self.one(&sources[i], memory, two_threads);
                        if done.send((i, result)).is_err() {
                            return;
                        }
                    }
                });
            }
            // Dropping either channel ends the workers.
            let (work, results) = (work, results);
            for i in left.by_ref().take(workers * AHEAD) {
                let _ = work.send(i);
            }
            let mut early = BTreeMap::new();
            for (i, source) in sources.iter().enumerate() {
                let result = loop {
                    if let Some(result) = early.remove(&i) {
                        break result;
                    }
                    let Ok((i, result)) = results.recv() else {
                        return Ok(());
                    };
                    early.insert(i, result);
                };
                if let Some(i) = left.next() {
                    let _ = work.send(i);
                }
                deliver(source, result)?;
            }
            Ok(())
        })
    }

    /// Analyzes one source with at most `memory` bytes. A panic becomes an error of this source; the others continue.
    fn one(&self, source: &Source, memory: u64, two_threads: bool) -> Vec<Analyzed> {
        let settings = (self.settings)(source);
        let analysis = || one(source, memory, settings, self.progress, two_threads);
        let panicked = |panic: Box<dyn Any + Send>| {
            let text = panic.downcast_ref::<String>().map(String::as_str);
            let text = text.or_else(|| panic.downcast_ref().copied());
            let text = text.unwrap_or("no message");
            unread(
                source,
                io::Error::other(format!("the analysis panicked: {text}")),
            )
        };
        catch_unwind(AssertUnwindSafe(analysis)).unwrap_or_else(panicked)
    }
}

/// Size in bytes below which a trace is read before a second thread has started.
const WORTH_A_THREAD: u64 = 256 << 10;

fn take(work: &Mutex<Receiver<usize>>) -> Option<usize> {
    let work = work.lock().unwrap_or_else(PoisonError::into_inner);
    work.recv().ok()
}

fn unread(source: &Source, error: io::Error) -> Vec<Analyzed> {
    vec![Analyzed {
        name: source.name(),
        result: Err(ReadError::new(ErrorKind::Io(error))),
    }]
}

/// Analyzes all traces of a source.
fn one(
    source: &Source,
    memory: u64,
    settings: &Settings,
    progress: &Progress,
    two_threads: bool,
) -> Vec<Analyzed> {
    let input = match source.open_within(memory) {
        Ok(input) => input,
        Err(error) => return unread(source, error),
    };
    let progress = progress.follow(source);
    let two_threads = two_threads && !(1..WORTH_A_THREAD).contains(&source.size());
    let mut traces = Vec::new();
    analyze_all(
        input,
        &source.name(),
        settings,
        two_threads,
        progress,
        |name, result| traces.push(Analyzed { name, result }),
    );
    traces
}
