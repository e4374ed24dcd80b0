//! A job: targets, how to capture them, and how their labels are made.

use std::time::Duration;

use serde::Deserialize;

use super::refresh::{Discovery, FileSd, HttpSd};
use super::relabel::{self, Relabel};
use crate::labels::Labels;
use crate::source::scrape::{Access, Authorization, BasicAuth, Options, Target, TargetError};
use crate::source::yaml::{duration, size};

/// One entry of `scrape_configs`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Job {
    /// The label `job` of its targets.
    pub job_name: String,
    /// From one capture of a target to the next.
    #[serde(default, deserialize_with = "duration")]
    scrape_interval: Option<Duration>,
    /// How much longer than the trace its answer may take.
    #[serde(default, deserialize_with = "duration")]
    scrape_timeout: Option<Duration>,
    /// For how many seconds to trace.
    seconds: Option<u32>,
    /// The most bytes to read.
    #[serde(default, deserialize_with = "size")]
    body_size_limit: Option<u64>,
    /// Only `http` so far.
    #[serde(default = "http")]
    scheme: String,
    /// Where the trace is.
    #[serde(default = "trace_path", alias = "path")]
    metrics_path: String,
    basic_auth: Option<BasicAuth>,
    authorization: Option<Authorization>,
    #[serde(default)]
    static_configs: Vec<Group>,
    #[serde(default)]
    file_sd_configs: Vec<FileSd>,
    #[serde(default)]
    http_sd_configs: Vec<HttpSd>,
    #[serde(default)]
    relabel_configs: Vec<Relabel>,
}

/// Targets with labels in common, as in `static_configs`.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Group {
    /// Hosts with ports.
    targets: Vec<String>,
    /// Labels of all of them.
    #[serde(default)]
    labels: std::collections::BTreeMap<String, String>,
}

impl Group {
    /// Adds a label to all of them.
    pub(super) fn label(&mut self, name: &str, value: &str) {
        self.labels.insert(name.into(), value.into());
    }
}

impl Job {
    /// How to capture.
    pub fn options(&self) -> Options {
        let usual = Options::default();
        Options {
            interval: self.scrape_interval.unwrap_or(usual.interval),
            timeout: self.scrape_timeout.unwrap_or(usual.timeout),
            seconds: self.seconds.unwrap_or(usual.seconds),
            limit: self.body_size_limit.unwrap_or(usual.limit),
            access: match (&self.basic_auth, &self.authorization) {
                (Some(basic), _) => Some(Access::Basic(basic.clone())),
                (None, Some(other)) => Some(Access::Other(other.clone())),
                (None, None) => None,
            },
        }
    }

    /// Where more of its targets stand.
    pub fn discoveries(&self) -> Vec<Discovery> {
        let files = self.file_sd_configs.iter().cloned().map(Discovery::Files);
        let http = self.http_sd_configs.iter().cloned().map(Discovery::Http);
        files.chain(http).collect()
    }

    /// Its own targets that relabelling leaves, each once.
    ///
    /// # Errors
    /// If one of them is no URL.
    pub fn targets(&self) -> Result<Vec<Target>, TargetError> {
        let mut targets = Vec::new();
        for target in self.of(&self.static_configs) {
            let target = target?;
            if !targets.contains(&target) {
                targets.push(target);
            }
        }
        Ok(targets)
    }

    /// What relabelling leaves of these targets.
    pub fn of<'a>(
        &'a self,
        groups: impl IntoIterator<Item = &'a Group> + 'a,
    ) -> impl Iterator<Item = Result<Target, TargetError>> + 'a {
        groups.into_iter().flat_map(move |group| {
            let labels = move |address: &String| {
                relabel::apply(&self.relabel_configs, self.discovered(group, address))
            };
            group.targets.iter().filter_map(labels).map(made)
        })
    }

    /// The labels before relabelling.
    fn discovered(&self, group: &Group, address: &str) -> Labels {
        let own = group.labels.iter().map(|(n, v)| (n.as_str(), v.as_str()));
        let mut labels: Labels = [
            ("job", self.job_name.as_str()),
            ("__address__", address),
            ("__scheme__", &self.scheme),
            ("__metrics_path__", &self.metrics_path),
        ]
        .into_iter()
        .collect();
        own.for_each(|(name, value)| labels.set(name, value));
        labels
    }
}

/// The target that labels after relabelling describe.
fn made(mut labels: Labels) -> Result<Target, TargetError> {
    let parameters: Vec<_> = labels
        .iter()
        .filter_map(|(n, v)| Some(format!("{}={v}", n.strip_prefix("__param_")?)))
        .collect();
    let query = if parameters.is_empty() {
        String::new()
    } else {
        format!("?{}", parameters.join("&"))
    };
    let (scheme, path) = (labels.get("__scheme__"), labels.get("__metrics_path__"));
    let address = labels.get("__address__").to_owned();
    let url = format!("{scheme}://{address}{path}{query}");
    labels.retain(|name| !name.starts_with("__"));
    if labels.get("instance").is_empty() {
        labels.set("instance", address);
    }
    Target::new(&url, labels)
}

fn http() -> String {
    "http".into()
}

fn trace_path() -> String {
    "/debug/pprof/trace".into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_make_the_target() {
        let job: Job = serde_saphyr::from_str(
            "
job_name: api
scrape_interval: 30s
seconds: 2
static_configs:
- targets: ['a:6060', 'b:6060', 'a:6060']
  labels: {version: '1.2', team: x}
- targets: [internal]
relabel_configs:
- {source_labels: [__address__], regex: 'internal', action: drop}
- {source_labels: [__address__], regex: 'b:(.*)', target_label: __address__, replacement: 'bee:$1'}
- {source_labels: [team], target_label: __param_team}
- {regex: team, action: labeldrop}
",
        )
        .unwrap();
        let targets = job.targets().unwrap();
        let urls: Vec<_> = targets.iter().map(|t| t.request(2).to_string()).collect();
        assert_eq!(
            urls,
            [
                "http://a:6060/debug/pprof/trace?team=x&seconds=2",
                "http://bee:6060/debug/pprof/trace?team=x&seconds=2"
            ]
        );
        assert_eq!(
            targets[1].labels.to_string(),
            r#"{instance="bee:6060", job="api", version="1.2"}"#
        );
        assert_eq!(job.options().interval, Duration::from_secs(30));
        assert_eq!((job.options().seconds, job.options().limit), (2, 256 << 20));
    }

    #[test]
    fn mistakes_are_said() {
        for (yaml, error) in [
            ("{static_configs: []}", "job_name"),
            ("{job_name: a, interval: 1s}", "interval"),
            ("{job_name: a, scrape_interval: fast}", "duration"),
        ] {
            let found = serde_saphyr::from_str::<Job>(yaml).unwrap_err();
            assert!(found.to_string().contains(error), "{yaml}: {found}");
        }
        let job = "{job_name: a, scheme: ftp, static_configs: [{targets: [x]}]}";
        let job: Job = serde_saphyr::from_str(job).unwrap();
        assert!(job.targets().is_err());
    }
}
