//! `POST /api/v1/analyze`: answers a trace with its report. The trace counts in no metric because
//! its target is not known.
//!
//! Permit and memory are taken once the first part of the trace has arrived, so that clients that
//! connect and stall hold neither.

use std::io;

use hyper::StatusCode;
use hyper::body::Bytes;
use tokio::sync::mpsc::Sender;

use super::api::document;
use super::body::{BodyError, Upload};
use super::call::Call;
use super::connections::Kind;
use super::reply::{Reply, blocking, busy, failed, refusal, text};
use crate::daemon::pipeline::{Analyzed, BASE};
use crate::labels::Labels;
use crate::source::Limits;
use crate::source::scrape::pipe;

/// Maximum size of a trace, bytes.
const LIMIT: u64 = 1 << 30;

/// Analyzes the trace in the request's body while it is received.
pub(super) async fn analyze(call: Call<'_>) -> Reply {
    let Call {
        request,
        in_flight,
        state,
        ..
    } = call;
    let headers = request.headers().clone();
    let mut body = Upload::new(request.into_body(), in_flight);
    let head = match body.head().await {
        Ok(head) => head,
        Err(error) => return refusal(&error),
    };
    in_flight.becomes(Kind::Analysis);
    let turn = state.limits.admit(Kind::Analysis, in_flight).await;
    let room = state.memory.try_reserve(BASE);
    let (Ok(turn), Some(room)) = (turn, room) else {
        return busy("as many traces as allowed are being analyzed; try again");
    };
    let (sender, reader) = pipe();
    let analysis = tokio::spawn(blocking(move || {
        let _held = turn;
        let limits = Limits {
            memory: room.allowance(),
            bytes: LIMIT,
        };
        let mut reports = Vec::new();
        let analyzer = state.pipeline.analyzer();
        for (_, analyzed) in analyzer.read(reader, "request", &Labels::new(), &limits) {
            let too_large = analyzed.is_too_large();
            match analyzed {
                Analyzed::Read(outcome) => reports.push(outcome.report),
                Analyzed::Unreadable(_) if too_large && room.lacked().is_some() => {
                    return busy("other traces hold the memory that this one needs; try again");
                }
                Analyzed::Unreadable(error) => {
                    let status = match too_large {
                        true => StatusCode::PAYLOAD_TOO_LARGE,
                        false => StatusCode::UNPROCESSABLE_ENTITY,
                    };
                    return text(status, &error.to_string());
                }
                Analyzed::Panicked(message) => {
                    return text(StatusCode::INTERNAL_SERVER_ERROR, &message);
                }
            }
        }
        document(&headers, &reports)
    }));
    let fed = feed(head, body, sender, LIMIT).await;
    match (fed, analysis.await) {
        (Err(error), _) => refusal(&error),
        (Ok(()), Ok(reply)) => reply,
        (Ok(()), Err(_)) => failed(),
    }
}

/// Passes at most `limit` bytes of a trace to a thread at the speed at which the thread reads.
///
/// # Errors
/// If the client is too slow or disconnected, or sends more.
pub(super) async fn feed(
    head: Vec<u8>,
    mut body: Upload<'_>,
    sender: Sender<io::Result<Bytes>>,
    limit: u64,
) -> Result<(), BodyError> {
    let mut left = limit;
    let mut next = Ok(Some(Bytes::from(head)));
    loop {
        let error = match next {
            Ok(None) => return Ok(()),
            Ok(Some(bytes)) if bytes.len() as u64 > left => BodyError::TooLarge(limit),
            Ok(Some(bytes)) => {
                left -= bytes.len() as u64;
                if sender.send(Ok(bytes)).await.is_err() {
                    // The thread ended early and reports the reason.
                    return Ok(());
                }
                next = body.next().await;
                continue;
            }
            Err(error) => error,
        };
        let end = io::Error::new(io::ErrorKind::UnexpectedEof, error.to_string());
        let _ = sender.send(Err(end)).await;
        return Err(error);
    }
}
