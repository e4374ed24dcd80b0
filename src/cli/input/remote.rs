//! Traces that are captured from a running program.

use std::io::{self, Read, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use gotracer::labels::Labels;
use gotracer::source::scrape::{Options, ScrapeError, Target, capture};
use gotracer::source::{self, Limits};
use gotracer::trace::Input;

use crate::cli::messages::{complain, complain_of};
use crate::cli::output::Output;

/// Program to capture a trace of.
#[derive(Clone, Debug)]
pub(crate) struct Remote {
    target: Target,
    options: Options,
    /// Whether an interrupt ends the capture instead of the process.
    pub(crate) interruptible: bool,
    /// File to save the raw trace to.
    pub(crate) save: Option<PathBuf>,
    /// Whether saving failed; the error has been printed.
    pub(crate) unsaved: Arc<AtomicBool>,
}

/// Reports whether an argument is the URL of a program.
pub(crate) fn is_url(argument: &str) -> bool {
    ["http://", "https://", "unix:/"]
        .iter()
        .any(|scheme| argument.starts_with(scheme))
}

impl Remote {
    /// Creates a capture of the program at an address such as `localhost:6060`.
    pub(crate) fn new(url: &str, options: Options) -> anyhow::Result<Self> {
        Ok(Self {
            target: Target::at(url, Labels::new())?,
            options,
            interruptible: false,
            save: None,
            unsaved: Arc::default(),
        })
    }

    /// Returns the source's name in the report.
    pub(crate) fn name(&self) -> String {
        self.target.url().to_string()
    }

    /// Returns the duration of the capture.
    pub(crate) fn lasts(&self) -> Duration {
        Duration::from_secs(self.options.seconds.into())
    }

    /// Starts the capture.
    pub(crate) fn open(&self, limits: &Limits) -> io::Result<Input<'static>> {
        let running = capture(
            self.target.clone(),
            self.options.clone(),
            self.interruptible,
        );
        let running = running.map_err(|error| explained(&error))?;
        if let Some(why) = running.profile_refused() {
            complain("warning", &format!("no CPU samples: {why}"));
        }
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

/// Copies everything that is read to a file. The rest of the stream is copied on drop, so the file is complete even if
/// the analysis stops early.
struct Tee<R: Read> {
    reader: R,
    /// `None` after a failed write.
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
            // The analysis continues without the copy.
            self.finish(kept);
        }
        Ok(n)
    }
}

impl<R: Read> Drop for Tee<R> {
    fn drop(&mut self) {
        if let Some(mut kept) = self.kept.take() {
            // The reader has already reported an error of the response.
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
