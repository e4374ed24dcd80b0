//! One capture: asking, judging the answer, and handing it on as it comes.

use std::io;
use std::time::Duration;

use http_body_util::BodyExt;
use hyper::body::{Bytes, Incoming};
use hyper::header::HeaderMap;
use hyper::{Response, StatusCode};
use tokio::sync::mpsc::Sender;
use tokio::time::{Instant, timeout_at};

use super::feed::{Reader, pipe};
use super::{Options, ScrapeError, Target};
use crate::source::http::{deepest, explain};

/// How long a stream may be silent at least: an idle program writes some
/// hundred bytes a second, and its server sends four thousand at a time.
const STALLED: Duration = Duration::from_secs(30);

/// Asks targets for traces.
#[derive(Clone)]
pub struct Scraper {
    options: Options,
}

/// A trace that began to come in.
pub struct Capture {
    body: Incoming,
    /// The first piece, if it is known.
    first: Option<Bytes>,
    patience: Patience,
    limit: u64,
}

/// How long to wait.
#[derive(Clone, Copy)]
enum Patience {
    /// Until then for all of it, which is so long from the start.
    Whole(Instant, Duration),
    /// So long for each piece.
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
    /// One with these options.
    pub fn new(options: Options) -> Self {
        Self { options }
    }

    /// Its options.
    pub fn options(&self) -> &Options {
        &self.options
    }

    /// Asks a target for a trace, until the answer begins.
    ///
    /// # Errors
    /// If there is none, or it is an error.
    pub async fn open(&self, target: &Target) -> Result<Capture, ScrapeError> {
        let seconds = target.seconds(self.options.seconds);
        let allowed = Duration::from_secs(seconds.into()).saturating_add(self.options.timeout);
        let patience = Patience::Whole(Instant::now() + allowed, allowed);
        Ok(Capture {
            body: self.ask(target, seconds, allowed).await?,
            first: None,
            patience,
            limit: self.options.limit,
        })
    }

    /// Asks a target for a trace of so many seconds that is read while it is
    /// written, however large it becomes.
    ///
    /// # Errors
    /// If there is none, or it is an error.
    pub async fn stream(&self, target: &Target, seconds: u32) -> Result<Capture, ScrapeError> {
        // A quiet program fills its server's buffer in seconds, not at once.
        let allowed = self.options.timeout.max(STALLED);
        Ok(Capture {
            body: self.ask(target, seconds, allowed).await?,
            first: None,
            patience: Patience::Piece(allowed),
            limit: u64::MAX,
        })
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
        // Files may stand on something that hangs.
        let client = timeout_at(deadline, options.http.client(options.timeout)).await;
        let client = client.map_err(|_| ScrapeError::Timeout(allowed))?;
        let client = client.map_err(failed)?;
        let (none, url) = (HeaderMap::new(), target.request(seconds));
        let answer = client.send(&options.method, url, &none, &options.body);
        // Headers may come as late as the trace's end: a quiet program does
        // not fill the server's buffer before.
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
    /// The most bytes to read.
    pub fn limit(&self) -> u64 {
        self.limit
    }

    /// When the next piece has to be there at the latest.
    pub fn deadline(&self) -> Instant {
        self.patience.deadline()
    }

    /// Waits until the body begins to come in, or ends.
    ///
    /// # Errors
    /// If it does not in time.
    pub async fn begin(&mut self) -> Result<(), ScrapeError> {
        while self.first.is_none()
            && let Some(piece) = self.next().await?
        {
            self.first = Some(piece).filter(|piece| !piece.is_empty());
        }
        Ok(())
    }

    /// The next piece; nothing at the end.
    async fn next(&mut self) -> Result<Option<Bytes>, ScrapeError> {
        if let Some(first) = self.first.take() {
            return Ok(Some(first));
        }
        match timeout_at(self.patience.deadline(), self.body.frame()).await {
            Ok(None) => Ok(None),
            // Trailers are no piece.
            Ok(Some(Ok(frame))) => Ok(Some(frame.into_data().unwrap_or_default())),
            Ok(Some(Err(error))) => Err(ScrapeError::BrokeOff(deepest(&error))),
            Err(_) => Err(self.patience.error()),
        }
    }

    /// A reader, and a future that feeds it: it must run while the other is
    /// read, and says why the answer ended early, if it did. A reader that is
    /// dropped ends the capture.
    pub fn split(self) -> (Reader, impl Future<Output = Result<(), ScrapeError>> + Send) {
        let (sender, reader) = pipe();
        (reader, self.feed(sender))
    }

    async fn feed(mut self, sender: Sender<io::Result<Bytes>>) -> Result<(), ScrapeError> {
        let mut left = self.limit;
        loop {
            let error = match self.next().await {
                Ok(None) => return Ok(()),
                Ok(Some(mut piece)) => {
                    let larger = piece.len() as u64 > left;
                    if larger {
                        piece.truncate(left as usize);
                    }
                    left -= piece.len() as u64;
                    if sender.send(Ok(piece)).await.is_err() {
                        return Ok(());
                    }
                    if larger {
                        return Err(ScrapeError::TooLarge(self.limit));
                    }
                    continue;
                }
                Err(error) => error,
            };
            let told = io::Error::new(io::ErrorKind::UnexpectedEof, error.to_string());
            // Who does not read any more need not be told.
            let _ = sender.send(Err(told)).await;
            return Err(error);
        }
    }
}

/// Why the program did not trace itself, in its own words.
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
