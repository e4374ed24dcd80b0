//! `/metrics`, written while the scraper reads it.

use std::net::IpAddr;

use hyper::StatusCode;
use hyper::header::{ACCEPT, HeaderMap, USER_AGENT};

use super::call::Call;
use super::reply::{Reply, text, written};
use crate::export::prometheus::{Encoding, Exposition};

/// Number of bytes of the `User-Agent` that identify a scraper.
const AGENT: usize = 200;

/// Answers a scrape.
pub(super) fn metrics(call: &Call<'_>) -> Reply {
    let (metrics, client) = (&call.state.metrics, call.in_flight.address());
    if !metrics.settings().enabled {
        let off = "there are no metrics here; `prometheus: {enabled: true}` switches them on";
        return text(StatusCode::NOT_FOUND, off);
    }
    let headers = call.request.headers();
    let encoding = negotiate(headers);
    let content_type = encoding.content_type();
    let scraper = scraper(client, content_type, headers);
    let exposition = Exposition::new(metrics, encoding, scraper);
    written(headers, content_type, move |body| {
        exposition.write(&mut *body)?;
        body.finish(move || exposition.delivered())
    })
}

/// Negotiates the encoding with a scraper.
pub(super) fn negotiate(headers: &HeaderMap) -> Encoding {
    let accept = headers.get_all(ACCEPT).iter();
    let accept: Vec<_> = accept.filter_map(|v| v.to_str().ok()).collect();
    Encoding::negotiate(&accept.join(","))
}

/// Returns the identity of a scraper: its address, `User-Agent` and format. One Prometheus may have
/// two jobs, for native and for classic histograms.
fn scraper(client: IpAddr, content_type: &str, headers: &HeaderMap) -> String {
    let agent = headers.get(USER_AGENT).map_or(&b""[..], |v| v.as_bytes());
    let agent = String::from_utf8_lossy(&agent[..agent.len().min(AGENT)]);
    format!("{client} {content_type} {agent}")
}
