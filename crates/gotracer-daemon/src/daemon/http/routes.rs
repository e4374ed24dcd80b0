//! Which path gives what.

use std::convert::Infallible;
use std::sync::Arc;

use hyper::body::Incoming;
use hyper::header::{ACCEPT, ALLOW, HeaderValue, WWW_AUTHENTICATE};
use hyper::{Method, Request, StatusCode};

use super::State;
use super::reply::{Reply, compressed, text};
use super::{alerts, api, evidence, page, probe, releases, targets};
use crate::daemon::recent::Entry;
use crate::daemon::web::Verdict;
use crate::export::prometheus::Format;
use crate::source::directory::Watches;

/// Answers one request, if whoever asks may.
pub async fn guarded(request: Request<Incoming>, state: Arc<State>) -> Result<Reply, Infallible> {
    let Some(guard) = &state.guard else {
        return answer(request, state).await;
    };
    let web = guard.now().await;
    let mut reply = match guard.judge(&web, request.headers()).await {
        Verdict::Admitted => answer(request, Arc::clone(&state)).await?,
        Verdict::TooMany => text(StatusCode::TOO_MANY_REQUESTS, "too many requests"),
        Verdict::Unknown => {
            let mut reply = text(StatusCode::UNAUTHORIZED, "a name and a password are needed");
            let basic = HeaderValue::from_static("Basic");
            reply.headers_mut().insert(WWW_AUTHENTICATE, basic);
            reply
        }
    };
    for (name, value) in &web.headers {
        reply.headers_mut().insert(name, value.clone());
    }
    Ok(reply)
}

/// Answers one request.
async fn answer(request: Request<Incoming>, state: Arc<State>) -> Result<Reply, Infallible> {
    let path = request.uri().path().to_owned();
    let post = POST.contains(&path.as_str());
    let allowed: &[Method] = if post {
        &[Method::POST]
    } else {
        &[Method::GET, Method::HEAD]
    };
    let listed = PATHS.contains(&path.as_str()) || path.starts_with(EVIDENCE);
    let known = listed || numbered(&path).is_some();
    Ok(if !known {
        text(StatusCode::NOT_FOUND, "not found; / lists what there is")
    } else if !allowed.contains(request.method()) {
        let names = if post { "POST" } else { "GET, HEAD" };
        let mut reply = text(StatusCode::METHOD_NOT_ALLOWED, &format!("use {names} here"));
        let allow = HeaderValue::from_static(names);
        reply.headers_mut().insert(ALLOW, allow);
        reply
    } else {
        dispatch(&path, request, state).await
    })
}

/// What is kept, each by its number.
const EVIDENCE: &str = "/api/v1/evidence/";

/// What is asked for by POST.
const POST: [&str; 3] = ["/-/reload", "/api/v1/alertmanager", "/api/v1/analyze"];

const PATHS: [&str; 14] = [
    "/",
    "/metrics",
    "/config",
    "/probe",
    "/releases",
    "/-/healthy",
    "/-/ready",
    "/-/reload",
    "/api/v1/alertmanager",
    "/api/v1/evidence",
    "/api/v1/releases",
    "/api/v1/reports",
    "/api/v1/targets",
    "/api/v1/analyze",
];

const HTML: &str = "text/html; charset=utf-8";

/// What stands under a path with the number of a report, and the number.
fn numbered(path: &str) -> Option<(bool, u64)> {
    let (json, number) = match path.strip_prefix("/api/v1/reports/") {
        Some(number) => (true, number),
        None => (false, path.strip_prefix("/reports/")?),
    };
    Some((json, number.parse().ok()?))
}

/// One report, as a page or as JSON.
async fn one(json: bool, id: u64, request: &Request<Incoming>, state: Arc<State>) -> Reply {
    match state.analyst.recent.find(id) {
        Some(Entry {
            report: Some(report),
            ..
        }) if json => api::reports(request, vec![report]).await,
        Some(entry) if !json => {
            let page = page::report(&entry);
            compressed(request.headers(), HTML, page.into())
        }
        _ => text(StatusCode::NOT_FOUND, "this report is no longer kept"),
    }
}

