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
    let cores = || thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let workers = jobs
        .map_or_else(cores, NonZeroUsize::get)
        .min(sources.len());
    progress.expect(sources.iter().map(Source::size).sum());
    let next = AtomicUsize::new(0);
    let results = Mutex::new(Vec::with_capacity(sources.len()));
    thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                while let Some((i, source)) = take(sources, &next) {
                    let result = one(source, settings, progress);
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

fn take<'a>(sources: &'a [Source], next: &AtomicUsize) -> Option<(usize, &'a Source)> {
    let i = next.fetch_add(1, Ordering::Relaxed);
    Some((i, sources.get(i)?))
}

fn one(source: &Source, settings: &Settings, progress: &Progress) -> Result {
    let input = source.open().map_err(|error| ReadError {
        kind: ErrorKind::Io(error),
        offset: 0,
        generation: None,
        lost_bytes: 0,
    })?;
    let (mut read, mut known) = (0, source.size());
    analysis::analyze(input, &source.name(), settings, |stats| {
        progress.expect(stats.total_bytes.saturating_sub(known));
        progress.advance(stats.bytes.saturating_sub(read));
        (read, known) = (stats.bytes, known.max(stats.total_bytes));
    })
}
