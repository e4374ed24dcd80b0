//! Web configuration, `--web.config.file`: TLS, users and headers of the HTTP server in the format
//! of Prometheus' exporter toolkit.
//!
//! Each connection and request checks whether the file or one that it names has changed. If the new
//! content is invalid, the previous configuration stays in force.

mod file;
mod limit;
mod tls;
mod users;

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use hyper::header::{HeaderMap, HeaderName, HeaderValue};
use parking_lot::{Mutex, MutexGuard};
use rustls::ServerConfig;

use self::file::FileYaml;
use self::limit::{Bucket, Rate};
use self::users::{Users, Verified};
use crate::config::read_yaml;
use crate::source::directory::Stamp;

/// Reason why a web configuration cannot be used.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{}: {why}", .path.display())]
pub struct WebError {
    path: PathBuf,
    why: String,
}

/// Web configuration.
#[derive(Debug)]
pub(super) struct Web {
    /// TLS settings, if TLS is enabled.
    pub tls: Option<Arc<ServerConfig>>,
    /// Whether client certificates are verified.
    pub verifies_clients: bool,
    /// Headers of every answer.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    users: Users,
    rate: Option<Rate>,
}

/// Web configuration that follows its file.
pub(super) struct Guard {
    path: PathBuf,
    last: Mutex<Last>,
    bucket: Bucket,
    verified: Verified,
}

struct Last {
    web: Arc<Web>,
    stamps: Vec<(PathBuf, Option<Stamp>)>,
}

/// Decision on a request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Verdict {
    /// The request is answered.
    Admitted,
    /// The credentials are missing or wrong.
    Unknown,
    /// The rate limit is exceeded.
    TooMany,
}

impl Web {
    /// Whether clients need credentials.
    pub(super) fn has_users(&self) -> bool {
        !self.users.is_empty()
    }
}

impl Guard {
    /// Reads the file.
    ///
    /// # Errors
    /// If it can't be used.
    pub(super) fn new(path: &Path) -> Result<Self, WebError> {
        let last = Mutex::new(read(path)?);
        Ok(Self {
            path: path.into(),
            last,
            bucket: Bucket::default(),
            verified: Verified::default(),
        })
    }

    /// Returns the configuration of the file as it is now, or the last valid one.
    pub(super) async fn now(self: &Arc<Self>) -> Arc<Web> {
        let guard = Arc::clone(self);
        let looked = tokio::task::spawn_blocking(move || guard.look()).await;
        looked.unwrap_or_else(|_| Arc::clone(&self.lock().web))
    }

    /// Decides whether a request from this address is answered.
    pub(super) async fn judge(&self, web: &Web, headers: &HeaderMap, client: IpAddr) -> Verdict {
        if web.rate.is_some_and(|rate| !self.bucket.take(rate)) {
            Verdict::TooMany
        } else if web.users.admit(&self.verified, headers, client).await {
            Verdict::Admitted
        } else {
            Verdict::Unknown
        }
    }

    fn look(&self) -> Arc<Web> {
        let mut last = self.lock();
        let changed = last.stamps.iter().any(|(path, was)| stamp(path) != *was);
        if changed {
            let found = read(&self.path).and_then(|new| {
                if new.web.tls.is_some() == last.web.tls.is_some() {
                    return Ok(new);
                }
                Err(WebError {
                    path: self.path.clone(),
                    why: "TLS is switched on or off at a start only".into(),
                })
            });
            match found {
                Ok(new) => {
                    tracing::info!(file = %self.path.display(), "web configuration reloaded");
                    self.verified.forget();
                    *last = new;
                }
                Err(error) => {
                    tracing::error!(%error, "web configuration not reloaded; the previous one stays in force");
                    // An error is logged once until a file changes.
                    for (path, was) in &mut last.stamps {
                        *was = stamp(path);
                    }
                }
            }
        }
        Arc::clone(&last.web)
    }

    fn lock(&self) -> MutexGuard<'_, Last> {
        self.last.lock()
    }
}

fn stamp(path: &Path) -> Option<Stamp> {
    Stamp::of(path).ok().flatten()
}

fn read(path: &Path) -> Result<Last, WebError> {
    let wrong = |why: String| WebError {
        path: path.into(),
        why,
    };
    // Stamps are taken before reading: the next check sees a concurrent change.
    let mut stamps = vec![(path.to_owned(), stamp(path))];
    let text = std::fs::read_to_string(path);
    let text = text.map_err(|e| wrong(format!("cannot read: {e}")))?;
    let file = read_yaml::<FileYaml>(&text).map_err(|e| wrong(e.to_string()))?;
    let mut file = file.unwrap_or_default();
    let folder = path.parent().unwrap_or(Path::new(""));
    file.tls_server_config.within(folder);
    let named = file.tls_server_config.files().map(Path::to_owned);
    stamps.extend(named.map(|path| (path.clone(), stamp(&path))));
    let tls = tls::server(&file.tls_server_config, file.http_server_config.http2);
    let tls = tls.map_err(|e| wrong(format!("tls_server_config: {e}")))?;
    let headers = file.http_server_config.headers();
    let headers = headers.map_err(|why| wrong(format!("http_server_config: headers: {why}")))?;
    let users = Users::new(&file.basic_auth_users);
    let users = users.map_err(|why| wrong(format!("basic_auth_users: {why}")))?;
    Ok(Last {
        web: Arc::new(Web {
            tls: tls.map(Arc::new),
            verifies_clients: file.tls_server_config.verifies_clients(),
            headers,
            users,
            rate: file.rate_limit.rate(),
        }),
        stamps,
    })
}
