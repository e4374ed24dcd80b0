//! Several traces at once, on the cores there are.

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use gotracer::analysis::{self, Outcome};
use gotracer::rules::Settings;
use gotracer::trace::{ErrorKind, ReadError};

use super::inputs::Source;
use super::progress::Progress;

/// What became of one source.
pub type Result = std::result::Result<Outcome, ReadError>;

/// Analyses all sources; the results are in their order.
pub fn analyze(
    sources: &[Source],
    settings: &Settings,
    jobs: Option<NonZeroUsize>,
    progress: &Progress,
) -> Vec<Result> {
    let cores = thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let jobs = jobs.map_or(cores, NonZeroUsize::get);
    let workers = jobs.min(sources.len());
    // Cores that would have nothing to do help with each trace.
    let two_threads = 2 * workers <= jobs;
    progress.expect(sources.iter().map(Source::size).sum());
    let next = AtomicUsize::new(0);
    let results = Mutex::new(Vec::with_capacity(sources.len()));
    thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                while let Some((i, source)) = take(sources, &next) {
                    let result = one(source, settings, progress, two_threads);
                    let mut results = results.lock().unwrap_or_else(PoisonError::into_inner);
                    results.push((i, result));
                }
            });
        }
    });
    let mut results = results.into_inner().unwrap_or_else(PoisonError::into_inner);
    results.sort_by_key(|&(i, _)| i);
    results.into_iter().map(|(_, result)| result).collect()
}

/// A shorter trace, in bytes, is read before a second thread has started.
const WORTH_A_THREAD: u64 = 256 << 10;

fn take<'a>(sources: &'a [Source], next: &AtomicUsize) -> Option<(usize, &'a Source)> {
    let i = next.fetch_add(1, Ordering::Relaxed);
    Some((i, sources.get(i)?))
}

fn one(source: &Source, settings: &Settings, progress: &Progress, two_threads: bool) -> Result {
    let input = source.open().map_err(|error| ReadError {
        kind: ErrorKind::Io(error),
        offset: 0,
        generation: None,
        lost_bytes: 0,
    })?;
    let progress = progress.follow(source);
    if two_threads && !(1..WORTH_A_THREAD).contains(&source.size()) {
        analysis::analyze_on_two_threads(input, &source.name(), settings, progress)
    } else {
        analysis::analyze(input, &source.name(), settings, progress)
    }
}
