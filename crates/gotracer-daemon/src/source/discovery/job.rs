//! Job: one entry of `scrape_configs`, with targets, capture options and
//! relabeling.

use std::collections::BTreeMap;
use std::time::Duration;

use hyper::Method;
use hyper::body::Bytes;
use serde::{Deserialize, Deserializer, Serialize};

use super::convention::CONVENTION;
use super::files::FileSd;
use super::group::Group;
use super::kubernetes::KubernetesSd;
use super::relabel::Relabel;
use super::server::HttpSd;
use super::table::Discovery;
use crate::secret::Secret;
use crate::source::http::{FieldError, Redirects, http_section};
use crate::source::scrape::{Mode, Options, Target};
use crate::source::yaml::{duration, size};

http_section! {
    /// One entry of `scrape_configs`.
    #[derive(Clone, Debug, Default, Deserialize, Serialize)]
    #[serde(deny_unknown_fields)]
    pub struct Job {
        /// The label `job` of its targets.
        pub job_name: String,
        /// Periodic captures or a continuous stream.
        #[serde(default)]
        mode: Mode,
        /// Maximum rate of a stream, bytes per second.
        #[serde(default, with = "size")]
        stream_budget: Option<u64>,
        /// Maximum average rate of periodic captures, bytes per second.
        #[serde(default, with = "size")]
        scrape_budget: Option<u64>,
        /// Requests a CPU profile beside each trace.
        #[serde(default)]
        cpu_samples: bool,
        /// Requests a profile of leaked goroutines once an hour.
        #[serde(default)]
        leak_profile: bool,
        /// Interval between the starts of two captures of a target.
        #[serde(default, with = "duration")]
        scrape_interval: Option<Duration>,
        /// Time that the response may take beyond the trace's duration.
        #[serde(default, with = "duration")]
        scrape_timeout: Option<Duration>,
        /// Duration of a trace, seconds.
        seconds: Option<u32>,
        /// Maximum size of a trace, bytes.
        #[serde(default, with = "size")]
        body_size_limit: Option<u64>,
        /// `http` or `https`.
        #[serde(default = "http")]
        pub(super) scheme: String,
        /// Path of the trace endpoint.
        #[serde(default = "trace_path", alias = "path")]
        pub(super) metrics_path: String,
        /// Parameters of the URL's query.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        pub(super) params: BTreeMap<String, Vec<String>>,
        /// HTTP method.
        #[serde(default = "get")]
        method: String,
        /// Body of the request.
        #[serde(
            default,
            deserialize_with = "body",
            skip_serializing_if = "Option::is_none"
        )]
        body: Option<Secret>,
    } with http {
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        pub(super) static_configs: Vec<Group>,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        file_sd_configs: Vec<FileSd>,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        http_sd_configs: Vec<HttpSd>,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        kubernetes_sd_configs: Vec<KubernetesSd>,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        relabel_configs: Vec<Relabel>,
    }
}

