//! Answers of the HTTP server: whole, streamed, compressed, refused.

use std::io::{self, Read, Write};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use flate2::Compression;
use flate2::write::GzEncoder;
use http_body_util::{Either, Full};
use hyper::body::{Bytes, Frame};
use hyper::header::{
    ACCEPT, ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderValue, RETRY_AFTER,
    VARY,
};
use hyper::{Response, StatusCode};
use tokio::sync::mpsc::{Receiver, Sender, channel};

use super::body::BodyError;

/// Answer with a whole or a streamed body.
pub(super) type Reply = Response<Body>;
/// Body of an answer.
pub(super) type Body = Either<Full<Bytes>, Pieces>;

/// Body that is produced while it is sent.
pub(super) struct Pieces {
    pieces: Receiver<Piece>,
    ended: bool,
}

/// Piece of a body. The last piece is marked: hyper 1.12 may leave the connection of an HTTP/1.0
/// client open if a body ends without a byte.
enum Piece {
    More(Bytes),
    /// Last piece, with what happens before the connection takes it.
    Last(Bytes, Taken),
    Broken(io::Error),
}

/// Action when the connection takes the last piece: before the client has it, so that the
/// client's next request finds it done.
type Taken = Box<dyn FnOnce() + Send>;

/// Answer to a request that gets no permit.
pub(super) const BUSY: &str = "too many requests are being answered; try again";

/// Content type of JSON documents.
pub(super) const JSON: &str = "application/json";
/// Content type of pages.
pub(super) const HTML: &str = "text/html; charset=utf-8";

/// Size of a piece, bytes.
const PIECE: usize = 64 << 10;
/// Number of pieces of a streamed body that wait for a slow reader.
const AHEAD: usize = 4;
/// Number of pieces of a written body that wait: each of many scrapers has as many.
const WRITTEN_AHEAD: usize = 2;

/// Smallest body that is compressed, bytes.
const MIN_COMPRESSED: usize = 1 << 10;

/// Builds an answer with a body of this type.
pub(super) fn reply(
    status: StatusCode,
    content_type: &'static str,
    body: impl Into<Bytes>,
) -> Reply {
    let mut reply = of_type(content_type, Either::Left(Full::new(body.into())));
    *reply.status_mut() = status;
    reply
}

/// Builds an answer on a blocking thread.
pub(super) async fn blocking(make: impl FnOnce() -> Reply + Send + 'static) -> Reply {
    tokio::task::spawn_blocking(make)
        .await
        .unwrap_or_else(|error| {
            tracing::error!(%error, "answer failed");
            failed()
        })
}

/// Answer to a request whose handler panicked.
pub(super) fn failed() -> Reply {
    text(StatusCode::INTERNAL_SERVER_ERROR, "the answer failed")
}

/// Builds an answer whose body is read from `from` on a blocking thread while it is sent.
pub(super) fn streamed(content_type: &'static str, mut from: impl Read + Send + 'static) -> Reply {
    let (pieces, body) = channel(AHEAD);
    tokio::task::spawn_blocking(move || {
        let mut last = Bytes::new();
        loop {
            let mut buf = vec![0; PIECE];
            let piece = match from.read(&mut buf) {
                Ok(0) => Piece::Last(last.split_off(0), Box::new(|| ())),
                Ok(n) => {
                    buf.truncate(n);
                    let before = std::mem::replace(&mut last, Bytes::from(buf));
                    if before.is_empty() {
                        continue;
                    }
                    Piece::More(before)
                }
                Err(error) => Piece::Broken(error),
            };
            let more = matches!(piece, Piece::More(_));
            // The client may be gone.
            if pieces.blocking_send(piece).is_err() || !more {
                return;
            }
        }
    });
    of_type(content_type, Either::Right(Pieces::new(body)))
}

