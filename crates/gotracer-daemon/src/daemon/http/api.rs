//! Reports in the format of `gotracer analyze --format json`.

use std::sync::Arc;

use hyper::StatusCode;
use hyper::header::HeaderMap;

use super::call::Call;
use super::evidence;
use super::reply::{Reply, blocking, compressed, text};
use crate::report::{Options, Report, json};

/// Answers with all recent reports.
pub(super) async fn all(call: Call<'_>) -> Reply {
    let recent = call.state.recent.all().into_iter();
    let all = recent.filter_map(|entry| entry.report).collect();
    reports(call.request.headers(), all).await
}

/// Answers with one report, or redirects to its trace in Perfetto's format.
pub(super) async fn one(call: Call<'_>) -> Reply {
    let number = call.below.parse().ok();
    let entry = number.and_then(|number| call.state.recent.find(number));
    match entry.and_then(|entry| entry.report) {
        Some(report) if evidence::wants_perfetto(&call.request) => {
            evidence::of_report(&call.request, &report)
        }
        Some(report) => reports(call.request.headers(), vec![report]).await,
        None => text(StatusCode::NOT_FOUND, "this report is no longer kept"),
    }
}

async fn reports(headers: &HeaderMap, reports: Vec<Arc<Report>>) -> Reply {
    let headers = headers.clone();
    blocking(move || {
        let reports: Vec<_> = reports.into_iter().map(Arc::unwrap_or_clone).collect();
        document(&headers, &reports)
    })
    .await
}

/// Builds the JSON document of these reports.
pub(super) fn document(headers: &HeaderMap, reports: &[Report]) -> Reply {
    let mut body = Vec::new();
    match json::write(&mut body, reports, &Options::default()) {
        Ok(()) => compressed(headers, "application/json", body),
        Err(error) => text(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string()),
    }
}