async fn dispatch(path: &str, request: Request<Incoming>, state: Arc<State>) -> Reply {
    if let Some((json, id)) = numbered(path) {
        return one(json, id, &request, state).await;
    }
    if let Some(id) = path.strip_prefix(EVIDENCE) {
        return evidence::one(id, &request, state).await;
    }
    match path {
        "/api/v1/alertmanager" => alerts::webhook(request, state).await,
        "/api/v1/evidence" => evidence::list(&request, &state),
        "/metrics" => metrics(&request, state).await,
        "/-/healthy" => text(StatusCode::OK, "gotracer is healthy"),
        "/-/ready" => ready(&state.analyst.watches),
        "/config" => {
            let body = state.shown.text().into();
            compressed(request.headers(), "text/yaml; charset=utf-8", body)
        }
        "/probe" => probe::probe(&request, state).await,
        "/-/reload" => reload(&state).await,
        "/api/v1/releases" => {
            let body = releases::document(&state.analyst.releases.all()).to_string();
            compressed(request.headers(), "application/json", body.into())
        }
        "/releases" => {
            let page = page::releases(&state.analyst.releases.all());
            compressed(request.headers(), HTML, page.into())
        }
        "/api/v1/reports" => {
            let recent = state.analyst.recent.all().into_iter();
            api::reports(&request, recent.filter_map(|e| e.report).collect()).await
        }
        "/api/v1/targets" => {
            let body = targets::document(state.analyst.board.all()).to_string();
            compressed(request.headers(), "application/json", body.into())
        }
        "/api/v1/analyze" => api::analyze(request, state).await,
        _ => {
            let analyst = &state.analyst;
            let kept = analyst.evidence.all();
            let page = page::landing(&analyst.board.all(), &analyst.recent.all(), &kept);
            compressed(request.headers(), HTML, page.into())
        }
    }
}

/// Whether all that is watched is there.
fn ready(watches: &Watches) -> Reply {
    let down = watches.all().into_iter().filter_map(|(path, health)| {
        let why = health.down?;
        Some(format!("cannot watch {}: {why}", path.display()))
    });
    let down: Vec<_> = down.collect();
    match down.is_empty() {
        true => text(StatusCode::OK, "gotracer is ready"),
        false => text(StatusCode::SERVICE_UNAVAILABLE, &down.join("\n")),
    }
}

async fn reload(state: &State) -> Reply {
    let Some(requests) = &state.reload else {
        let off = "reloading over HTTP is off; --web.enable-lifecycle switches it on";
        return text(StatusCode::FORBIDDEN, off);
    };
    match crate::daemon::reload::reload(requests).await {
        Ok(()) => text(StatusCode::OK, "reloaded"),
        Err(error) => text(
            StatusCode::INTERNAL_SERVER_ERROR,
            &format!("not reloaded: {error}"),
        ),
    }
}

async fn metrics(request: &Request<Incoming>, state: Arc<State>) -> Reply {
    if !state.analyst.exporter.settings().enabled {
        let off = "there are no metrics here; `prometheus: {enabled: true}` switches them on";
        return text(StatusCode::NOT_FOUND, off);
    }
    let accept = request.headers().get_all(ACCEPT).iter();
    let accept: Vec<_> = accept.filter_map(|v| v.to_str().ok()).collect();
    let format = Format::negotiate(&accept.join(","));
    let headers = request.headers().clone();
    // Many targets take a while to write, and the other answers must not wait
    // for that.
    let encode = tokio::task::spawn_blocking(move || {
        let body = state.analyst.exporter.encode(format)?;
        Ok::<_, crate::export::prometheus::EncodeError>(compressed(
            &headers,
            format.content_type(),
            body,
        ))
    });
    match encode.await {
        Ok(Ok(reply)) => reply,
        Ok(Err(error)) => {
            tracing::error!(%error, "metrics failed");
            text(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string())
        }
        Err(error) => {
            tracing::error!(%error, "metrics failed");
            text(StatusCode::INTERNAL_SERVER_ERROR, "the metrics failed")
        }
    }
}