/// Builds an answer whose body is written on a blocking thread while it is sent. A body that is not
/// [finished](Written::finish) is truncated.
pub(super) fn written(
    request: &HeaderMap,
    content_type: &'static str,
    write: impl FnOnce(&mut Written) -> io::Result<()> + Send + 'static,
) -> Reply {
    let (pieces, body) = channel(WRITTEN_AHEAD);
    let mut reply = of_type(content_type, Either::Right(Pieces::new(body)));
    let sink = Sink {
        pieces,
        piece: Vec::new(),
    };
    let gzip = wants_gzip(request);
    if gzip {
        let gzip = HeaderValue::from_static("gzip");
        reply.headers_mut().insert(CONTENT_ENCODING, gzip);
    }
    let vary = HeaderValue::from_static("Accept, Accept-Encoding");
    reply.headers_mut().insert(VARY, vary);
    tokio::task::spawn_blocking(move || {
        let mut body = match gzip {
            true => Written::Gzip(GzEncoder::new(sink, Compression::fast())),
            false => Written::Plain(sink),
        };
        if let Err(error) = write(&mut body) {
            tracing::debug!(%error, "answer truncated");
        }
    });
    reply
}

/// Writer of a body. Writes wait for a client that reads slowly, and fail if the client is gone.
pub(super) enum Written {
    /// Uncompressed body.
    Plain(Sink),
    /// Body compressed with gzip.
    Gzip(GzEncoder<Sink>),
}

impl Written {
    /// Ends the body. `taken` runs when the connection takes the last piece, before the client has
    /// it, and never for a client that is gone by then.
    ///
    /// # Errors
    /// If the client is gone.
    pub(super) fn finish(&mut self, taken: impl FnOnce() + Send + 'static) -> io::Result<()> {
        let sink = match self {
            Self::Plain(sink) => sink,
            Self::Gzip(encoder) => {
                encoder.try_finish()?;
                encoder.get_mut()
            }
        };
        let last = std::mem::take(&mut sink.piece).into();
        sink.send(Piece::Last(last, Box::new(taken)))
    }
}

impl Write for Written {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(sink) => sink.write(bytes),
            Self::Gzip(encoder) => encoder.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Buffer that collects pieces of a body and sends them.
pub(super) struct Sink {
    pieces: Sender<Piece>,
    piece: Vec<u8>,
}

impl Sink {
    fn send(&self, piece: Piece) -> io::Result<()> {
        self.pieces.blocking_send(piece).map_err(|_| gone())
    }
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // A full piece is held back until more bytes follow: the last piece must not be empty.
        if self.piece.len() == PIECE {
            let full = std::mem::take(&mut self.piece);
            self.send(Piece::More(full.into()))?;
        }
        if self.piece.capacity() == 0 {
            self.piece.reserve_exact(PIECE);
        }
        let room = PIECE - self.piece.len();
        let taken = bytes.len().min(room);
        self.piece.extend_from_slice(&bytes[..taken]);
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn gone() -> io::Error {
    io::Error::new(io::ErrorKind::BrokenPipe, "the client is gone")
}

fn of_type(content_type: &'static str, body: Either<Full<Bytes>, Pieces>) -> Reply {
    let mut reply = Response::new(body);
    let headers = reply.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    reply
}

impl Pieces {
    fn new(pieces: Receiver<Piece>) -> Self {
        Self {
            pieces,
            ended: false,
        }
    }
}

impl hyper::body::Body for Pieces {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        if self.ended {
            return Poll::Ready(None);
        }
        let piece = match ready!(self.pieces.poll_recv(cx)) {
            Some(Piece::More(bytes)) => Ok(bytes),
            Some(Piece::Last(bytes, taken)) => {
                self.ended = true;
                taken();
                Ok(bytes)
            }
            Some(Piece::Broken(error)) => Err(error),
            // The error makes hyper abort the connection, so a truncated body does not look
            // complete.
            None => Err(io::Error::other("the answer is truncated")),
        };
        self.ended |= piece.is_err();
        Poll::Ready(Some(piece.map(Frame::data)))
    }

