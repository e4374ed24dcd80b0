//! Reports for programs, in the format of `gotracer analyze --format json`.

use std::sync::Arc;
use std::time::Duration;

use hyper::body::{Body as _, Incoming};
use hyper::header::{HeaderMap, HeaderValue, RETRY_AFTER};
use hyper::{Request, StatusCode};

use super::State;
use super::reply::{Reply, compressed, text};
use crate::report::{Options, Report, json};
use crate::source::scrape::{Capture, ScrapeError};

/// The most bytes of a trace that is sent here.
const LIMIT: u64 = 1 << 30;
/// How long sending one may take.
const UPLOAD: Duration = Duration::from_secs(600);

/// Reports of traces that could be read.
pub async fn reports(request: &Request<Incoming>, reports: Vec<Arc<Report>>) -> Reply {
    let headers = request.headers().clone();
    blocking(move || {
        let reports: Vec<_> = reports.into_iter().map(Arc::unwrap_or_clone).collect();
        document(&headers, &reports)
    })
    .await
}

/// Analyses the trace in the request's body. It counts in no metric, since
/// nobody knows whose it is.
pub async fn analyze(request: Request<Incoming>, state: Arc<State>) -> Reply {
    let size = request.body().size_hint().upper().unwrap_or(LIMIT);
    let permit = Arc::clone(&state.uploads).try_acquire_owned().ok();
    let room = state.analyst.memory.try_reserve(size);
    let (Some(permit), Some(room)) = (permit, room) else {
        let busy = "as many traces as allowed are being analysed; try again";
        let mut reply = text(StatusCode::SERVICE_UNAVAILABLE, busy);
        let soon = HeaderValue::from_static("5");
        reply.headers_mut().insert(RETRY_AFTER, soon);
        return reply;
    };
    let headers = request.headers().clone();
    let (reader, feed) = Capture::new(request.into_body(), UPLOAD, LIMIT).split();
    let analysis = tokio::spawn(blocking(move || {
        let _held = (permit, room);
        let mut reports = Vec::new();
        for outcome in state.analyst.upload(reader, "request") {
            match outcome {
                Ok(Ok(outcome)) => reports.push(outcome.report),
                Ok(Err(error)) => {
                    return text(StatusCode::UNPROCESSABLE_ENTITY, &error.to_string());
                }
                Err(panic) => return text(StatusCode::INTERNAL_SERVER_ERROR, &panic),
            }
        }
        document(&headers, &reports)
    }));
    let fed = feed.await;
    let reply = analysis.await;
    match (fed, reply) {
        (Err(ScrapeError::TooLarge(limit)), _) => text(
            StatusCode::PAYLOAD_TOO_LARGE,
            &format!("a trace may have {limit} bytes"),
        ),
        (Err(ScrapeError::Timeout(_)), _) => text(
            StatusCode::REQUEST_TIMEOUT,
            "the trace did not come in time",
        ),
        (_, Ok(reply)) => reply,
        (_, Err(_)) => failed(),
    }
}

/// Makes an answer on a thread that may block.
async fn blocking(make: impl FnOnce() -> Reply + Send + 'static) -> Reply {
    tokio::task::spawn_blocking(make)
        .await
        .unwrap_or_else(|error| {
            tracing::error!(%error, "answer failed");
            failed()
        })
}

fn failed() -> Reply {
    text(StatusCode::INTERNAL_SERVER_ERROR, "the answer failed")
}

fn document(headers: &HeaderMap, reports: &[Report]) -> Reply {
    let mut body = Vec::new();
    match json::write(&mut body, reports, &Options::default()) {
        Ok(()) => compressed(headers, "application/json", body),
        Err(error) => text(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string()),
    }
}
