//! Small helpers to build answers.

use std::io::{self, Read, Write};
use std::pin::Pin;
use std::task::{Context, Poll};

use flate2::Compression;
use flate2::write::GzEncoder;
use http_body_util::{Either, Full};
use hyper::body::{Bytes, Frame};
use hyper::header::{
    ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderValue, RETRY_AFTER, VARY,
};
use hyper::{Response, StatusCode};
use tokio::sync::mpsc::{Receiver, channel};

use super::body::BodyError;

/// An answer, which is there as a whole or comes in pieces.
pub type Reply = Response<Body>;
/// Its body.
pub type Body = Either<Full<Bytes>, Pieces>;

/// A body that is read while it is sent.
pub struct Pieces(Receiver<io::Result<Bytes>>);

/// How large its pieces are.
const PIECE: usize = 64 << 10;
/// How many of them wait for who reads slowly.
const AHEAD: usize = 4;

/// Smaller bodies are not worth compressing.
const MIN_COMPRESSED: usize = 1 << 10;

/// An answer with a body of that type.
pub fn reply(status: StatusCode, content_type: &'static str, body: impl Into<Bytes>) -> Reply {
    let mut reply = of_type(content_type, Either::Left(Full::new(body.into())));
    *reply.status_mut() = status;
    reply
}

/// An answer with a body that is read, on a thread that may block, while it is
/// sent.
pub fn streamed(content_type: &'static str, mut from: impl Read + Send + 'static) -> Reply {
    let (pieces, body) = channel(AHEAD);
    tokio::task::spawn_blocking(move || {
        loop {
            let mut buf = vec![0; PIECE];
            let piece = match from.read(&mut buf) {
                Ok(0) => return,
                Ok(n) => {
                    buf.truncate(n);
                    Ok(Bytes::from(buf))
                }
                Err(error) => Err(error),
            };
            let broken = piece.is_err();
            // Nobody may listen any more.
            if pieces.blocking_send(piece).is_err() || broken {
                return;
            }
        }
    });
    of_type(content_type, Either::Right(Pieces(body)))
}

fn of_type(content_type: &'static str, body: Either<Full<Bytes>, Pieces>) -> Reply {
    let mut reply = Response::new(body);
    let headers = reply.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    reply
}

impl hyper::body::Body for Pieces {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let piece = self.0.poll_recv(cx);
        piece.map(|piece| piece.map(|piece| piece.map(Frame::data)))
    }
}

/// A line of text.
pub fn text(status: StatusCode, line: &str) -> Reply {
    let body = format!("{line}\n");
    reply(status, "text/plain; charset=utf-8", body)
}

/// The answer if there is no permit or no memory for a request now.
pub fn busy(why: &str) -> Reply {
    let mut reply = text(StatusCode::SERVICE_UNAVAILABLE, why);
    let soon = HeaderValue::from_static("5");
    reply.headers_mut().insert(RETRY_AFTER, soon);
    reply
}

/// The answer to a body that did not come as a whole.
pub fn refusal(error: &BodyError) -> Reply {
    let status = match error {
        BodyError::Slow => StatusCode::REQUEST_TIMEOUT,
        BodyError::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
        BodyError::Broken(_) => StatusCode::BAD_REQUEST,
    };
    text(status, &error.to_string())
}

/// An answer compressed with gzip, if whoever asked can read that.
pub fn compressed(request: &HeaderMap, content_type: &'static str, body: Vec<u8>) -> Reply {
    let accepted = request.get_all(ACCEPT_ENCODING).iter();
    let gzip = accepted.filter_map(|v| v.to_str().ok()).any(accepts_gzip);
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
    use super::*;

    #[test]
    fn gzip_is_only_for_those_who_want_it() {
        assert!(accepts_gzip("gzip"));
        assert!(accepts_gzip("deflate, gzip;q=0.5"));
        assert!(!accepts_gzip("gzip;q=0"));
        assert!(!accepts_gzip("identity"));
        assert!(!accepts_gzip(""));
    }
}
