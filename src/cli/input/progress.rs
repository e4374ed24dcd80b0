//! Progress bar on standard error for operations of more than a second.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use gotracer::trace::Stats;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::cli::input::Source;

/// Time after which the bar appears.
const PATIENCE: Duration = Duration::from_secs(1);

/// Progress of all traces of a run.
pub(crate) struct Progress {
    bar: ProgressBar,
    started: Instant,
    shown: AtomicBool,
}

impl Progress {
    /// Creates a bar, which is drawn only if `wanted` and on a terminal.
    pub(crate) fn new(wanted: bool) -> Self {
        let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::hidden());
        let style = "{bar:30} {bytes} of {total_bytes}, {bytes_per_sec}";
        if let Ok(style) = ProgressStyle::with_template(style) {
            bar.set_style(style);
        }
        Self {
            bar,
            started: Instant::now(),
            shown: AtomicBool::new(!wanted),
        }
    }

    /// Shows bytes and time instead of a bar, because the length of the input is unknown. `lasts` is the duration of a
    /// capture.
    pub(crate) fn unbounded(&self, lasts: Option<Duration>) {
        let style = match lasts {
            Some(lasts) => format!("{{elapsed}} of {}s, {{bytes}}", lasts.as_secs()),
            None => "{bytes} in {elapsed}, {bytes_per_sec}".into(),
        };
        if let Ok(style) = ProgressStyle::with_template(&style) {
            self.bar.set_style(style);
        }
    }

    /// Adds to the expected number of bytes.
    pub(crate) fn expect(&self, bytes: u64) {
        self.bar.inc_length(bytes);
    }

    /// Adds to the number of bytes read.
    pub(crate) fn advance(&self, bytes: u64) {
        self.bar.inc(bytes);
        let late = self.started.elapsed() > PATIENCE;
        if late && !self.shown.swap(true, Ordering::Relaxed) {
            self.bar.set_draw_target(ProgressDrawTarget::stderr());
        }
    }

    /// Returns a callback for the reader's statistics of a source whose size is already expected.
    pub(crate) fn follow(&self, source: &Source) -> impl FnMut(Stats) {
        let (mut read, mut known) = (0, source.size());
        move |stats: Stats| {
            // Decompressed bytes exceed the file's size.
            self.expect(stats.total_bytes.saturating_sub(known));
            self.advance(stats.bytes.saturating_sub(read));
            (read, known) = (stats.bytes, known.max(stats.total_bytes));
        }
    }

    /// Removes the bar.
    pub(crate) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}
