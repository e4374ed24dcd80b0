//! Targets of a job: labels, relabeling, and the URL that results from them.

use std::collections::HashSet;

use form_urlencoded::Serializer as Query;

use super::group::Group;
use super::job::Job;
use super::relabel;
use crate::labels::Labels;
use crate::source::scrape::{Target, TargetError, is_socket};

impl Job {
    /// Returns the static targets after relabeling, without duplicates.
    ///
    /// # Errors
    /// If a target's URL is invalid.
    pub fn targets(&self) -> Result<Vec<Target>, TargetError> {
        let mut seen = HashSet::new();
        let targets = self.relabelled(&self.static_configs);
        targets
            .filter(|target| target.as_ref().map_or(true, |t| seen.insert(t.clone())))
            .collect()
    }

    /// Relabels the targets of these groups and skips the dropped ones.
    pub fn relabelled<'a>(
        &'a self,
        groups: impl IntoIterator<Item = &'a Group> + 'a,
    ) -> impl Iterator<Item = Result<Target, TargetError>> + 'a {
        groups.into_iter().flat_map(move |group| {
            let labels = move |address: &String| {
                relabel::apply(self.relabels(), self.discovered(group, address))
            };
            let made = |labels| self.made(labels);
            group.targets.iter().filter_map(labels).map(made)
        })
    }

    /// Returns a target's labels before relabeling.
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
        for (name, values) in &self.params {
            if let Some(first) = values.first() {
                labels.set(format!("__param_{name}"), first);
            }
        }
        own.for_each(|(name, value)| labels.set(name, value));
        labels
    }

    /// Creates the target from its labels after relabeling.
    fn made(&self, mut labels: Labels) -> Result<Target, TargetError> {
        let mut params = self.params.clone();
        for (label, value) in labels.iter() {
            let Some(name) = label.strip_prefix("__param_") else {
                continue;
            };
            let values = params.entry(name.into()).or_default();
            // The label replaces the first value, as in Prometheus.
            values.splice(..values.len().min(1), [value.to_owned()]);
        }
        let mut query = Query::new(String::new());
        for (name, values) in &params {
            let pairs = values.iter().map(|value| (name, value));
            query.extend_pairs(pairs);
        }
        let query = query.finish();
        let (scheme, path) = (labels.get("__scheme__"), labels.get("__metrics_path__"));
        let address = match labels.get("__address__") {
            port if port.starts_with(':') => format!("localhost{port}"),
            address => address.to_owned(),
        };
        let mark = if query.is_empty() { "" } else { "?" };
        let path = format!("{path}{mark}{query}");
        if is_socket(&address) {
            // A server of lists must not direct requests to this machine's sockets.
            let foreign =
                |name: &str| name == "__meta_url" || name.starts_with("__meta_kubernetes");
            if labels.iter().any(|(name, _)| foreign(name)) {
                return Err(TargetError::Foreign(address));
            }
            let scheme = scheme.to_owned();
            labels.retain(|name| !name.starts_with("__"));
            return Target::on_socket(&address, &scheme, &path, labels);
        }
        let url = format!("{scheme}://{address}{path}");
        labels.retain(|name| !name.starts_with("__"));
        if labels.get("instance").is_empty() {
            labels.set("instance", address);
        }
        Target::new(&url, labels)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

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
    fn sockets_come_from_this_machine_only() {
        let job: Job = serde_saphyr::from_str(
            "
job_name: api
scheme: https
metrics_path: /flight
params: {k: [v]}
static_configs: [{targets: ['unix:///run/api.sock']}]
",
        )
        .unwrap();
        let target = &job.targets().unwrap()[0];
        assert_eq!(
            target.request(5).to_string(),
            "https://localhost/flight?k=v&seconds=5"
        );
        assert_eq!(target.url(), "unix:///run/api.sock:/flight?k=v");
        for (label, allowed) in [("__meta_filepath", true), ("__meta_url", false)] {
            let list = format!("{{targets: ['unix:///run/api.sock'], labels: {{{label}: x}}}}");
            let group: Group = serde_saphyr::from_str(&list).unwrap();
            let found = job.relabelled([&group]).next().unwrap();
            assert_eq!(found.is_ok(), allowed, "{label}: {found:?}");
        }
    }

    #[test]
    fn parameters_are_lists_and_labels_replace_the_first() {
        let job: Job = serde_saphyr::from_str(
            "
job_name: api
scheme: https
metrics_path: /flight
params: {k: ['a b', c], seconds: ['9']}
static_configs: [{targets: [x]}]
relabel_configs: [{target_label: __param_k, replacement: '&'}]
",
        )
        .unwrap();
        let target = &job.targets().unwrap()[0];
        let url = "https://x/flight?k=%26&k=c&seconds=9";
        assert_eq!(target.request(5).to_string(), url);
        assert_eq!(target.seconds(5), 9);
    }
}
