//! Traces that come from a running program.

use std::io::{self, Read, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use gotracer::labels::Labels;
use gotracer::source::scrape::{Options, ScrapeError, Target, capture};
use gotracer::source::{self, Limits};
use gotracer::trace::Input;

use super::complain_of;
use super::output::Output;

/// A program to capture.
#[derive(Clone, Debug)]
pub struct Remote {
    target: Target,
    options: Options,
    /// An interrupt ends the capture, not the program.
    pub interruptible: bool,
    /// Where to keep the trace.
    pub save: Option<PathBuf>,
    /// Whether keeping it failed, which was said then.
    pub unsaved: Arc<AtomicBool>,
}

/// Whether an argument names a program and no file.
pub fn is_url(argument: &str) -> bool {
    argument.starts_with("http://") || argument.starts_with("https://")
}

impl Remote {
    /// The program at an address as people write it, such as `localhost:6060`.
    pub fn new(url: &str, options: Options) -> anyhow::Result<Self> {
        Ok(Self {
            target: Target::at(url, Labels::new())?,
            options,
            interruptible: false,
            save: None,
            unsaved: Arc::default(),
        })
    }

    /// Its name in the report.
    pub fn name(&self) -> String {
        self.target.url().to_string()
    }

    /// How long the capture takes.
    pub fn lasts(&self) -> Duration {
        Duration::from_secs(self.options.seconds.into())
    }

    /// Captures it.
    pub fn open(&self, limits: &Limits) -> io::Result<Input<'static>> {
        let running = capture(
            self.target.clone(),
            self.options.clone(),
            self.interruptible,
        );
        let running = running.map_err(|error| explained(&error))?;
        let save = self.save.as_deref().map(Output::growing);
        match save.transpose().map_err(io::Error::other)? {
            None => source::from_reader(running, limits),
            Some(kept) => source::from_reader(
                Tee {
                    reader: running,
                    kept: Some(kept),
                    unsaved: Arc::clone(&self.unsaved),
                },
                limits,
            ),
        }
    }
}

fn explained(error: &ScrapeError) -> io::Error {
    io::Error::other(match error.advice() {
        Some(advice) => format!("{error}; {advice}"),
        None => error.to_string(),
    })
}

/// Keeps what is read, to the end: even if nobody wants to read on.
struct Tee<R: Read> {
    reader: R,
    /// None if it can't be written.
    kept: Option<Output>,
    unsaved: Arc<AtomicBool>,
}

impl<R: Read> Read for Tee<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.reader.read(buf)?;
        if let Some(kept) = &mut self.kept
            && kept.write_all(&buf[..n]).is_err()
            && let Some(kept) = self.kept.take()
        {
            // The analysis goes on.
            self.finish(kept);
        }
        Ok(n)
    }
}

impl<R: Read> Drop for Tee<R> {
    fn drop(&mut self) {
        if let Some(mut kept) = self.kept.take() {
            // Why the answer broke off was told when it was read.
            let _ = io::copy(&mut self.reader, &mut kept);
            if !kept.is_empty() {
                self.finish(kept);
            }
        }
    }
}

impl<R: Read> Tee<R> {
    fn finish(&self, kept: Output) {
        match kept.finish() {
            Ok(written) => written.tell(""),
            Err(error) => {
                complain_of(&error);
                self.unsaved.store(true, Ordering::Relaxed);
            }
        }
    }
}
