//! Client of a daemon's health endpoint, for `gotracer health` and the image's HEALTHCHECK.

use std::path::{Path, PathBuf};
use std::time::Duration;

use http_body_util::{BodyExt, Limited};
use hyper::body::Bytes;
use hyper::header::HeaderMap;
use hyper::http::uri::PathAndQuery;
use hyper::{Method, StatusCode, Uri};

use crate::source::http::HttpOptions;

/// Path of the health endpoint.
const PATH: &str = "/-/healthy";

/// Size limit of an answer, bytes.
const LIMIT: usize = 64 << 10;

/// Settings of a health check.
#[derive(Clone, Debug)]
pub struct HealthCheck {
    /// URL of the daemon; `/-/healthy` is added if it has no path.
    pub url: String,
    /// File with credentials, headers and TLS settings, with the keys of Prometheus' HTTP clients.
    pub http: Option<PathBuf>,
    /// Whether to skip the verification of the server's certificate.
    pub insecure: bool,
    /// Timeout of the whole check.
    pub timeout: Duration,
}

/// Reason why a health check failed.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HealthError {
    /// The URL is not valid.
    #[error("\"{0}\" is no URL such as http://localhost:16060")]
    NotAUrl(String),
    /// The file cannot be used.
    #[error("{}: {why}", .path.display())]
    File {
        /// Path of the file.
        path: PathBuf,
        /// Error in the file.
        why: String,
    },
    /// The daemon does not answer, or is not healthy.
    #[error("{url}: {why}")]
    Unhealthy {
        /// URL of the request.
        url: Uri,
        /// Error or status.
        why: String,
    },
}

impl HealthCheck {
    /// Runs the check.
    ///
    /// # Errors
    /// If the daemon does not answer with status 200.
    pub async fn run(&self) -> Result<(), HealthError> {
        let url = self.endpoint()?;
        let mut options = match &self.http {
            Some(path) => read(path)?,
            None => HttpOptions::default(),
        };
        if self.insecure {
            options.tls = options.tls.believing_everybody();
        }
        let asked = tokio::time::timeout(self.timeout, self.ask(&url, &options)).await;
        let asked = asked.unwrap_or_else(|_| Err(format!("no answer within {:?}", self.timeout)));
        asked.map_err(|why| HealthError::Unhealthy { url, why })
    }

    async fn ask(&self, url: &Uri, options: &HttpOptions) -> Result<(), String> {
        let client = options.client(self.timeout, None).await;
        let client = client.map_err(|e| e.to_string())?;
        let (headers, nothing) = (HeaderMap::new(), Bytes::new());
        let answer = client.send(&Method::GET, url.clone(), &headers, &nothing);
        let answer = answer.await.map_err(|e| e.to_string())?;
        match answer.status() {
            StatusCode::OK => {}
            StatusCode::UNAUTHORIZED => {
                return Err(
                    "it requires credentials; set them in the file of --http.config.file".into(),
                );
            }
            status => return Err(format!("the answer was {status}")),
        }
        // A truncated body means unhealthy.
        let body = Limited::new(answer.into_body(), LIMIT).collect().await;
        body.map(drop).map_err(|e| e.to_string())
    }

    fn endpoint(&self) -> Result<Uri, HealthError> {
        let bad = || HealthError::NotAUrl(self.url.clone());
        let url: Uri = self.url.parse().map_err(|_| bad())?;
        let host = url.authority().ok_or_else(bad)?;
        // Credentials belong in the file, not in argv, which `ps` shows.
        let known = matches!(url.scheme_str(), Some("http" | "https"));
        if !known || host.as_str().contains('@') {
            return Err(bad());
        }
        if url.path() != "/" {
            return Ok(url);
        }
        let mut parts = url.into_parts();
        parts.path_and_query = Some(PathAndQuery::from_static(PATH));
        Uri::from_parts(parts).map_err(|_| bad())
    }
}

/// Reads the file. Blocks, which is fine: nothing else runs in this process.
fn read(path: &Path) -> Result<HttpOptions, HealthError> {
    let wrong = |why: String| HealthError::File {
        path: path.into(),
        why,
    };
    let text = std::fs::read_to_string(path);
    let text = text.map_err(|e| wrong(format!("cannot read: {e}")))?;
    HttpOptions::from_yaml(&text).map_err(|e| wrong(e.to_string()))
}
