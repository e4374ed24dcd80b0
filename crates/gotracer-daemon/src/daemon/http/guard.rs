//! Admission of requests: credentials, rate limit, method, site, exposure and permits.

use std::convert::Infallible;
use std::sync::Arc;

use hyper::body::Incoming;
use hyper::header::{
    ALLOW, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderValue, REFERRER_POLICY, WWW_AUTHENTICATE,
    X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use hyper::{Method, Request, Response, StatusCode};

use super::State;
use super::access::{is_cross_site, is_local};
use super::body::{Answer, discard};
use super::call::Call;
use super::connections::{Connection, Kind};
use super::limits::Busy;
use super::page;
use super::reply::{BUSY, Body, HTML, Reply, busy, compressed, is_browser, text};
use super::routes::{self, Found, Route};
use crate::daemon::exposure::Exposure;
use crate::daemon::web_config::Verdict;
use crate::report::html::shell::{Network, policy};

/// Client of a connection.
pub(super) struct Caller {
    /// Connection of the client.
    pub connection: Arc<Connection>,
    /// Whether the client showed a certificate that the web configuration trusts.
    pub certified: bool,
}

/// Answer that is sent at the client's pace.
pub(super) type Paced = Response<Answer<Body>>;

/// Answers one request, or refuses it.
pub(super) async fn guarded(
    request: Request<Incoming>,
    caller: Arc<Caller>,
    state: Arc<State>,
) -> Result<Paced, Infallible> {
    let found = routes::find(request.uri().path());
    let kind = found.as_ref().map_or(Kind::Page, |found| found.route.kind);
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
    let admitted = match refuse(verdict) {
        Some(refusal) => Err(refusal),
        None => permit(&request, found, trusted, &state.exposure).map_err(|refusal| *refusal),
    };
    let turn = match admitted {
        Err(refusal) => Err(refusal),
        Ok(found) => {
            let turn = state.limits.admit(kind, &in_flight).await;
            let turn = turn.map_err(|Busy| match kind {
                Kind::Scrape => busy(SCRAPED),
                _ => busy(BUSY),
            });
            turn.map(|turn| (found, turn))
        }
    };
    let (mut reply, turn) = match turn {
        Ok((found, turn)) => {
            let call = Call {
                request,
                below: found.below,
                in_flight: &in_flight,
                trusted,
                state: Arc::clone(&state),
            };
            ((found.route.handler)(call).await, turn)
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

/// Returns the answer to a client that is not admitted; `None` if it is.
fn refuse(verdict: Verdict) -> Option<Reply> {
    match verdict {
        Verdict::Admitted => None,
        Verdict::TooMany => Some(text(StatusCode::TOO_MANY_REQUESTS, "too many requests")),
        Verdict::Unknown => {
            let mut reply = text(StatusCode::UNAUTHORIZED, "a name and a password are needed");
            let basic = HeaderValue::from_static("Basic");
            reply.headers_mut().insert(WWW_AUTHENTICATE, basic);
            Some(reply)
        }
    }
}

/// Returns the route if the client may use it, else the refusal.
fn permit(
    request: &Request<Incoming>,
    found: Option<Found>,
    trusted: bool,
    exposure: &Exposure,
) -> Result<Found, Box<Reply>> {
    let path = request.uri().path();
    let Some(found) = found else {
        return Err(not_found(request).into());
    };
    let Route { methods, gate, .. } = found.route;
    if !methods.contains(request.method()) {
        let names: Vec<_> = methods.iter().map(Method::as_str).collect();
        let names = names.join(", ");
        let mut reply = text(StatusCode::METHOD_NOT_ALLOWED, &format!("use {names} here"));
        if let Ok(allow) = HeaderValue::from_str(&names) {
            reply.headers_mut().insert(ALLOW, allow);
        }
        return Err(reply.into());
    }
    // A capture has side effects although its method is GET.
    if is_cross_site(request, found.route.kind == Kind::Probe) {
        let foreign = "requests of other web sites are refused";
        return Err(text(StatusCode::FORBIDDEN, foreign).into());
    }
    match exposure.closed_by(*gate) {
        Some(option) if !trusted => {
            let closed =
                format!("{path} answers local and authenticated clients; {option} opens it to all");
            Err(text(StatusCode::FORBIDDEN, &closed).into())
        }
        _ => Ok(found),
    }
}

fn not_found(request: &Request<Incoming>) -> Reply {
    if !is_browser(request.headers()) {
        return text(StatusCode::NOT_FOUND, "not found; / lists the pages");
    }
    let page = page::not_found(request.uri().path());
    let mut reply = compressed(request.headers(), HTML, page.into());
    *reply.status_mut() = StatusCode::NOT_FOUND;
    reply
}

/// Answer to a scrape beyond the limit.
const SCRAPED: &str = "too many scrapes at once; --web.max-requests is how many there may be";
