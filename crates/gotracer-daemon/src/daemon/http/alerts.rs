//! `/api/v1/alertmanager`: captures the targets of a firing alert and keeps the traces.
//!
//! The webhook cannot cause more tracing than the configuration permits: known targets only, each
//! at most once per `evidence.interval`.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

use hyper::StatusCode;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

use super::State;
use super::body::Upload;
use super::call::Call;
use super::connections::Kind;
use super::reply::{BUSY, Reply, busy, refusal, reply, text};
use crate::daemon::captures;
use crate::daemon::pipeline::BASE;
use crate::daemon::target_table::CaptureLock;
use crate::labels::Labels;
use crate::source::scrape::{Mode, Options, Scraper, Target};

/// Maximum size of a notification, bytes.
const LIMIT: u64 = 1 << 20;
/// Maximum number of targets captured per alert. A service may have hundreds of instances; a few
/// show its problem.
const TARGETS: usize = 3;
/// Longest wait for another capture of the same target.
const WAIT: Duration = Duration::from_secs(120);

/// Times of the captures that alerts caused, by target.
#[derive(Default)]
pub(crate) struct Alerted(Mutex<HashMap<(Labels, String), Instant>>);

/// Notification of Alertmanager, as far as it is needed here.
#[derive(Deserialize)]
struct Notification {
    alerts: Vec<Alert>,
}

#[derive(Deserialize)]
struct Alert {
    status: String,
    labels: BTreeMap<String, String>,
}

/// Result for a firing alert.
#[derive(Serialize)]
struct Answer<'a> {
    alert: &'a str,
    /// URLs of the targets that are captured now.
    captures: Vec<String>,
    /// Reason why no target is captured.
    #[serde(skip_serializing_if = "Option::is_none")]
    skipped: Option<&'static str>,
}

/// Accepts a notification, and answers before the captures begin.
pub(super) async fn webhook(call: Call<'_>) -> Reply {
    let Call {
        request,
        in_flight,
        state,
        ..
    } = call;
    let mut body = Upload::new(request.into_body(), in_flight);
    let head = match body.head().await {
        Ok(head) => head,
        Err(error) => return refusal(&error),
    };
    in_flight.becomes(Kind::Alert);
    let Ok(_turn) = state.limits.admit(Kind::Alert, in_flight).await else {
        return busy(BUSY);
    };
    let body = match body.collect(head, LIMIT).await {
        Ok(body) => body,
        Err(error) => return refusal(&error),
    };
    let notification: Notification = match serde_json::from_slice(&body) {
        Ok(notification) => notification,
        Err(error) => {
            let why = format!("not a notification of Alertmanager: {error}");
            return text(StatusCode::BAD_REQUEST, &why);
        }
    };
    let Some(evidence) = state.evidence.now() else {
        let off = "no evidence is kept; set --evidence.path or `evidence: {directory: …}`";
        return text(StatusCode::CONFLICT, off);
    };
    let interval = evidence.settings().interval;
    let firing = notification.alerts.iter().filter(|a| a.status == "firing");
    let answers = firing.map(|alert| {
        let name = alert.labels.get("alertname").map_or("", String::as_str);
        let meant = state.table.meant(&alert.labels);
        let known = !meant.is_empty();
        let due = meant
            .into_iter()
            .filter(|(target, ..)| state.alerted.admit(target, interval))
            .take(TARGETS);
        let captures: Vec<_> = due.map(|meant| start(&state, name, meant)).collect();
        Answer {
            alert: name,
            skipped: match (known, captures.is_empty()) {
                (false, _) => Some("no target has its instance or service"),
                (true, true) => Some("captured a short while ago"),
                (true, false) => None,
            },
            captures,
        }
    });
    let answers: Vec<_> = answers.collect();
    let body = serde_json::json!({"status": "success", "data": answers});
    reply(StatusCode::ACCEPTED, "application/json", body.to_string())
}

impl Alerted {
    /// Whether a target may be captured again; if so, records the time.
    fn admit(&self, target: &Target, interval: Duration) -> bool {
        let mut known = self.0.lock();
        known.retain(|_, at| at.elapsed() < interval);
        let key = ((*target.labels).clone(), target.url().to_string());
        let free = !known.contains_key(&key);
        if free {
            known.insert(key, Instant::now());
        }
        free
    }
}

/// Starts the capture of a target, and returns its URL.
fn start(
    state: &Arc<State>,
    alert: &str,
    (target, options, turn): (Target, Arc<Options>, CaptureLock),
) -> String {
    let url = target.url().to_string();
    tracing::info!(alert, target = url, labels = %target.labels, "capture started for an alert");
    let why = format!("alert {alert}");
    match options.mode {
        Mode::Stream => state.table.request(&target, &why),
        Mode::Scrape => {
            let state = Arc::clone(state);
            tokio::spawn(async move { capture(&state, &target, options, &turn, &why).await });
        }
    }
    url
}

async fn capture(
    state: &State,
    target: &Target,
    options: Arc<Options>,
    turn: &CaptureLock,
    why: &str,
) {
    let pipeline = &state.pipeline;
    let source = target.url().to_string();
    let Ok(_mine) = tokio::time::timeout(WAIT, turn.lock()).await else {
        tracing::warn!(
            target = source,
            "target not captured for an alert: another capture takes too long"
        );
        return;
    };
    let started = Instant::now();
    let seconds = options.seconds;
    match captures::begin(&Scraper::new(options), target, seconds).await {
        Ok(capture) => {
            let room = state.memory.reserve(BASE).await;
            let read = captures::read(pipeline, target, capture, &room, true).await;
            let (took, why) = (started.elapsed(), Some(why.into()));
            captures::conclude(pipeline, target, took, read, why, &room).await;
        }
        Err(error) => {
            pipeline.fail(&target.labels, source, (&error).into());
        }
    }
}
