//! Profiles of leaked goroutines, which programs of Go 1.27 serve beside traces.
//!
//! The runtime collects garbage for it, and proves goroutines leaked that wait for objects that nothing else can reach.

use http_body_util::{BodyExt, Limited};
use hyper::body::Bytes;
use hyper::header::HeaderMap;
use hyper::{Method, StatusCode};
use tokio::time::{Instant, timeout_at};

use super::{Scraper, Target};
use crate::pprof::{Counted, decode};
use crate::source::http::explain;

/// Maximum size of a response, bytes.
const LIMIT: usize = 1 << 20;

/// Reason why there is no profile.
#[derive(Debug, thiserror::Error)]
pub enum LeakError {
    /// The program has no such profile: it was built with Go 1.26 or older.
    #[error("the program serves no goroutineleak profile; Go 1.27 and later have one")]
    Unsupported,
    /// The request failed.
    #[error("{0}")]
    Failed(String),
}

impl Scraper {
    /// Requests the profile of leaked goroutines.
    ///
    /// # Errors
    /// If the program has no such profile, or does not send it in time.
    pub async fn leaks(&self, target: &Target) -> Result<Vec<Counted>, LeakError> {
        let deadline = Instant::now() + self.options().timeout;
        let body = timeout_at(deadline, self.leak_profile(target, deadline)).await;
        let body = body.map_err(|_| {
            let allowed = self.options().timeout;
            LeakError::Failed(format!("no complete answer within {allowed:?}"))
        })??;
        let decoded = tokio::task::spawn_blocking(move || decode(&body)).await;
        let failed = |error: &dyn std::fmt::Display| LeakError::Failed(error.to_string());
        let decoded = decoded.map_err(|error| failed(&error))?;
        decoded.map_err(|error| failed(&error))
    }

    async fn leak_profile(&self, target: &Target, deadline: Instant) -> Result<Bytes, LeakError> {
        let options = self.options();
        let failed = |error: &dyn std::fmt::Display| LeakError::Failed(error.to_string());
        let client = options.http.client(options.timeout, target.socket()).await;
        let client = client.map_err(|error| failed(&error))?;
        let (none, url) = (HeaderMap::new(), target.leak_profile());
        let answer = client.send(&Method::GET, url, &none, &Bytes::new()).await;
        let answer = answer.map_err(|error| failed(&error))?;
        match answer.status() {
            StatusCode::OK => {}
            StatusCode::NOT_FOUND => return Err(LeakError::Unsupported),
            _ => {
                let refusal = explain(answer, deadline).await;
                let line = refusal.line.unwrap_or_default();
                return Err(LeakError::Failed(format!("{} {line}", refusal.status)));
            }
        }
        let body = Limited::new(answer.into_body(), LIMIT).collect().await;
        Ok(body.map_err(|error| failed(&error))?.to_bytes())
    }
}