impl Job {
    /// Creates the job that captures a single target.
    pub fn of(target: &Target, options: &Options) -> Self {
        let url = target.request(options.seconds);
        let query = url.query().unwrap_or_default();
        let mut params = BTreeMap::<String, Vec<String>>::new();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            params.entry(name.into()).or_default().push(value.into());
        }
        Self {
            mode: options.mode,
            stream_budget: Some(options.stream_budget),
            scrape_budget: options.scrape_budget,
            cpu_samples: options.cpu_samples,
            leak_profile: options.leak_profile,
            scrape_interval: Some(options.interval),
            scrape_timeout: Some(options.timeout),
            seconds: Some(options.seconds),
            body_size_limit: Some(options.limit),
            scheme: url.scheme_str().unwrap_or_default().into(),
            metrics_path: url.path().into(),
            params,
            method: options.method.to_string(),
            tls_config: options.http.tls.clone(),
            follow_redirects: Some(options.http.redirects == Redirects::Always),
            static_configs: vec![Group {
                targets: vec![target.address().to_owned()],
                labels: BTreeMap::new(),
            }],
            ..Self::default()
        }
    }

    /// Returns the job with all defaults filled in.
    #[must_use]
    pub fn in_full(mut self) -> Self {
        let usual = Options::default();
        self.scrape_interval.get_or_insert(usual.interval);
        self.scrape_timeout.get_or_insert(usual.timeout);
        self.seconds.get_or_insert(self.mode.seconds());
        self.stream_budget.get_or_insert(usual.stream_budget);
        self.body_size_limit.get_or_insert(usual.limit);
        // By default, redirects of discovered targets stay on their host.
        if self.discoveries().is_empty() {
            self.follow_redirects.get_or_insert(true);
        }
        self.file_sd_configs.iter_mut().for_each(FileSd::fill);
        self.http_sd_configs.iter_mut().for_each(HttpSd::fill);
        self.relabel_configs = self.relabels().to_vec();
        self
    }

    /// Checks the job without reading files.
    ///
    /// # Errors
    /// Returns the first invalid field.
    pub fn check(&self) -> Result<(), FieldError> {
        self.http()?;
        if self.method().is_none() {
            let why = format!("\"{}\" is no method of HTTP", self.method);
            return Err(FieldError::new("method", why));
        }
        if !self.metrics_path.starts_with('/') {
            return Err(FieldError::new("metrics_path", "it starts with /"));
        }
        let discoveries = self.discoveries();
        discoveries.iter().try_for_each(|d| d.section().check())?;
        let targets = self.targets();
        targets.map_err(|e| FieldError::new("static_configs", e))?;
        Ok(())
    }

    /// Checks the files that the job names. Files that do not exist yet are
    /// reported to `warn`. Blocks.
    ///
    /// # Errors
    /// Returns the first field whose files can't be used.
    pub fn check_files(&self, warn: &mut dyn FnMut(FieldError)) -> Result<(), FieldError> {
        self.http()?.check_files()?;
        let discoveries = self.discoveries();
        discoveries
            .iter()
            .try_for_each(|d| d.section().check_files(warn))
    }

    /// Returns the capture options.
    pub fn options(&self) -> Options {
        let usual = Options::default();
        Options {
            mode: self.mode,
            stream_budget: self.stream_budget.unwrap_or(usual.stream_budget),
            scrape_budget: self.scrape_budget,
            cpu_samples: self.cpu_samples,
            leak_profile: self.leak_profile,
            interval: self.scrape_interval.unwrap_or(usual.interval),
            timeout: self.scrape_timeout.unwrap_or(usual.timeout),
            seconds: self.seconds.unwrap_or(self.mode.seconds()),
            limit: self.body_size_limit.unwrap_or(usual.limit),
            method: self.method().unwrap_or(usual.method),
            body: self
                .body
                .as_ref()
                .map_or_else(Bytes::new, |b| b.expose().to_owned().into()),
            // `check` validated it.
            http: self.http().unwrap_or_default(),
        }
    }

    /// Returns the capture options of discovered targets. Redirects to other
    /// hosts are refused unless `follow_redirects` is set: the author of a list
    /// or annotation must not direct requests elsewhere.
    pub fn options_of_discovered(&self) -> Options {
        let mut options = self.options();
        if self.follow_redirects.is_none() {
            options.http.redirects = Redirects::SameHost;
        }
        options
    }

    fn method(&self) -> Option<Method> {
        let upper = self.method.bytes().all(|b| b.is_ascii_uppercase());
        let method = Method::from_bytes(self.method.as_bytes()).ok();
        method.filter(|m| upper && *m != Method::CONNECT)
    }

    /// Returns the service discoveries of the job.
    pub fn discoveries(&self) -> Vec<Discovery> {
        let files = self.file_sd_configs.iter().cloned().map(Discovery::from);
        let http = self.http_sd_configs.iter().cloned().map(Discovery::from);
        let kubernetes = self
            .kubernetes_sd_configs
            .iter()
            .cloned()
            .map(Discovery::from);
        files.chain(http).chain(kubernetes).collect()
    }

    /// Returns the relabeling rules.
    pub(super) fn relabels(&self) -> &[Relabel] {
        match self.relabel_configs.is_empty() && !self.kubernetes_sd_configs.is_empty() {
            true => &CONVENTION,
            false => &self.relabel_configs,
        }
    }
}

fn body<'de, D: Deserializer<'de>>(d: D) -> Result<Option<Secret>, D::Error> {
    Secret::field("body", d)
}

fn http() -> String {
    "http".into()
}

fn get() -> String {
    "GET".into()
}

fn trace_path() -> String {
    "/debug/pprof/trace".into()
}

#[cfg(test)]
mod tests {
    use super::*;

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
        for (yaml, error) in [
            (
                "scheme: ftp, static_configs: [{targets: [x]}]",
                "static_configs: \"ftp://x",
            ),
            ("method: get", "method: \"get\""),
            (
                "basic_auth: {}, authorization: {}",
                "authorization: only one",
            ),
            (
                "basic_auth: {password: a, password_file: b}",
                "basic_auth: only one",
            ),
            ("authorization: {type: basic}", "authorization: the type"),
            (
                "tls_config: {cert_file: a}",
                "tls_config: cert_file and key_file",
            ),
            (
                "tls_config: {max_version: TLS11}",
                "tls_config: min_version",
            ),
            ("http_headers: {Host: {values: [x]}}", "http_headers: Host"),
            ("file_sd_configs: [{files: [a.txt]}]", "file_sd_configs: "),
            ("http_sd_configs: [{url: 'x'}]", "http_sd_configs: "),
        ] {
            let yaml = format!("{{job_name: a, {yaml}}}");
            let job: Job = serde_saphyr::from_str(&yaml).unwrap();
            let found = job.check().unwrap_err().to_string();
            assert!(found.starts_with(error), "{yaml}: {found}");
        }
    }
}
