//! What is kept, for programs and for `go tool trace`.

use std::io::ErrorKind;
use std::sync::Arc;

use hyper::body::Incoming;
use hyper::header::{CONTENT_DISPOSITION, CONTENT_LENGTH, HeaderValue, LOCATION};
use hyper::{Request, StatusCode};

use super::State;
use super::reply::{Reply, compressed, streamed, text};
use crate::evidence::Item;

/// The word that stands for the newest one.
const LATEST: &str = "latest";

/// All that is kept, or what the query's labels, `rule` and `severity` fit.
pub fn list(request: &Request<Incoming>, state: &State) -> Reply {
    let query = request.uri().query().unwrap_or_default();
    let items = chosen(state, query);
    let body = serde_json::json!({"status": "success", "data": items});
    compressed(
        request.headers(),
        "application/json",
        body.to_string().into(),
    )
}

/// One trace, or with `/report` behind it what it told; `latest` is the newest
/// that fits the query.
pub async fn one(path: &str, request: &Request<Incoming>, state: Arc<State>) -> Reply {
    let (id, report) = match path.strip_suffix("/report") {
        Some(id) => (id, true),
        None => (path, false),
    };
    let gone = || text(StatusCode::NOT_FOUND, "this is not kept, or no longer");
    let Some(evidence) = state.analyst.evidence.now() else {
        return gone();
    };
    if id == LATEST {
        let query = request.uri().query().unwrap_or_default();
        let newest = chosen(&state, query).into_iter().next();
        return newest.map_or_else(gone, |item| {
            let url = format!("{}{}", item.id, if report { "/report" } else { "" });
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
    let (name, content_type) = match report {
        true => (item.document(), "application/json"),
        false => (item.file.clone(), "application/octet-stream"),
    };
    let opened = tokio::task::spawn_blocking(move || evidence.read(&name)).await;
    let from = match opened {
        Ok(Ok(from)) => from,
        Ok(Err(error)) if error.kind() != ErrorKind::NotFound => {
            tracing::warn!(file = item.file, %error, "evidence can't be had");
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
    let mut all = state.analyst.evidence.all();
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        all.retain(|item| match &*name {
            "rule" => item.rule.as_deref() == Some(&*value),
            "severity" => item.severity.is_some_and(|s| s.name() == value),
            label => item.target.get(label) == value,
        });
    }
    all
}
