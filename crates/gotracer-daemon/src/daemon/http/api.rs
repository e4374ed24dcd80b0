//! Reports in the format of `gotracer analyze --format json`.

use std::sync::Arc;

use hyper::body::Incoming;
use hyper::header::HeaderMap;
use hyper::{Request, StatusCode};

use super::reply::{Reply, compressed, text};
use crate::report::{Options, Report, json};

/// Answers with these reports.
pub async fn reports(request: &Request<Incoming>, reports: Vec<Arc<Report>>) -> Reply {
    let headers = request.headers().clone();
    blocking(move || {
        let reports: Vec<_> = reports.into_iter().map(Arc::unwrap_or_clone).collect();
        document(&headers, &reports)
    })
    .await
}

/// Builds an answer on a blocking thread.
pub async fn blocking(make: impl FnOnce() -> Reply + Send + 'static) -> Reply {
    tokio::task::spawn_blocking(make)
        .await
        .unwrap_or_else(|error| {
            tracing::error!(%error, "answer failed");
            failed()
        })
}

/// Answer to a request whose handler panicked.
pub fn failed() -> Reply {
    text(StatusCode::INTERNAL_SERVER_ERROR, "the answer failed")
}

/// Builds the JSON document of these reports.
pub fn document(headers: &HeaderMap, reports: &[Report]) -> Reply {
    let mut body = Vec::new();
    match json::write(&mut body, reports, &Options::default()) {
        Ok(()) => compressed(headers, "application/json", body),
        Err(error) => text(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string()),
    }
}
