//! One capture: request, check of the response, and transfer of its body.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::BodyExt;
use hyper::body::{Bytes, Incoming};
use hyper::header::HeaderMap;
use hyper::{Response, StatusCode};
use tokio::sync::mpsc::Sender;
use tokio::time::{Instant, timeout_at};

use super::cpu_profile::CpuProfile;
use super::feed::{Reader, pipe_after};
use super::gathered::Gathered;
use super::{Options, ScrapeError, Target};
use crate::cause::deepest;
use crate::source::http::explain;
use crate::trace::internal::Share;

/// Least timeout between two chunks of a stream. An idle program writes some
/// hundred bytes per second, and its server buffers 4 KiB.
const STALLED: Duration = Duration::from_secs(30);

/// Client for traces of targets.
#[derive(Clone)]
pub struct Scraper {
    /// Shared by the targets of a job.
    options: Arc<Options>,
}

/// Trace whose response has begun.
pub struct Capture {
    body: Incoming,
    /// First chunk, if it was received.
    first: Option<Bytes>,
    patience: Patience,
    /// Maximum number of bytes, and how many of them are left.
    limit: u64,
    left: u64,
    /// What was received and not read, and how the body ended if it did.
    gathered: Gathered,
    end: Option<Result<(), ScrapeError>>,
    /// CPU profile beside the trace, or why there is none, if one was requested.
    profile: Option<Result<CpuProfile, String>>,
}

/// Timeout of a response.
#[derive(Clone, Copy)]
enum Patience {
    /// Deadline of the whole response, and its distance from the start.
    Whole(Instant, Duration),
    /// Timeout of each chunk.
    Piece(Duration),
}

impl Patience {
    fn deadline(self) -> Instant {
        match self {
            Self::Whole(deadline, _) => deadline,
            Self::Piece(allowed) => Instant::now() + allowed,
        }
    }

    fn error(self) -> ScrapeError {
        match self {
            Self::Whole(_, allowed) => ScrapeError::Timeout(allowed),
            Self::Piece(allowed) => ScrapeError::Stalled(allowed),
        }
    }
}

impl Scraper {
    /// Creates a client with these options.
    pub fn new(options: impl Into<Arc<Options>>) -> Self {
        Self {
            options: options.into(),
        }
    }

    /// Returns the options.
    pub fn options(&self) -> &Options {
        &self.options
    }

    /// Requests a trace of `seconds`, or as many as the target's URL has, and
    /// waits for the response's header.
    ///
    /// # Errors
    /// If there is no response, or its status is not 200.
    pub async fn open(&self, target: &Target, seconds: u32) -> Result<Capture, ScrapeError> {
        let seconds = target.seconds(seconds);
        let profile = match self.options.cpu_samples {
            true => Some(self.profile(target, seconds).await),
            false => None,
        };
        let allowed = Duration::from_secs(seconds.into()).saturating_add(self.options.timeout);
        let patience = Patience::Whole(Instant::now() + allowed, allowed);
        let body = self.ask(target, seconds, allowed).await?;
        Ok(Capture::new(body, patience, self.options.limit, profile))
    }

    /// Requests a trace of `seconds` without a size limit, to be analyzed while
    /// it is received. `refused` is called for each CPU profile that the program
    /// refuses meanwhile.
    ///
    /// # Errors
    /// If there is no response, or its status is not 200.
    pub async fn stream(
        &self,
        target: &Target,
        seconds: u32,
        refused: impl Fn() + Send + 'static,
    ) -> Result<Capture, ScrapeError> {
        // An idle program takes seconds to fill its server's buffer.
        let allowed = self.options.timeout.max(STALLED);
        let profiles = self.options.cpu_samples;
        let body = self.ask(target, seconds, allowed).await?;
        let profile = profiles.then(|| Ok(self.profiles(target, refused)));
        let patience = Patience::Piece(allowed);
        Ok(Capture::new(body, patience, u64::MAX, profile))
    }

    async fn ask(
        &self,
        target: &Target,
        seconds: u32,
        allowed: Duration,
    ) -> Result<Incoming, ScrapeError> {
        let options = &self.options;
        let deadline = Instant::now() + allowed;
        let failed = |error| ScrapeError::from_client(error, allowed);
        // Credential files may lie on a file system that hangs.
        let client = options.http.client(options.timeout, target.socket());
        let client = timeout_at(deadline, client).await;
        let client = client.map_err(|_| ScrapeError::Timeout(allowed))?;
        let client = client.map_err(failed)?;
        let (none, url) = (HeaderMap::new(), target.request(seconds));
        let answer = client.send(&options.method, url, &none, &options.body);
        // The header may come as late as the trace's end if an idle program
        // does not fill the server's buffer.
        let answer = timeout_at(deadline, answer).await;
        let answer = answer.map_err(|_| ScrapeError::Timeout(allowed))?;
        let answer = answer.map_err(failed)?;
        if answer.status() != StatusCode::OK {
            return Err(refusal(answer, deadline).await);
        }
        Ok(answer.into_body())
    }
}

