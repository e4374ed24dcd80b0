//! `http_sd_configs`: target groups from an HTTP server.

use std::time::Duration;

use futures_util::future::BoxFuture;
use http_body_util::{BodyExt, Limited};
use hyper::body::Bytes;
use hyper::header::{ACCEPT, HeaderMap, HeaderName, HeaderValue};
use hyper::{Method, StatusCode, Uri};
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc::Sender;
use tokio::time::Instant;

use super::group::Group;
use super::mechanism::Mechanism;
use super::refresh::{DiscoveryError, Update, parse};
use crate::source::http::{FieldError, explain, http_section};
use crate::source::yaml::duration;

/// Default refresh interval, as in Prometheus.
const ASK: Duration = Duration::from_secs(60);
/// Limits of a request: time to connect, total time, and bytes of the response.
const CONNECT: Duration = Duration::from_secs(10);
const PATIENCE: Duration = Duration::from_secs(30);
const LIMIT: usize = 64 << 20;

http_section! {
    /// One entry of `http_sd_configs`.
    #[derive(Clone, PartialEq, Eq, Hash, Debug, Deserialize, Serialize)]
    #[serde(deny_unknown_fields)]
    pub struct HttpSd {
        url: String,
        #[serde(default, with = "duration")]
        refresh_interval: Option<Duration>,
    } with http {}
}

impl Mechanism for HttpSd {
    fn check(&self) -> Result<(), FieldError> {
        let error = |why: String| Err(FieldError::new("http_sd_configs", why));
        let url: Option<Uri> = self.url.parse().ok();
        let scheme = url.as_ref().and_then(Uri::scheme_str);
        let host = url.as_ref().and_then(Uri::authority);
        match (scheme, host) {
            (Some("http" | "https"), Some(host)) if !host.as_str().contains('@') => {}
            // Logs and labels would show it.
            (Some("http" | "https"), Some(_)) => {
                return error("a URL must not hold a user's name or password".into());
            }
            _ => {
                return error(format!(
                    "\"{}\" is no URL with http:// or https://",
                    self.url
                ));
            }
        }
        self.http().map(drop).map_err(within)
    }

    fn check_files(&self, _: &mut dyn FnMut(FieldError)) -> Result<(), FieldError> {
        self.http()
            .and_then(|http| http.check_files())
            .map_err(within)
    }

    fn follow(&self, updates: Sender<Update>) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            loop {
                let update = match self.ask().await {
                    Ok(groups) => Update::found(groups),
                    Err(why) => Update::failed(DiscoveryError::new(&self.url, why)),
                };
                if updates.send(update).await.is_err() {
                    return;
                }
                tokio::time::sleep(self.interval()).await;
            }
        })
    }
}

impl HttpSd {
    fn interval(&self) -> Duration {
        self.refresh_interval.unwrap_or(ASK)
    }

    /// Fills in defaults.
    pub(super) fn fill(&mut self) {
        self.refresh_interval.get_or_insert(ASK);
        self.follow_redirects.get_or_insert(true);
    }

    async fn ask(&self) -> Result<Vec<Group>, String> {
        let answer = tokio::time::timeout(PATIENCE, self.answer()).await;
        let text = answer.map_err(|_| format!("no answer within {PATIENCE:?}"))??;
        parse(&text, "__meta_url", &self.url)
    }

    async fn answer(&self) -> Result<String, String> {
        let url: Uri = self.url.parse().map_err(|_| "this is no URL")?;
        let http = self.http().map_err(|e| e.to_string())?;
        let client = http
            .client(CONNECT, None)
            .await
            .map_err(|e| e.to_string())?;
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        let interval = HeaderName::from_static("x-prometheus-refresh-interval-seconds");
        headers.insert(interval, self.interval().as_secs().into());
        let nothing = Bytes::new();
        let answer = client.send(&Method::GET, url, &headers, &nothing);
        let answer = answer.await.map_err(|e| e.to_string())?;
        if answer.status() != StatusCode::OK {
            let refusal = explain(answer, Instant::now() + PATIENCE).await;
            let line = refusal
                .line
                .map_or(String::new(), |line| format!(": {line}"));
            return Err(format!("the answer was {}{line}", refusal.status));
        }
        let body = Limited::new(answer.into_body(), LIMIT).collect().await;
        let body = body.map_err(|e| e.to_string())?.to_bytes();
        String::from_utf8(body.into()).map_err(|e| e.to_string())
    }
}

/// Prefixes the field's name with the section's.
fn within(error: FieldError) -> FieldError {
    FieldError::new(format!("http_sd_configs: {}", error.field), error.why)
}
