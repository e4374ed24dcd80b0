//! CPU profile beside a trace: while a profile is active, the runtime writes CPU samples into the
//! trace as well. The profile itself is discarded.

use std::time::Duration;

use http_body_util::BodyExt;
use hyper::body::{Bytes, Incoming};
use hyper::header::HeaderMap;
use hyper::{Method, StatusCode};
use tokio::time::{Instant, sleep, timeout};

use super::cpu_profile::CpuProfile;
use super::{Scraper, Target};
use crate::cause::deepest;
use crate::source::http::explain;

/// Time that the profile gets to start before the trace. A refusal arrives within it.
const HEAD_START: Duration = Duration::from_millis(250);
/// Time by which a profile is longer than its trace, seconds.
const LONGER: u32 = 1;
/// Duration of the profiles of a stream, seconds, and the time from one to the next.
const OF_STREAM: u32 = 10;
const PERIOD: Duration = Duration::from_secs(60);

impl Scraper {
    /// Starts a CPU profile for a trace of `seconds`.
    ///
    /// # Errors
    /// Returns the reason if the program refuses, such as another profile.
    pub(super) async fn profile(
        &self,
        target: &Target,
        seconds: u32,
    ) -> Result<CpuProfile, String> {
        let (scraper, target) = (self.clone(), target.clone());
        let seconds = seconds.saturating_add(LONGER);
        let mut task = tokio::spawn(async move {
            let body = scraper.start_profile(&target, seconds).await?;
            discard(body).await
        });
        match timeout(HEAD_START, &mut task).await {
            Ok(Ok(Ok(()))) => Err("the profile ended at once".into()),
            Ok(Ok(Err(why))) => Err(why),
            Ok(Err(error)) => Err(error.to_string()),
            // A program that refuses later leaves the trace without samples.
            Err(_) => Ok(CpuProfile::of(&task)),
        }
    }

    /// Starts CPU profiles of ten seconds in every minute of a stream. `refused` is called for each
    /// that the program refuses.
    pub(super) fn profiles(
        &self,
        target: &Target,
        refused: impl Fn() + Send + 'static,
    ) -> CpuProfile {
        let (scraper, target) = (self.clone(), target.clone());
        let task = tokio::spawn(async move {
            loop {
                let error = match scraper.start_profile(&target, OF_STREAM).await {
                    Ok(body) => discard(body).await.err(),
                    Err(error) => {
                        refused();
                        Some(error)
                    }
                };
                if let Some(error) = error {
                    tracing::info!(target = %target.url(), error, "no CPU profile");
                }
                sleep(PERIOD.saturating_sub(Duration::from_secs(OF_STREAM.into()))).await;
            }
        });
        CpuProfile::of(&task)
    }

    /// Requests a CPU profile, and returns its body once the program has begun it.
    async fn start_profile(&self, target: &Target, seconds: u32) -> Result<Incoming, String> {
        let options = self.options();
        let client = options.http.client(options.timeout, target.socket()).await;
        let client = client.map_err(|e| e.to_string())?;
        let (none, url) = (HeaderMap::new(), target.profile(seconds));
        let answer = client.send(&Method::GET, url, &none, &Bytes::new()).await;
        let answer = answer.map_err(|e| e.to_string())?;
        if answer.status() != StatusCode::OK {
            let refusal = explain(answer, Instant::now() + options.timeout).await;
            let line = refusal.line.unwrap_or_default();
            return Err(format!("{} {line}", refusal.status));
        }
        Ok(answer.into_body())
    }
}

/// Reads a CPU profile to its end.
async fn discard(mut body: Incoming) -> Result<(), String> {
    while let Some(frame) = body.frame().await {
        frame.map_err(|e| deepest(&e))?;
    }
    Ok(())
}
