//! Kept traces for programs, `go tool trace` and ui.perfetto.dev.

use std::io::ErrorKind;
use std::sync::Arc;

use hyper::body::Incoming;
use hyper::header::{CONTENT_DISPOSITION, CONTENT_LENGTH, HeaderValue, LOCATION};
use hyper::{Request, StatusCode};

use super::State;
use super::call::Call;
use super::perfetto;
use super::reply::{Reply, compressed, streamed, text};
use crate::evidence::{Evidence, Item};
use crate::report::Report;

/// ID that selects the newest trace.
const LATEST: &str = "latest";

/// Query that selects Perfetto's format.
const PERFETTO: &str = "?format=perfetto";

/// Whether a request asks for Perfetto's format.
pub(super) fn wants_perfetto(request: &Request<Incoming>) -> bool {
    let query = request.uri().query().unwrap_or_default();
    let mut parameters = form_urlencoded::parse(query.as_bytes());
    parameters.any(|(name, value)| name == "format" && value == "perfetto")
}

/// Returns the ID of a report's kept trace.
pub(super) fn id(report: &Report) -> Option<&str> {
    report.evidence.as_deref()?.rsplit('/').next()
}

/// Returns the kept trace of a report, if it is still kept.
pub(super) fn of(report: &Report, state: &State) -> Option<(Item, Arc<Evidence>)> {
    let evidence = state.evidence.now()?;
    let item = evidence.find(id(report)?)?;
    Some((item, evidence))
}

/// Redirects to the kept trace of a report, in Perfetto's format.
pub(super) fn of_report(request: &Request<Incoming>, report: &Report) -> Reply {
    let Some(id) = id(report) else {
        let why = "the trace of this report is not kept; --evidence.path keeps those of findings";
        return text(StatusCode::NOT_FOUND, why);
    };
    let query = request.uri().query().unwrap_or_default();
    let url = format!("../evidence/{id}?{query}");
    let mut there = text(StatusCode::FOUND, &url);
    if let Ok(url) = HeaderValue::from_str(&url) {
        there.headers_mut().insert(LOCATION, url);
    }
    there
}

/// Lists the kept traces that match the query: labels, `rule` and `severity`.
pub(super) fn list(call: &Call<'_>) -> Reply {
    let request = &call.request;
    let query = request.uri().query().unwrap_or_default();
    let items = chosen(&call.state, query);
    let body = serde_json::json!({"status": "success", "data": items});
    compressed(
        request.headers(),
        "application/json",
        body.to_string().into(),
    )
}

/// Answers with one trace, or with its report if the path ends in `/report`. The ID `latest`
/// selects the newest trace that matches the query, and `format=perfetto` converts it.
pub(super) async fn one(call: Call<'_>) -> Reply {
    let Call {
        request,
        below,
        in_flight,
        state,
        ..
    } = &call;
    let (id, report) = match below.strip_suffix("/report") {
        Some(id) => (id, true),
        None => (below.as_str(), false),
    };
    let gone = || text(StatusCode::NOT_FOUND, "this is not kept, or no longer");
    let Some(evidence) = state.evidence.now() else {
        return gone();
    };
    if id == LATEST {
        let query = request.uri().query().unwrap_or_default();
        let newest = chosen(state, query).into_iter().next();
        return newest.map_or_else(gone, |item| {
            let format = if wants_perfetto(request) {
                PERFETTO
            } else {
                ""
            };
            let url = format!("{}{}{format}", item.id, if report { "/report" } else { "" });
            let mut there = text(StatusCode::FOUND, &url);
            if let Ok(url) = HeaderValue::from_str(&url) {
                there.headers_mut().insert(LOCATION, url);
            }
            there
        });
    }
    let Some(item) = evidence.find(id) else {
        return gone();
    };
    if !report && wants_perfetto(request) {
        let query = request.uri().query().unwrap_or_default();
        let client = (request.headers().clone(), query);
        return perfetto::export((item, evidence), client, in_flight, Arc::clone(state)).await;
    }
    let (name, content_type) = match report {
        true => (item.document(), "application/json"),
        false => (item.file.clone(), "application/octet-stream"),
    };
    let opened = tokio::task::spawn_blocking(move || evidence.read(&name)).await;
    let from = match opened {
        Ok(Ok(from)) => from,
        Ok(Err(error)) if error.kind() != ErrorKind::NotFound => {
            tracing::warn!(file = item.file, %error, "cannot read evidence");
            return text(StatusCode::BAD_GATEWAY, &error.to_string());
        }
        _ => return gone(),
    };
    let mut reply = streamed(content_type, from);
    let name = format!("attachment; filename=\"{}\"", item.file);
    if !report && let Ok(name) = HeaderValue::from_str(&name) {
        let headers = reply.headers_mut();
        headers.insert(CONTENT_DISPOSITION, name);
        headers.insert(CONTENT_LENGTH, HeaderValue::from(item.bytes));
    }
    reply
}

fn chosen(state: &State, query: &str) -> Vec<Item> {
    let mut all = state.evidence.all();
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        all.retain(|item| match &*name {
            "rule" => item.rule.as_deref() == Some(&*value),
            "severity" => item.severity.is_some_and(|s| s.name() == value),
            "format" => true,
            label => item.target.get(label) == value,
        });
    }
    all
}