impl Capture {
    fn new(
        body: Incoming,
        patience: Patience,
        limit: u64,
        profile: Option<Result<CpuProfile, String>>,
    ) -> Self {
        Self {
            body,
            first: None,
            patience,
            limit,
            left: limit,
            gathered: Gathered::default(),
            end: None,
            profile,
        }
    }

    /// Returns why there is no CPU profile beside the trace, if one was requested
    /// and refused.
    pub fn profile_refused(&self) -> Option<&str> {
        self.profile.as_ref()?.as_ref().err().map(String::as_str)
    }

    /// Returns the maximum number of bytes.
    pub fn limit(&self) -> u64 {
        self.limit
    }

    /// Returns the deadline of the next chunk.
    pub fn deadline(&self) -> Instant {
        self.patience.deadline()
    }

    /// Waits for the first chunk or the end of the body.
    ///
    /// # Errors
    /// If there is neither before the deadline.
    pub async fn begin(&mut self) -> Result<(), ScrapeError> {
        while self.first.is_none()
            && let Some(piece) = self.next().await?
        {
            self.first = Some(piece).filter(|piece| !piece.is_empty());
        }
        Ok(())
    }

    /// Returns the next chunk; `None` at the end.
    async fn next(&mut self) -> Result<Option<Bytes>, ScrapeError> {
        if let Some(first) = self.first.take() {
            return Ok(Some(first));
        }
        match timeout_at(self.patience.deadline(), self.body.frame()).await {
            Ok(None) => Ok(None),
            // A frame of trailers has no data.
            Ok(Some(Ok(frame))) => Ok(Some(frame.into_data().unwrap_or_default())),
            Ok(Some(Err(error))) => Err(ScrapeError::BrokeOff(deepest(&error))),
            Err(_) => Err(self.patience.error()),
        }
    }

    /// Receives the body into memory that counts against `share`, up to its end or until `most` bytes are held. Returns
    /// whether that is all of it. A response that is complete can be read at once, by a thread that waits for nothing.
    pub async fn gather(&mut self, most: usize, share: Share) -> bool {
        self.gathered = Gathered::new(share);
        while self.end.is_none() && self.gathered.size() < most {
            match self.next().await {
                Ok(None) => self.end = Some(Ok(())),
                Ok(Some(piece)) if self.gathered.reserve(piece.len()) => {
                    let piece = self.within_limit(piece);
                    self.gathered.add(&piece);
                }
                // The reader says that there is no memory.
                Ok(Some(piece)) => {
                    self.first = Some(piece);
                    break;
                }
                Err(error) => self.end = Some(Err(error)),
            }
        }
        self.end.is_some()
    }

    /// Returns the part of a chunk that the limit permits. The body ends with the limit.
    fn within_limit(&mut self, mut piece: Bytes) -> Bytes {
        if piece.len() as u64 > self.left {
            piece.truncate(self.left as usize);
            self.end = Some(Err(ScrapeError::TooLarge(self.limit)));
        }
        self.left -= piece.len() as u64;
        piece
    }

    /// Returns a reader and the future that feeds it. The future must run while
    /// the reader is read, and returns the error if the response broke off.
    /// Dropping the reader ends the capture.
    pub fn split(mut self) -> (Reader, impl Future<Output = Result<(), ScrapeError>> + Send) {
        let (sender, reader) = pipe_after(std::mem::take(&mut self.gathered));
        (reader, self.feed(sender))
    }

    async fn feed(mut self, sender: Sender<io::Result<Bytes>>) -> Result<(), ScrapeError> {
        let end = loop {
            if let Some(end) = self.end.take() {
                break end;
            }
            match self.next().await {
                Ok(None) => break Ok(()),
                Ok(Some(piece)) => {
                    let piece = self.within_limit(piece);
                    if sender.send(Ok(piece)).await.is_err() {
                        return Ok(());
                    }
                }
                Err(error) => break Err(error),
            }
        };
        // What exceeds the limit is missing, and the reader sees an end.
        if let Err(error) = &end
            && !matches!(error, ScrapeError::TooLarge(_))
        {
            let cause = io::Error::new(io::ErrorKind::UnexpectedEof, error.to_string());
            // The reader may have been dropped.
            let _ = sender.send(Err(cause)).await;
        }
        end
    }
}

/// Converts an error response into an error with the program's message.
async fn refusal(answer: Response<Incoming>, deadline: Instant) -> ScrapeError {
    let refusal = explain(answer, deadline).await;
    let said = |words: &str| refusal.text.contains(words);
    match refusal.status {
        StatusCode::BAD_REQUEST if said("WriteTimeout") => ScrapeError::WriteTimeout,
        StatusCode::INTERNAL_SERVER_ERROR if said("already enabled") => ScrapeError::AlreadyTracing,
        status => ScrapeError::Status {
            status,
            said: refusal.line,
        },
    }
}
