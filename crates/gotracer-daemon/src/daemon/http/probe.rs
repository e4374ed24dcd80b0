//! `/probe?target=&module=`: captures a target at once, for clients that schedule captures
//! themselves. Only known targets are accepted, so that clients cannot reach other hosts through
//! the daemon.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use hyper::StatusCode;
use hyper::header::HeaderMap;
use tokio::time::{Instant, timeout};

use super::State;
use super::call::Call;
use super::metrics::negotiate;
use super::reply::{Reply, compressed, text};
use crate::daemon::captures;
use crate::daemon::failure::{Failure, REASONS};
use crate::daemon::pipeline::{BASE, CaptureOutcome, Reservation};
use crate::export::{Metrics, prometheus};
use crate::source::scrape::{Options, Scraper, Target};

/// Header in which Prometheus sends its scrape timeout.
const TIMEOUT: &str = "x-prometheus-scrape-timeout-seconds";
/// Part of the scrape timeout reserved for the answer.
const RESERVE: Duration = Duration::from_millis(500);

/// Captures a target, and answers with the metrics of that capture alone.
pub(super) async fn probe(call: Call<'_>) -> Reply {
    let Call { request, state, .. } = call;
    let query = request.uri().query().unwrap_or_default();
    let (name, job) = (parameter(query, "target"), parameter(query, "module"));
    let Some((target, options, turn)) = state.table.find(&name, &job) else {
        let unknown = "target must be the instance, host:port or URL of a target of the \
            configuration, and module, if given, its job";
        return text(StatusCode::BAD_REQUEST, unknown);
    };
    let Some(mut options) = in_time((*options).clone(), request.headers()) else {
        let hasty = "the scrape timeout is too short for a trace of a second";
        return text(StatusCode::BAD_REQUEST, hasty);
    };
    let permit = state.limits.probes.try_take();
    let room = state.memory.try_reserve(BASE);
    let (Some(_permit), Some(room)) = (permit, room) else {
        return text(
            StatusCode::SERVICE_UNAVAILABLE,
            "too many traces are being analyzed; try again",
        );
    };
    let started = Instant::now();
    // Half of the spare time is for waiting, the rest for the answer.
    let Ok(_mine) = timeout(options.timeout / 2, turn.lock()).await else {
        let busy = "this target is being captured; try again";
        return text(StatusCode::SERVICE_UNAVAILABLE, busy);
    };
    options.timeout = options.timeout.saturating_sub(started.elapsed());
    let outcomes = match capture(&target, options, &state, &room).await {
        Ok(outcomes) => outcomes,
        Err(failure) => vec![CaptureOutcome {
            failure: Some(failure),
            ..CaptureOutcome::new(&target.labels, target.url().to_string(), started.elapsed())
        }],
    };
    let failure = outcomes.iter().find_map(|outcome| outcome.failure.as_ref());
    if let Some(Failure { reason, message }) = failure {
        let reason = reason.name();
        tracing::warn!(target = %target.url(), reason, error = message, "probe failed");
    }
    let took = started.elapsed();
    let metrics = Metrics::of_targets(REASONS);
    metrics.configure((*state.metrics.settings()).clone());
    // Prometheus adds `instance` and `job` itself.
    let mut labels = (*target.labels).clone();
    labels.retain(|name| name != "instance" && name != "job");
    let labels = Arc::new(labels);
    metrics.add(&labels);
    for report in outcomes
        .iter()
        .filter_map(|outcome| outcome.report.as_ref())
    {
        metrics.record(&labels, report, took, SystemTime::now());
    }
    let success = failure.is_none();
    if let Some(failure) = failure {
        metrics.failed(&labels, failure.reason.name());
    }
    let encoding = negotiate(request.headers());
    match prometheus::probe(&metrics, success, took, encoding) {
        Ok(body) => compressed(request.headers(), encoding.content_type(), body),
        Err(error) => text(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string()),
    }
}

async fn capture(
    target: &Target,
    options: Options,
    state: &State,
    room: &Reservation,
) -> Result<Vec<CaptureOutcome>, Failure> {
    let (seconds, started) = (options.seconds, Instant::now());
    let capture = captures::begin(&Scraper::new(options), target, seconds).await;
    let capture = capture.map_err(|error| Failure::from(&error))?;
    let read = captures::read(&state.pipeline, target, capture, room, false).await;
    Ok(read.into_outcomes(&target.labels, started.elapsed()).0)
}

/// Shortens the options so that the capture ends before the scrape timeout; `None` if the timeout
/// is too short.
fn in_time(options: Options, headers: &HeaderMap) -> Option<Options> {
    let Some(given) = headers.get(TIMEOUT) else {
        return Some(options);
    };
    let given = given.to_str().ok()?.parse().ok()?;
    let given = Duration::try_from_secs_f64(given).ok()?;
    let all = given.checked_sub(RESERVE)?;
    // Connecting and analyzing take a part of it.
    let longest = u32::try_from(all.checked_sub(RESERVE)?.as_secs()).unwrap_or(u32::MAX);
    let seconds = options.seconds.min(longest);
    let timeout = all.checked_sub(Duration::from_secs(seconds.into()))?;
    (seconds > 0).then_some(Options {
        seconds,
        timeout: timeout.min(options.timeout),
        ..options
    })
}

/// Returns a decoded query parameter; empty if it is missing.
fn parameter(query: &str, name: &str) -> String {
    let mut pairs = form_urlencoded::parse(query.as_bytes());
    let found = pairs.find(|(n, _)| n == name);
    found.map_or_else(String::new, |(_, value)| value.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_decoded() {
        let query = "module=a+b&target=http%3A%2F%2Fx%3a1%zz&c";
        assert_eq!(parameter(query, "target"), "http://x:1%zz");
        assert_eq!(parameter(query, "module"), "a b");
        assert_eq!(parameter(query, "c"), "");
    }

    #[test]
    fn a_capture_ends_before_who_asks_gives_up() {
        let in_time = |seconds: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(TIMEOUT, seconds.parse().unwrap());
            super::in_time(Options::default(), &headers)
        };
        let ten = in_time("10").unwrap();
        assert_eq!((ten.seconds, ten.timeout), (5, Duration::from_millis(4500)));
        let three = in_time("3.0").unwrap();
        assert_eq!((three.seconds, three.timeout), (2, RESERVE));
        assert_eq!(in_time("1.5"), None);
        assert_eq!(in_time("-1"), None);
    }
}
