//! JSON document of the targets, in the format of Prometheus' API.

use jiff::Timestamp;
use serde::Serialize;

use super::call::Call;
use super::reply::{JSON, Reply, compressed};
use crate::daemon::leaks::Leaks;
use crate::daemon::target_table::{Last, TargetTable};
use crate::labels::Labels;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    labels: Labels,
    scrape_url: String,
    /// `up`, `down`, or `unknown` before the first capture has ended.
    health: &'static str,
    last_scrape: Option<Timestamp>,
    last_scrape_duration: Option<f64>,
    last_error: String,
    /// Value of the label `reason` of `gotracer_trace_failures_total`.
    reason: Option<&'static str>,
    /// Goroutines that the last goroutineleak profile proved leaked.
    #[serde(skip_serializing_if = "Option::is_none")]
    leaks: Option<Leaks>,
}

/// Answers with the targets.
pub(super) fn list(call: &Call<'_>) -> Reply {
    let body = document(&call.state.table).to_string();
    compressed(call.request.headers(), JSON, body.into())
}

/// Builds the document.
fn document(table: &TargetTable) -> serde_json::Value {
    let row = |(labels, url, last): (Labels, String, _)| {
        let leaks = table.leaks(&labels, &url);
        row((labels, url, last), leaks)
    };
    let rows: Vec<_> = table.all().into_iter().map(row).collect();
    serde_json::json!({"status": "success", "data": {"activeTargets": rows}})
}

fn row((labels, scrape_url, last): (Labels, String, Option<Last>), leaks: Option<Leaks>) -> Row {
    let failure = last.as_ref().and_then(|l| l.failure.as_ref());
    Row {
        labels,
        scrape_url,
        health: match (&last, failure) {
            (None, _) => "unknown",
            (Some(_), None) => "up",
            (Some(_), Some(_)) => "down",
        },
        last_scrape: last.as_ref().and_then(|l| Timestamp::try_from(l.at).ok()),
        last_scrape_duration: last.as_ref().map(|l| l.took.as_secs_f64()),
        last_error: failure.map_or(String::new(), |f| f.message.clone()),
        reason: failure.map(|f| f.reason.name()),
        leaks,
    }
}
