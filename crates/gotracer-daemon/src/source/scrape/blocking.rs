//! Blocking capture for callers without an async runtime.

use std::future::pending;
use std::io::{self, Read};
use std::sync::mpsc::sync_channel;
use std::thread::{self, JoinHandle};

use tokio::runtime;

use super::{Options, Reader, ScrapeError, Scraper, Target};

/// Capture that is read while it is received.
pub struct Running {
    reader: Reader,
    profile_refused: Option<String>,
    /// Thread that feeds the reader; returns the error if the response broke off.
    feed: Option<JoinHandle<Result<(), ScrapeError>>>,
}

/// Captures a target once. With `interruptible`, the first interrupt of the
/// terminal ends the capture, and the bytes received so far can still be read;
/// the second one ends the program.
///
/// # Errors
/// If the target does not respond with a trace.
pub fn capture(
    target: Target,
    options: Options,
    interruptible: bool,
) -> Result<Running, ScrapeError> {
    let runtime = runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|e| ScrapeError::Unreachable(e.to_string()))?;
    let (tell, opened) = sync_channel(1);
    let feed = thread::spawn(move || {
        runtime.block_on(async {
            let interrupted = async {
                match interruptible {
                    true => drop(tokio::signal::ctrl_c().await),
                    false => pending().await,
                }
            };
            tokio::pin!(interrupted);
            let seconds = options.seconds;
            let scraper = Scraper::new(options);
            let opened = tokio::select! {
                opened = scraper.open(&target, seconds) => opened,
                () = &mut interrupted => Err(ScrapeError::BrokeOff("interrupted before it began".into())),
            };
            let (reader, feed) = match opened {
                Ok(capture) => {
                    let refused = capture.profile_refused().map(str::to_owned);
                    let (reader, feed) = capture.split();
                    ((reader, refused), feed)
                }
                Err(error) => {
                    // The caller waits for this message.
                    let _ = tell.send(Err(error));
                    return Ok(());
                }
            };
            let _ = tell.send(Ok(reader));
            tokio::select! {
                ended = feed => ended,
                () = &mut interrupted => {
                    thread::spawn(end_at_next_interrupt);
                    Ok(())
                }
            }
        })
    });
    match opened.recv() {
        Ok(opened) => {
            let (reader, profile_refused) = opened?;
            Ok(Running {
                reader,
                profile_refused,
                feed: Some(feed),
            })
        }
        Err(_) => Err(ScrapeError::Unreachable("the capture panicked".into())),
    }
}

/// Exit code after an interrupt, as shells report it.
const INTERRUPTED: i32 = 130;

#[expect(
    clippy::disallowed_methods,
    reason = "as without a handler: the second interrupt ends the process at once"
)]
fn end_at_next_interrupt() {
    let runtime = runtime::Builder::new_current_thread().enable_all().build();
    let interrupted = runtime.and_then(|r| r.block_on(tokio::signal::ctrl_c()));
    if interrupted.is_ok() {
        std::process::exit(INTERRUPTED);
    }
}

impl Running {
    /// Returns why there is no CPU profile beside the trace, if one was requested
    /// and refused.
    pub fn profile_refused(&self) -> Option<&str> {
        self.profile_refused.as_deref()
    }
}

impl Read for Running {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.reader.read(buf)?;
        if n > 0 || buf.is_empty() {
            return Ok(n);
        }
        match self.feed.take().map(JoinHandle::join) {
            None | Some(Ok(Ok(()))) => Ok(0),
            Some(Ok(Err(error))) => Err(io::Error::other(error)),
            Some(Err(_)) => Err(io::Error::other("the capture panicked")),
        }
    }
}
