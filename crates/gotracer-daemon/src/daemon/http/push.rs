//! `POST|PUT /api/v1/traces`: traces that programs push.
//!
//! The answer is sent once the trace is on disk. The trace is analyzed like a file in a watched
//! directory: once by content, with metrics, report, evidence and releases under the labels of the
//! query.

use std::time::Duration;

use hyper::StatusCode;
use hyper::body::{Body as _, Bytes};
use hyper::header::{HeaderValue, LOCATION, RETRY_AFTER};

use super::State;
use super::body::{BodyError, Upload, discard};
use super::call::Call;
use super::connections::Kind;
use super::reply::{BUSY, Reply, busy, refusal, reply, text};
use super::upload::feed;
use crate::daemon::identity::Identity;
use crate::source::push::{Accepted, Receipt, Sender, SpoolError, sender};
use crate::source::scrape::pipe;

/// Stores the trace in the request's body.
pub(super) async fn receive(call: Call<'_>) -> Reply {
    let Call {
        request,
        in_flight,
        state,
        ..
    } = call;
    let settings = state.spool.settings();
    let sender = match sender(request.uri().query().unwrap_or_default(), &settings) {
        Ok(sender) => sender,
        Err(error) => {
            discard(request, in_flight).await;
            return text(StatusCode::BAD_REQUEST, &error.to_string());
        }
    };
    if let Err(pause) = state.pushes.take(in_flight.address(), settings.per_minute) {
        discard(request, in_flight).await;
        return too_many(settings.per_minute, pause);
    }
    if request.body().size_hint().lower() > settings.max_size {
        discard(request, in_flight).await;
        return refusal(&BodyError::TooLarge(settings.max_size));
    }
    let mut body = Upload::new(request.into_body(), in_flight);
    let head = match body.head().await {
        Ok(head) if head.is_empty() => {
            return text(
                StatusCode::BAD_REQUEST,
                "the request has no body; send a trace",
            );
        }
        Ok(head) => head,
        Err(error) => return refusal(&error),
    };
    in_flight.becomes(Kind::Push);
    let Ok(turn) = state.limits.admit(Kind::Push, in_flight).await else {
        return busy(BUSY);
    };
    let (bytes, reader) = pipe();
    let stored = tokio::task::spawn_blocking(move || {
        let _held = turn;
        store(&state, reader, &sender)
    });
    let fed = feed(head, body, bytes, settings.max_size).await;
    match (fed, stored.await) {
        (_, Ok(Ok(stored))) => answer(&stored),
        (Err(error), _) => refusal(&error),
        (Ok(()), Ok(Err(error))) => failed(&error),
        (Ok(()), Err(_)) => super::reply::failed(),
    }
}

/// Result of a pushed trace.
enum Stored {
    Accepted(Accepted),
    /// The trace was analyzed before.
    Known,
}

/// Writes a trace to the spool. Blocks.
fn store(state: &State, reader: impl std::io::Read, sender: &Sender) -> Result<Stored, SpoolError> {
    let mut receipt = Receipt::begin(&state.spool)?;
    receipt.fill(reader)?;
    let identity = receipt.file().and_then(Identity::of);
    if identity.is_ok_and(|identity| state.processed.is_done(identity)) {
        return Ok(Stored::Known);
    }
    let accepted = receipt.accept(sender, state.recent.reserve())?;
    tracing::info!(
        labels = %sender.labels,
        reason = sender.reason,
        bytes = accepted.bytes,
        report = accepted.report,
        "pushed trace stored"
    );
    Ok(Stored::Accepted(accepted))
}

fn answer(stored: &Stored) -> Reply {
    let (status, data) = match stored {
        Stored::Accepted(Accepted { report, bytes }) => {
            let report = format!("/reports/{report}");
            let data = serde_json::json!({"report": report, "bytes": bytes});
            (StatusCode::ACCEPTED, data)
        }
        Stored::Known => (StatusCode::OK, serde_json::json!({"known": true})),
    };
    let location = data["report"].as_str().map(HeaderValue::from_str);
    let document = serde_json::json!({"status": "success", "data": data});
    let body = Bytes::from(document.to_string());
    let mut reply = reply(status, "application/json", body);
    if let Some(Ok(location)) = location {
        reply.headers_mut().insert(LOCATION, location);
    }
    reply
}

fn failed(error: &SpoolError) -> Reply {
    let status = match error {
        SpoolError::Full => return busy(&error.to_string()),
        SpoolError::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
        SpoolError::Client(_) => StatusCode::BAD_REQUEST,
        SpoolError::Disk { .. } => {
            tracing::error!(%error, "pushed trace dropped");
            StatusCode::INSUFFICIENT_STORAGE
        }
    };
    text(status, &error.to_string())
}

fn too_many(per_minute: u32, pause: Duration) -> Reply {
    let why = format!("more than {per_minute} traces per minute from this address");
    let mut reply = text(StatusCode::TOO_MANY_REQUESTS, &why);
    let seconds = pause.as_secs().saturating_add(1).to_string();
    if let Ok(seconds) = HeaderValue::from_str(&seconds) {
        reply.headers_mut().insert(RETRY_AFTER, seconds);
    }
    reply
}
