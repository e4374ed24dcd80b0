//! JSON document of the targets, in the format of Prometheus' API.

use jiff::Timestamp;
use serde::Serialize;

use super::call::Call;
use super::reply::{JSON, Reply, compressed};
use crate::daemon::leaks::Leaks;
use crate::daemon::target_table::{Status, TargetTable};
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
    let rows: Vec<_> = table.all().into_iter().map(row).collect();
    serde_json::json!({"status": "success", "data": {"activeTargets": rows}})
}

fn row(target: Status) -> Row {
    let Status {
        labels,
        url,
        last,
        leaks,
    } = target;
    let failure = last.as_ref().and_then(|l| l.failure.as_ref());
    Row {
        labels,
        scrape_url: url,
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
