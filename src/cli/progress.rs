//! A bar on standard error for what takes longer than a second.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use gotracer::trace::Stats;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::inputs::Source;

/// From here on a wait wants an explanation.
const PATIENCE: Duration = Duration::from_secs(1);

/// How far all traces of a call are read together.
pub struct Progress {
    bar: ProgressBar,
    started: Instant,
    shown: AtomicBool,
}

impl Progress {
    /// Never draws if it is not `wanted`, nor where there is no terminal.
    pub fn new(wanted: bool) -> Self {
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

    /// Shows bytes and time instead of a bar, because the length of the input is unknown. A capture `lasts` as long as
    /// it was asked to.
    pub fn unbounded(&self, lasts: Option<Duration>) {
        let style = match lasts {
            Some(lasts) => format!("{{elapsed}} of {}s, {{bytes}}", lasts.as_secs()),
            None => "{bytes} in {elapsed}, {bytes_per_sec}".into(),
        };
        if let Ok(style) = ProgressStyle::with_template(&style) {
            self.bar.set_style(style);
        }
    }

    /// Bytes that will have to be read, as far as is known.
    pub fn expect(&self, bytes: u64) {
        self.bar.inc_length(bytes);
    }

    /// So many more bytes were read.
    pub fn advance(&self, bytes: u64) {
        self.bar.inc(bytes);
        let late = self.started.elapsed() > PATIENCE;
        if late && !self.shown.swap(true, Ordering::Relaxed) {
            self.bar.set_draw_target(ProgressDrawTarget::stderr());
        }
    }

    /// Takes what was read of a source, which is expected already, time and
    /// again.
    pub fn follow(&self, source: &Source) -> impl FnMut(Stats) {
        let (mut read, mut known) = (0, source.size());
        move |stats: Stats| {
            // A compressed file turns out longer.
            self.expect(stats.total_bytes.saturating_sub(known));
            self.advance(stats.bytes.saturating_sub(read));
            (read, known) = (stats.bytes, known.max(stats.total_bytes));
        }
    }

    /// Takes the bar away.
    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }
}
