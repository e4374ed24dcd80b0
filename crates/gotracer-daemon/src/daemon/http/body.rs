//! Request and answer bodies that move at the client's pace.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use http_body_util::BodyExt;
use hyper::Request;
use hyper::body::{Body, Bytes, Frame, Incoming, SizeHint};
use hyper::header::EXPECT;
use tokio::time::{Instant, timeout, timeout_at};

use super::connections::InFlight;
use super::pace::Pace;
use crate::daemon::permits;

/// Maximum number of bytes passed to hyper at once. Bytes that it has not sent yet take memory that
/// no budget counts.
const PIECE: usize = 16 << 10;
/// Size of the first part of a body, bytes.
const HEAD: usize = 16 << 10;
/// Maximum number of bytes read from a request that is refused.
const DISCARDED: u64 = 1 << 20;
/// Time that a refused request gets to arrive.
const PARTING: Duration = Duration::from_secs(2);

/// Maximum number of bytes read after the answer to a request that is refused.
const LINGERED: u64 = 64 << 20;
/// Longest time to read them.
const LINGER: Duration = Duration::from_secs(5);

/// Body of a request. If it is dropped before its end, the rest is read for a while: closing the
/// connection with unread bytes would reset it before the client has read the answer.
pub(super) struct Upload<'r> {
    /// Body, unless it ended or failed.
    body: Option<Incoming>,
    /// Whether reading began. Before that, a client may wait for `100 Continue`.
    begun: bool,
    request: &'r InFlight,
    pace: Pace,
    /// Time at which the server last stopped waiting for the client.
    left: Instant,
}

/// Reason why a body is incomplete.
#[derive(Debug, thiserror::Error)]
pub(super) enum BodyError {
    /// The client sends too slowly.
    #[error("the body comes too slowly")]
    Slow,
    /// The body exceeds the limit.
    #[error("the body has more than {0} bytes")]
    TooLarge(u64),
    /// The connection failed.
    #[error("the body breaks off: {0}")]
    Broken(hyper::Error),
}

impl<'r> Upload<'r> {
    /// Wraps the body of a request.
    pub(super) fn new(body: Incoming, request: &'r InFlight) -> Self {
        let now = Instant::now();
        Self {
            body: Some(body),
            begun: false,
            request,
            pace: Pace::new(now),
            left: now,
        }
    }

    /// Waits for the next bytes; `None` is the end.
    ///
    /// # Errors
    /// If the client is too slow or disconnected.
    pub(super) async fn next(&mut self) -> Result<Option<Bytes>, BodyError> {
        let Some(body) = &mut self.body else {
            return Ok(None);
        };
        self.begun = true;
        self.pace.excuse(self.left.elapsed());
        let deadline = self.pace.deadline();
        self.request.waits(deadline);
        let frame = timeout_at(deadline, body.frame()).await;
        self.request.works();
        self.left = Instant::now();
        let frame = match frame {
            Ok(Some(Ok(frame))) => frame,
            ended => {
                self.body = None;
                return match ended {
                    Ok(None) => Ok(None),
                    Ok(Some(Err(error))) => Err(BodyError::Broken(error)),
                    _ => Err(BodyError::Slow),
                };
            }
        };
        let bytes = frame.into_data();
        let bytes = bytes.unwrap_or_default();
        self.pace.moved(self.left, bytes.len());
        Ok(Some(bytes))
    }

    /// Returns the first bytes, or all of a small body. They need no permit, so that clients that
    /// stall after a few bytes hold none.
    ///
    /// # Errors
    /// If the client is too slow or disconnected.
    pub(super) async fn head(&mut self) -> Result<Vec<u8>, BodyError> {
        let mut head = Vec::new();
        while head.len() < HEAD
            && let Some(bytes) = self.next().await?
        {
            head.extend_from_slice(&bytes);
        }
        Ok(head)
    }

    /// Returns the whole body, which begins with `head`.
    ///
    /// # Errors
    /// If the body has more than `limit` bytes, or the client is too slow or disconnected.
    pub(super) async fn collect(mut self, head: Vec<u8>, limit: u64) -> Result<Vec<u8>, BodyError> {
        let mut all = head;
        while let Some(bytes) = self.next().await? {
            if (all.len() + bytes.len()) as u64 > limit {
                return Err(BodyError::TooLarge(limit));
            }
            all.extend_from_slice(&bytes);
        }
        Ok(all)
    }
}

impl Drop for Upload<'_> {
    fn drop(&mut self) {
        if let Some(body) = self.body.take_if(|_| self.begun) {
            tokio::spawn(linger(body));
        }
    }
}

/// Reads the rest of a body while its request is answered.
async fn linger(mut body: Incoming) {
    let mut left = LINGERED;
    let rest = async {
        while left > 0
            && let Some(Ok(frame)) = body.frame().await
        {
            let bytes = frame.data_ref().map_or(0, Bytes::len);
            left = left.saturating_sub(bytes as u64);
        }
    };
    let _ = timeout(LINGER, rest).await;
}

/// Reads the body of a request that is refused unseen. A small body is read before the answer: many
/// clients read the answer only after they have sent everything.
pub(super) async fn discard(request: Request<Incoming>, in_flight: &InFlight) {
    let (head, body) = request.into_parts();
    // A client that sends `Expect: 100-continue` has not sent the body, and reading would request
    // it.
    if head.headers.contains_key(EXPECT) {
        return;
    }
    if body.size_hint().lower() > DISCARDED {
        tokio::spawn(linger(body));
        return;
    }
    let all = Upload::new(body, in_flight).collect(Vec::new(), DISCARDED);
    let _ = timeout(PARTING, all).await;
}

/// Body of an answer. Dropping it ends the request.
pub(super) struct Answer<B> {
    body: B,
    /// Bytes that the body produced and hyper did not take yet.
    rest: Bytes,
    pace: Pace,
    request: InFlight,
    /// Number of bytes that the client has to read, or the time since which the server waits for
    /// it.
    turn: Waiting,
    _held: Option<permits::Permit>,
}

/// Side that the answer waits for.
enum Waiting {
    Client(usize),
    Server(Instant),
}

impl<B> Answer<B> {
    /// Wraps the body of an answer to this request. The permit is held until the answer ends.
    pub(super) fn new(body: B, request: InFlight, held: Option<permits::Permit>) -> Self {
        let now = Instant::now();
        Self {
            body,
            rest: Bytes::new(),
            pace: Pace::new(now),
            request,
            turn: Waiting::Server(now),
            _held: held,
        }
    }
}

impl<B: Body<Data = Bytes> + Unpin> Body for Answer<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let this = &mut *self;
        let now = Instant::now();
        match this.turn {
            Waiting::Client(handed) => this.pace.moved(now, handed),
            Waiting::Server(since) => this.pace.excuse(now - since),
        }
        this.turn = Waiting::Server(now);
        this.request.works();
        if this.rest.is_empty() {
            match ready!(Pin::new(&mut this.body).poll_frame(cx)) {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(bytes) => this.rest = bytes,
                    Err(other) => return Poll::Ready(Some(Ok(other))),
                },
                other => return Poll::Ready(other),
            }
        }
        let piece = this.rest.split_to(this.rest.len().min(PIECE));
        this.turn = Waiting::Client(piece.len());
        this.request.waits(this.pace.deadline());
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let (rest, body) = (self.rest.len() as u64, self.body.size_hint());
        let mut hint = SizeHint::new();
        hint.set_lower(body.lower() + rest);
        if let Some(upper) = body.upper() {
            hint.set_upper(upper + rest);
        }
        hint
    }
}
