//! Routes of the HTTP server.

use std::convert::Infallible;
use std::sync::Arc;

use hyper::body::Incoming;
use hyper::header::{
    ACCEPT, ALLOW, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderValue, REFERRER_POLICY,
    WWW_AUTHENTICATE, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use hyper::{Method, Request, Response, StatusCode};

use super::State;
use super::access::{Exposure, is_cross_site, is_local};
use super::body::{Answer, discard};
use super::connections::{Connection, InFlight, Kind};
use super::limits::Busy;
use super::page::Overview;
use super::reply::{Body, Reply, busy, compressed, text};
use super::{alerts, api, evidence, metrics, page, probe, push, releases, targets, upload};
use crate::daemon::recent::Entry;
use crate::daemon::web::Verdict;
use crate::report::html::shell::{Network, policy};
use crate::source::directory::Watches;

/// Client of a connection.
pub struct Caller {
    /// Connection of the client.
    pub connection: Arc<Connection>,
    /// Whether the client showed a certificate that the web configuration trusts.
    pub certified: bool,
}

/// Answer that is sent at the client's pace.
pub type Paced = Response<Answer<Body>>;

/// Answers one request, or refuses it.
pub async fn guarded(
    request: Request<Incoming>,
    caller: Arc<Caller>,
    state: Arc<State>,
) -> Result<Paced, Infallible> {
    let kind = kind(request.uri().path());
    let in_flight = caller.connection.begin(kind);
    let web = match &state.guard {
        Some(guard) => Some((guard, guard.now().await)),
        None => None,
    };
    let verdict = match &web {
        Some((guard, web)) => {
            in_flight.queues();
            let client = in_flight.address();
            guard.judge(web, request.headers(), client).await
        }
        None => Verdict::Admitted,
    };
    in_flight.works();
    let users = web.as_ref().is_some_and(|(_, web)| web.has_users());
    let trusted = caller.certified || users || is_local(in_flight.address(), &request);
    let turn = match refuse(&request, verdict, trusted, &state.exposure) {
        Some(refusal) => Err(refusal),
        None => {
            let turn = state.limits.admit(kind, &in_flight).await;
            turn.map_err(|Busy| match kind {
                Kind::Scrape => busy(SCRAPED),
                _ => busy(BUSY),
            })
        }
    };
    let (mut reply, turn) = match turn {
        Ok(turn) => {
            let reply = dispatch(request, &in_flight, trusted, Arc::clone(&state)).await;
            (reply, turn)
        }
        Err(refusal) => {
            discard(request, &in_flight).await;
            (refusal, None)
        }
    };
    protect(&mut reply);
    if let Some((_, web)) = &web {
        for (name, value) in &web.headers {
            reply.headers_mut().insert(name, value.clone());
        }
    }
    Ok(reply.map(|body| Answer::new(body, in_flight, turn)))
}

/// Adds headers that keep browsers from loading other content into an answer.
fn protect(reply: &mut Reply) {
    let headers = reply.headers_mut();
    for (name, value) in [
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (X_FRAME_OPTIONS, "deny"),
        (REFERRER_POLICY, "no-referrer"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if headers.get(CONTENT_TYPE).is_some_and(|kind| kind == HTML) {
        let policy = format!("{}; frame-ancestors 'none'", policy(Network::Server));
        if let Ok(policy) = HeaderValue::from_str(&policy) {
            headers.insert(CONTENT_SECURITY_POLICY, policy);
        }
    }
}

/// Returns the answer to a request that is refused; `None` if it is permitted.
fn refuse(
    request: &Request<Incoming>,
    verdict: Verdict,
    trusted: bool,
    exposure: &Exposure,
) -> Option<Reply> {
    match verdict {
        Verdict::Admitted => {}
        Verdict::TooMany => return Some(text(StatusCode::TOO_MANY_REQUESTS, "too many requests")),
        Verdict::Unknown => {
            let mut reply = text(StatusCode::UNAUTHORIZED, "a name and a password are needed");
            let basic = HeaderValue::from_static("Basic");
            reply.headers_mut().insert(WWW_AUTHENTICATE, basic);
            return Some(reply);
        }
    }
    let path = request.uri().path();
    let post = POST.contains(&path);
    let allowed: &[Method] = if path == PUSH {
        &[Method::POST, Method::PUT]
    } else if post {
        &[Method::POST]
    } else {
        &[Method::GET, Method::HEAD]
    };
    let listed = PATHS.contains(&path) || path.starts_with(EVIDENCE);
    if !listed && numbered(path).is_none() {
        if is_browser(request) {
            let page = page::not_found(path);
            let mut reply = compressed(request.headers(), HTML, page.into());
            *reply.status_mut() = StatusCode::NOT_FOUND;
            return Some(reply);
        }
        return Some(text(StatusCode::NOT_FOUND, "not found; / lists the pages"));
    }
    if !allowed.contains(request.method()) {
        let names: Vec<_> = allowed.iter().map(Method::as_str).collect();
        let names = names.join(", ");
        let mut reply = text(StatusCode::METHOD_NOT_ALLOWED, &format!("use {names} here"));
        if let Ok(allow) = HeaderValue::from_str(&names) {
            reply.headers_mut().insert(ALLOW, allow);
        }
        return Some(reply);
    }
    if is_cross_site(request) {
        let foreign = "requests of other web sites are refused";
        return Some(text(StatusCode::FORBIDDEN, foreign));
    }
    match exposure.closed_by(path) {
        Some(option) if !trusted => {
            let closed =
                format!("{path} answers local and authenticated clients; {option} opens it to all");
            Some(text(StatusCode::FORBIDDEN, &closed))
        }
        _ => None,
    }
}

/// Answer to a scrape beyond the limit.
const SCRAPED: &str = "too many scrapes at once; --web.max-requests is how many there may be";

/// Answer to a request that gets no permit.
pub const BUSY: &str = "too many requests are being answered; try again";

/// Whether a browser makes the request: browsers accept HTML first.
fn is_browser(request: &Request<Incoming>) -> bool {
    let accept = request.headers().get(ACCEPT);
    accept.is_some_and(|types| types.as_bytes().starts_with(b"text/html"))
}

/// Returns the kind of the requests to a path.
fn kind(path: &str) -> Kind {
    match path {
        "/metrics" => Kind::Scrape,
        "/-/healthy" | "/-/ready" => Kind::Essential,
        "/probe" => Kind::Probe,
        "/api/v1/alertmanager" | "/api/v1/analyze" | PUSH => Kind::Upload,
        _ => Kind::Page,
    }
}

/// Prefix of the paths of kept traces.
const EVIDENCE: &str = "/api/v1/evidence/";

/// Path that accepts pushed traces.
const PUSH: &str = "/api/v1/traces";

/// Paths that accept only POST.
const POST: [&str; 3] = ["/-/reload", "/api/v1/alertmanager", "/api/v1/analyze"];

const PATHS: [&str; 15] = [
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
    PUSH,
];

const HTML: &str = "text/html; charset=utf-8";

/// Parses the path of a report: whether it is the JSON form, and the number.
fn numbered(path: &str) -> Option<(bool, u64)> {
    let (json, number) = match path.strip_prefix("/api/v1/reports/") {
        Some(number) => (true, number),
        None => (false, path.strip_prefix("/reports/")?),
    };
    Some((json, number.parse().ok()?))
}

/// Answers with one report, as a page or as JSON.
async fn one(json: bool, id: u64, request: &Request<Incoming>, state: Arc<State>) -> Reply {
    match state.recent.find(id) {
        Some(Entry {
            report: Some(report),
            ..
        }) if json && evidence::wants_perfetto(request) => evidence::of_report(request, &report),
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

async fn dispatch(
    request: Request<Incoming>,
    in_flight: &InFlight,
    trusted: bool,
    state: Arc<State>,
) -> Reply {
    let path = request.uri().path().to_owned();
    let path = path.as_str();
    if let Some((json, id)) = numbered(path) {
        return one(json, id, &request, state).await;
    }
    if let Some(id) = path.strip_prefix(EVIDENCE) {
        return evidence::one(id, &request, in_flight, state).await;
    }
    match path {
        "/api/v1/alertmanager" => alerts::webhook(request, in_flight, state).await,
        "/api/v1/evidence" => evidence::list(&request, &state),
        "/metrics" => metrics::metrics(&request, in_flight.address(), &state),
        "/-/healthy" => text(StatusCode::OK, "gotracer is healthy"),
        "/-/ready" => ready(&state.watches),
        "/config" if is_browser(&request) => {
            let page = page::configuration(&state.shown.text());
            compressed(request.headers(), HTML, page.into())
        }
        "/config" => {
            let body = state.shown.text().as_bytes().to_vec();
            compressed(request.headers(), "text/yaml; charset=utf-8", body)
        }
        "/probe" => probe::probe(&request, state).await,
        "/-/reload" => reload(&state).await,
        "/api/v1/releases" => {
            let body = releases::document(&state.releases.all()).to_string();
            compressed(request.headers(), "application/json", body.into())
        }
        "/releases" => {
            let page = page::releases(&state.releases.all());
            compressed(request.headers(), HTML, page.into())
        }
        "/api/v1/reports" => {
            let recent = state.recent.all().into_iter();
            api::reports(&request, recent.filter_map(|e| e.report).collect()).await
        }
        "/api/v1/targets" => {
            let body = targets::document(state.board.all()).to_string();
            compressed(request.headers(), "application/json", body.into())
        }
        "/api/v1/analyze" => upload::analyze(request, in_flight, state).await,
        PUSH => push::receive(request, in_flight, state).await,
        _ => {
            let hidden = state.exposure.closed_by("/api/v1/evidence").is_some() && !trusted;
            let kept = if hidden {
                Vec::new()
            } else {
                state.evidence.all()
            };
            let page = page::landing(&Overview {
                targets: state.board.all(),
                watches: state.watches.all(),
                recent: state.recent.all(),
                evidence: kept,
            });
            compressed(request.headers(), HTML, page.into())
        }
    }
}

/// Answers whether all watched directories are available.
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
