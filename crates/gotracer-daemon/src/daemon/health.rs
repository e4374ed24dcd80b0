//! Asking a daemon whether it is healthy, as the HEALTHCHECK of an image does.

use std::path::{Path, PathBuf};
use std::time::Duration;

use http_body_util::{BodyExt, Limited};
use hyper::body::Bytes;
use hyper::header::HeaderMap;
use hyper::http::uri::PathAndQuery;
use hyper::{Method, StatusCode, Uri};
use serde::Deserialize;

use crate::config::read_yaml;
use crate::source::http::{Authorization, BasicAuth, FieldError, Headers, HttpOptions, TlsConfig};

/// Where a daemon says that it is healthy.
const PATH: &str = "/-/healthy";

/// More than it says.
const LIMIT: usize = 64 << 10;

/// Whom to ask, and how.
#[derive(Clone, Debug)]
pub struct HealthCheck {
    /// The daemon's URL; without a path, `/-/healthy` is asked for.
    pub url: String,
    /// Passwords, headers and TLS: a file in the words of Prometheus' HTTP
    /// clients.
    pub http: Option<PathBuf>,
    /// Whether to believe whatever certificate is shown.
    pub insecure: bool,
    /// How long all of it may take.
    pub timeout: Duration,
}

/// Why a daemon is not healthy, or can't be asked.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HealthError {
    /// It can't be asked there.
    #[error("\"{0}\" is no URL such as http://localhost:16060")]
    NotAUrl(String),
    /// The file can't be used.
    #[error("{}: {why}", .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// It does not answer, or not well.
    #[error("{url}: {why}")]
    Unhealthy {
        /// What was asked.
        url: Uri,
        /// What came of it.
        why: String,
    },
}

/// What the file may say.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct HttpYaml {
    basic_auth: Option<BasicAuth>,
    authorization: Option<Authorization>,
    http_headers: Headers,
    tls_config: TlsConfig,
    follow_redirects: Option<bool>,
}

impl HealthCheck {
    /// Asks.
    ///
    /// # Errors
    /// If the answer is not that all is well.
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
        let client = options.client(self.timeout).await;
        let client = client.map_err(|e| e.to_string())?;
        let (headers, nothing) = (HeaderMap::new(), Bytes::new());
        let answer = client.send(&Method::GET, url.clone(), &headers, &nothing);
        let answer = answer.await.map_err(|e| e.to_string())?;
        match answer.status() {
            StatusCode::OK => {}
            StatusCode::UNAUTHORIZED => {
                return Err("it wants a password, which --http.config.file may hold".into());
            }
            status => return Err(format!("the answer was {status}")),
        }
        // Who can't end what it began to say is not well.
        let body = Limited::new(answer.into_body(), LIMIT).collect().await;
        body.map(drop).map_err(|e| e.to_string())
    }

    fn endpoint(&self) -> Result<Uri, HealthError> {
        let bad = || HealthError::NotAUrl(self.url.clone());
        let url: Uri = self.url.parse().map_err(|_| bad())?;
        let host = url.authority().ok_or_else(bad)?;
        // Who we are stands in the file, not where processes are listed.
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

impl HttpYaml {
    fn options(&self) -> Result<HttpOptions, FieldError> {
        HttpOptions::new(
            self.basic_auth.as_ref(),
            self.authorization.as_ref(),
            &self.http_headers,
            &self.tls_config,
            self.follow_redirects,
        )
    }
}

/// What a file says. This blocks, and nobody else waits.
fn read(path: &Path) -> Result<HttpOptions, HealthError> {
    let wrong = |why: String| HealthError::File {
        path: path.into(),
        why,
    };
    let text = std::fs::read_to_string(path);
    let text = text.map_err(|e| wrong(format!("cannot read: {e}")))?;
    let yaml = read_yaml::<HttpYaml>(&text).map_err(|e| wrong(e.to_string()))?;
    let options = yaml.unwrap_or_default().options();
    options.map_err(|e| wrong(e.to_string()))
}
