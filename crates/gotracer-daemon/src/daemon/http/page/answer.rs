//! Handlers of the pages.

use hyper::StatusCode;

use super::Overview;
use crate::daemon::exposure::Gate;
use crate::daemon::http::call::Call;
use crate::daemon::http::moments;
use crate::daemon::http::reply::{HTML, Reply, compressed, is_browser, text};

/// Answers with the landing page. Kept traces are only listed for clients that may read them.
pub(crate) fn landing(call: &Call<'_>) -> Reply {
    let state = &call.state;
    let closed = state.exposure.closed_by(Gate::Evidence).is_some();
    let evidence = match closed && !call.trusted {
        true => Vec::new(),
        false => state.evidence.all(),
    };
    let page = super::landing(&Overview {
        targets: state.table.all(),
        watches: state.watches.all(),
        recent: state.recent.all(),
        evidence,
    });
    compressed(call.request.headers(), HTML, page.into())
}

/// Answers with the page of a report or failure. It links to the kept trace for clients that may read it.
pub(crate) async fn report(call: Call<'_>) -> Reply {
    let number = call.below.parse().ok();
    match number.and_then(|number| call.state.recent.find(number)) {
        Some(entry) => {
            let closed = call.state.exposure.closed_by(Gate::Evidence).is_some();
            let moments = moments::of(&entry, call.in_flight, &call.state).await;
            let page = super::report(&entry, &moments, !closed || call.trusted);
            compressed(call.request.headers(), HTML, page.into())
        }
        None => text(StatusCode::NOT_FOUND, "this report is no longer kept"),
    }
}

/// Answers with the page of the releases.
pub(crate) fn releases(call: &Call<'_>) -> Reply {
    let page = super::releases(&call.state.releases.all());
    compressed(call.request.headers(), HTML, page.into())
}

/// Answers with the effective configuration: a page for browsers, else YAML.
pub(crate) fn configuration(call: &Call<'_>) -> Reply {
    let headers = call.request.headers();
    let yaml = call.state.effective.text();
    if is_browser(headers) {
        let page = super::configuration(&yaml);
        return compressed(headers, HTML, page.into());
    }
    let body = yaml.as_bytes().to_vec();
    compressed(headers, "text/yaml; charset=utf-8", body)
}