    fn is_end_stream(&self) -> bool {
        self.ended
    }
}

/// Builds an answer with a line of text.
pub(super) fn text(status: StatusCode, line: &str) -> Reply {
    let body = format!("{line}\n");
    reply(status, "text/plain; charset=utf-8", body)
}

/// Builds the answer if no permit or no memory is free.
pub(super) fn busy(why: &str) -> Reply {
    let mut reply = text(StatusCode::SERVICE_UNAVAILABLE, why);
    let soon = HeaderValue::from_static("5");
    reply.headers_mut().insert(RETRY_AFTER, soon);
    reply
}

/// Builds the answer to an incomplete body.
pub(super) fn refusal(error: &BodyError) -> Reply {
    let status = match error {
        BodyError::Slow => StatusCode::REQUEST_TIMEOUT,
        BodyError::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
        BodyError::Broken(_) => StatusCode::BAD_REQUEST,
    };
    text(status, &error.to_string())
}

/// Whether a browser makes the request: browsers accept HTML first.
pub(super) fn is_browser(request: &HeaderMap) -> bool {
    let accept = request.get(ACCEPT);
    accept.is_some_and(|types| types.as_bytes().starts_with(b"text/html"))
}

/// Builds an answer that is compressed with gzip if the client accepts that.
pub(super) fn compressed(request: &HeaderMap, content_type: &'static str, body: Vec<u8>) -> Reply {
    let gzip = wants_gzip(request);
    let small = body.len() < MIN_COMPRESSED;
    let packed = if gzip && !small { pack(&body) } else { None };
    let mut reply = match packed {
        Some(packed) => {
            let mut reply = reply(StatusCode::OK, content_type, packed);
            let gzip = HeaderValue::from_static("gzip");
            reply.headers_mut().insert(CONTENT_ENCODING, gzip);
            reply
        }
        None => reply(StatusCode::OK, content_type, body),
    };
    let vary = HeaderValue::from_static("Accept, Accept-Encoding");
    reply.headers_mut().insert(VARY, vary);
    reply
}

fn wants_gzip(request: &HeaderMap) -> bool {
    let accepted = request.get_all(ACCEPT_ENCODING).iter();
    accepted.filter_map(|v| v.to_str().ok()).any(accepts_gzip)
}

fn accepts_gzip(header: &str) -> bool {
    header.split(',').any(|coding| {
        let (name, parameters) = coding.split_once(';').unwrap_or((coding, ""));
        let quality = parameters.trim().strip_prefix("q=");
        let refused = quality.is_some_and(|q| q.trim().parse() == Ok(0.0));
        name.trim() == "gzip" && !refused
    })
}

fn pack(body: &[u8]) -> Option<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(body).ok()?;
    encoder.finish().ok()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};

    use http_body_util::BodyExt as _;

    use super::*;

    /// A client that asks again as soon as it has the answer must find what the answer changed.
    #[tokio::test]
    async fn a_body_is_taken_before_the_client_has_its_end() {
        for size in [1, PIECE, 3 * PIECE + 1] {
            let taken = Arc::new(AtomicBool::new(false));
            let told = Arc::clone(&taken);
            let reply = written(&HeaderMap::new(), JSON, move |body| {
                body.write_all(&vec![b'x'; size])?;
                body.finish(move || told.store(true, Ordering::SeqCst))
            });
            let mut body = reply.into_body();
            let mut read = 0;
            while read < size {
                assert!(!taken.load(Ordering::SeqCst), "{read} of {size}");
                read += body
                    .frame()
                    .await
                    .unwrap()
                    .unwrap()
                    .into_data()
                    .unwrap()
                    .len();
            }
            assert!(taken.load(Ordering::SeqCst), "{size}");
        }
    }

    #[test]
    fn gzip_is_only_for_those_who_want_it() {
        assert!(accepts_gzip("gzip"));
        assert!(accepts_gzip("deflate, gzip;q=0.5"));
        assert!(!accepts_gzip("gzip;q=0"));
        assert!(!accepts_gzip("identity"));
        assert!(!accepts_gzip(""));
    }
}
