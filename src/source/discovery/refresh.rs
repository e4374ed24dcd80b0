//! Targets that stand elsewhere: `file_sd_configs` and `http_sd_configs`.
//!
//! What can't be read does not change what was known: a file that is being
//! replaced or a server that restarts must not make targets vanish.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;
use std::{fs, io};

use http_body_util::{BodyExt, Empty, Limited};
use hyper::body::Bytes;
use hyper::{Request, StatusCode, Uri};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use serde::Deserialize;

use super::job::Group;
use crate::source::yaml::duration;

/// How often files are looked at: they are small, and this needs no events,
/// which network file systems and volumes that are swapped don't give well.
const LOOK: Duration = Duration::from_secs(5);
/// How often a server is asked if nobody says otherwise, as in Prometheus.
const ASK: Duration = Duration::from_secs(60);
/// How long a server may take, and how much it may say.
const PATIENCE: Duration = Duration::from_secs(30);
const LIMIT: usize = 64 << 20;

/// Where targets stand.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Discovery {
    /// In files.
    Files(FileSd),
    /// On a server.
    Http(HttpSd),
}

/// One entry of `file_sd_configs`.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileSd {
    files: Vec<String>,
    #[serde(default, deserialize_with = "duration")]
    refresh_interval: Option<Duration>,
}

/// One entry of `http_sd_configs`.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HttpSd {
    url: String,
    #[serde(default, deserialize_with = "duration")]
    refresh_interval: Option<Duration>,
}

/// Why a list could not be had. What was known stays.
#[derive(Debug, thiserror::Error)]
#[error("{from}: {why}")]
pub struct DiscoveryError {
    from: String,
    why: String,
}

/// The groups by the file or the URL they come from.
pub type Groups = BTreeMap<String, Vec<Group>>;

impl Discovery {
    /// How often to look.
    pub fn interval(&self) -> Duration {
        match self {
            Self::Files(sd) => sd.refresh_interval.map_or(LOOK, |i| i.min(LOOK)),
            Self::Http(sd) => sd.refresh_interval.unwrap_or(ASK),
        }
    }

    /// Brings what is known up to date, and tells what could not be.
    pub async fn refresh(&self, known: &mut Groups) -> Vec<DiscoveryError> {
        let error = |from: &str, why: String| DiscoveryError {
            from: from.into(),
            why,
        };
        match self {
            Self::Files(sd) => {
                let sd = sd.clone();
                let read = tokio::task::spawn_blocking(move || sd.read()).await;
                let read = read.unwrap_or_default();
                // Who deletes a file wants its targets gone.
                known.retain(|from, _| read.iter().any(|(path, _)| path == from));
                let mut errors = Vec::new();
                for (path, groups) in read {
                    match groups {
                        Ok(groups) => drop(known.insert(path, groups)),
                        Err(why) => errors.push(error(&path, why)),
                    }
                }
                errors
            }
            Self::Http(sd) => match sd.ask().await {
                Ok(groups) => {
                    known.insert(sd.url.clone(), groups);
                    Vec::new()
                }
                Err(why) => vec![error(&sd.url, why)],
            },
        }
    }
}

impl FileSd {
    /// What stands in each file.
    fn read(&self) -> Vec<(String, Result<Vec<Group>, String>)> {
        let paths = self.files.iter().filter_map(|p| glob::glob(p).ok());
        let paths: Vec<PathBuf> = paths.flatten().flatten().collect();
        let read = |path: &Path| -> Result<_, String> {
            let text = fs::read_to_string(path).map_err(|e: io::Error| e.to_string())?;
            parse(&text, "__meta_filepath", &path.to_string_lossy())
        };
        let both = |path: PathBuf| (path.display().to_string(), read(&path));
        paths.into_iter().map(both).collect()
    }
}

impl HttpSd {
    async fn ask(&self) -> Result<Vec<Group>, String> {
        let answer = tokio::time::timeout(PATIENCE, self.answer()).await;
        let text = answer.map_err(|_| format!("no answer within {PATIENCE:?}"))??;
        parse(&text, "__meta_url", &self.url)
    }

    async fn answer(&self) -> Result<String, String> {
        let url: Uri = self.url.parse().map_err(|_| "this is no URL")?;
        let client = Client::builder(TokioExecutor::new()).build_http::<Empty<Bytes>>();
        let interval = self.refresh_interval.unwrap_or(ASK).as_secs();
        let request = Request::get(url)
            .header("Accept", "application/json")
            .header("X-Prometheus-Refresh-Interval-Seconds", interval)
            .body(Empty::new())
            .map_err(|e| e.to_string())?;
        let answer = client.request(request).await.map_err(|e| e.to_string())?;
        if answer.status() != StatusCode::OK {
            return Err(format!("the answer was {}", answer.status()));
        }
        let body = Limited::new(answer.into_body(), LIMIT).collect().await;
        let body = body.map_err(|e| e.to_string())?.to_bytes();
        String::from_utf8(body.into()).map_err(|e| e.to_string())
    }
}

/// A list of groups, in YAML or JSON, which is YAML.
fn parse(text: &str, meta: &str, from: &str) -> Result<Vec<Group>, String> {
    let groups: Option<Vec<Group>> = serde_saphyr::from_str(text).map_err(|e| {
        let error = e.without_snippet().to_string();
        error.lines().next().unwrap_or_default().to_string()
    })?;
    let mut groups = groups.unwrap_or_default();
    for group in &mut groups {
        group.label(meta, from);
    }
    Ok(groups)
}
