//! Targets of captures.

use std::borrow::Cow;
use std::path::Path;
use std::sync::Arc;

use hyper::Uri;

use crate::labels::Labels;

/// Path of the trace endpoint of net/http/pprof.
const PATH: &str = "/debug/pprof/trace";

/// Path of its profiles.
const PROFILES: &str = "/debug/pprof";

/// Host of addresses without one.
const LOCALHOST: &str = "localhost";

/// Scheme of Unix sockets.
const UNIX: &str = "unix:";

/// Trace endpoint of a program.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Target {
    /// URL of the request. On a Unix socket, the host is `localhost`.
    request: Uri,
    /// Unix socket, if the program listens on one.
    socket: Option<Arc<Path>>,
    /// Host and port, or the URL of the socket.
    address: Arc<str>,
    /// URL as configured.
    url: Arc<str>,
    /// Labels of the traces.
    pub labels: Arc<Labels>,
}

/// Error of a target's URL.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TargetError {
    /// The text is not a URL.
    #[error("\"{0}\" is no URL such as http://localhost:6060")]
    NotAUrl(String),
    /// The scheme is neither http nor https.
    #[error("\"{0}\" does not start with http://, https:// or unix://")]
    Scheme(String),
    /// The URL contains a password, which logs and labels would show.
    #[error("a URL must not hold a user's name or password")]
    Password,
    /// The path of a Unix socket is relative.
    #[error("\"{0}\" has no absolute path, as in unix:///run/api.sock")]
    Relative(String),
    /// A list from elsewhere has a Unix socket.
    #[error(
        "\"{0}\" is a Unix socket of this machine, which only static_configs and \
        file_sd_configs may have"
    )]
    Foreign(String),
}

impl Target {
    /// Creates a target from a URL. The default path is that of net/http/pprof. The path on a Unix
    /// socket follows a colon: `unix:///run/api.sock:/debug/flight`.
    /// The label `instance` is added.
    ///
    /// # Errors
    /// If the URL is invalid.
    pub fn new(url: &str, labels: Labels) -> Result<Self, TargetError> {
        if is_socket(url) {
            let end = url[UNIX.len()..].find(":/");
            let (socket, path) = match end.map(|end| url.split_at(UNIX.len() + end)) {
                Some((socket, path)) => (socket, &path[1..]),
                None => (url, ""),
            };
            return Self::on_socket(socket, "http", path, labels);
        }
        let bad = || TargetError::NotAUrl(url.into());
        let parsed: Uri = with_host(url).parse().map_err(|_| bad())?;
        let authority = parsed.authority().ok_or_else(bad)?;
        if authority.as_str().contains('@') {
            return Err(TargetError::Password);
        }
        if !matches!(parsed.scheme_str(), Some("http" | "https")) {
            return Err(TargetError::Scheme(url.into()));
        }
        let address = authority.as_str().into();
        Ok(Self::named(
            parsed.to_string(),
            parsed,
            None,
            address,
            labels,
        ))
    }

    /// Creates a target on a Unix socket such as `unix:///run/api.sock`, from the scheme of its
    /// requests and their path and query.
    ///
    /// # Errors
    /// If the path of the socket is relative, or that of the requests is invalid.
    pub fn on_socket(
        address: &str,
        scheme: &str,
        path: &str,
        labels: Labels,
    ) -> Result<Self, TargetError> {
        let socket = address.strip_prefix(UNIX).unwrap_or(address);
        let socket = socket.strip_prefix("//").unwrap_or(socket);
        if socket.contains(":/") {
            return Err(TargetError::NotAUrl(address.into()));
        }
        if !socket.starts_with('/') || socket.ends_with('/') {
            return Err(TargetError::Relative(address.into()));
        }
        let url = match path {
            "" | "/" => format!("{UNIX}//{socket}"),
            path => format!("{UNIX}//{socket}:{path}"),
        };
        if !matches!(scheme, "http" | "https") {
            return Err(TargetError::Scheme(format!("{scheme}://{address}")));
        }
        let request = format!("{scheme}://{LOCALHOST}{path}").parse();
        let request: Uri = request.map_err(|_| TargetError::NotAUrl(url.clone()))?;
        let address = format!("{UNIX}//{socket}").into();
        let socket = Some(Path::new(socket).into());
        Ok(Self::named(url, request, socket, address, labels))
    }

    fn named(
        url: String,
        request: Uri,
        socket: Option<Arc<Path>>,
        address: Arc<str>,
        labels: Labels,
    ) -> Self {
        let instance = match labels.get("instance") {
            "" => address.to_string(),
            given => given.into(),
        };
        Self {
            request,
            socket,
            address,
            url: url.into(),
            labels: Arc::new(labels.with("instance", instance)),
        }
    }

    /// Creates a target from a URL or an address such as `localhost:6060`.
    ///
    /// # Errors
    /// If the URL is invalid.
    pub fn at(address: &str, labels: Labels) -> Result<Self, TargetError> {
        match address.contains("://") || is_socket(address) {
            true => Self::new(address, labels),
            false => Self::new(&format!("http://{address}"), labels),
        }
    }

    /// Returns the URL as configured.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Returns host and port, or the URL of the Unix socket.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Returns the path of the Unix socket if the program listens on one.
    pub fn socket(&self) -> Option<Arc<Path>> {
        self.socket.clone()
    }

    /// Returns the duration of a trace: `seconds` of the URL's query, else
    /// `usual`.
    pub fn seconds(&self, usual: u32) -> u32 {
        let query = self.request.query().unwrap_or_default();
        let said = query.split('&').find_map(|p| p.strip_prefix("seconds="));
        said.and_then(|n| n.parse().ok()).unwrap_or(usual)
    }

    /// Returns the URL of a request. `seconds` is added unless the configured
    /// URL has it.
    pub fn request(&self, seconds: u32) -> Uri {
        let path = match self.request.path() {
            "" | "/" => PATH,
            path => path,
        };
        self.with(path, seconds)
    }

    /// Returns the URL of a CPU profile: beside a path that ends in `/trace`,
    /// else the one of net/http/pprof.
    pub fn profile(&self, seconds: u32) -> Uri {
        self.beside("profile", Some(seconds))
    }

    /// Returns the URL of the profile of leaked goroutines, beside the trace as the CPU profile is.
    pub fn leak_profile(&self) -> Uri {
        self.beside("goroutineleak", None)
    }

    /// Returns the URL of a profile, with the parameters of the trace's URL except for its `seconds`.
    fn beside(&self, profile: &str, seconds: Option<u32>) -> Uri {
        let folder = self.request.path().strip_suffix("/trace");
        let folder = folder.unwrap_or(PROFILES);
        let query = self.request.query().unwrap_or_default();
        let others = query
            .split('&')
            .filter(|part| !part.is_empty() && !part.starts_with("seconds="));
        let own = seconds.map(|seconds| format!("seconds={seconds}"));
        let all: Vec<_> = others.map(str::to_owned).chain(own).collect();
        let mark = if all.is_empty() { "" } else { "?" };
        let mut parts = self.request.clone().into_parts();
        let path = format!("{folder}/{profile}{mark}{}", all.join("&"));
        // The parts come from a valid URL.
        parts.path_and_query = path.parse().ok();
        Uri::from_parts(parts).unwrap_or_else(|_| self.request.clone())
    }

    /// Returns the URL with a path and `seconds`, unless its query has them.
    fn with(&self, path: &str, seconds: u32) -> Uri {
        let query = self.request.query().unwrap_or_default();
        let own = query.split('&').any(|part| part.starts_with("seconds="));
        let query = match (query.is_empty(), own) {
            (true, _) => format!("seconds={seconds}"),
            (false, true) => query.into(),
            (false, false) => format!("{query}&seconds={seconds}"),
        };
        let mut parts = self.request.clone().into_parts();
        // The parts come from a valid URL.
        parts.path_and_query = format!("{path}?{query}").parse().ok();
        Uri::from_parts(parts).unwrap_or_else(|_| self.request.clone())
    }
}

/// Whether an address is a Unix socket.
pub(in crate::source) fn is_socket(address: &str) -> bool {
    address.starts_with(UNIX) && !address[UNIX.len()..].starts_with(|c: char| c.is_ascii_digit())
}

/// Inserts `localhost` into a URL without a host, as in `http://:6060`.
fn with_host(url: &str) -> Cow<'_, str> {
    match url.split_once("://:") {
        Some((scheme, rest)) => format!("{scheme}://{LOCALHOST}:{rest}").into(),
        None => url.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_path_and_seconds_need_not_be_said() {
        for (url, request) in [
            (
                "http://api:6060",
                "http://api:6060/debug/pprof/trace?seconds=5",
            ),
            (
                "http://api:6060/",
                "http://api:6060/debug/pprof/trace?seconds=5",
            ),
            ("http://[::1]:80/flight", "http://[::1]:80/flight?seconds=5"),
            (
                "http://:6060",
                "http://localhost:6060/debug/pprof/trace?seconds=5",
            ),
            ("http://api/t?k=v", "http://api/t?k=v&seconds=5"),
            ("http://api/t?seconds=2", "http://api/t?seconds=2"),
        ] {
            let target = Target::new(url, Labels::new()).unwrap();
            assert_eq!(target.request(5).to_string(), request);
            assert!(request.ends_with(&format!("seconds={}", target.seconds(5))));
        }
    }

    #[test]
    fn a_cpu_profile_is_beside_the_trace() {
        for (url, profile) in [
            (
                "http://api:6060",
                "http://api:6060/debug/pprof/profile?seconds=6",
            ),
            (
                "http://api/x/trace?k=v&seconds=2",
                "http://api/x/profile?k=v&seconds=6",
            ),
            (
                "http://api/flight",
                "http://api/debug/pprof/profile?seconds=6",
            ),
        ] {
            let target = Target::new(url, Labels::new()).unwrap();
            assert_eq!(target.profile(6).to_string(), profile);
            let leaks = target.leak_profile().to_string();
            assert_eq!(
                leaks.replace("goroutineleak", "profile"),
                profile.replace("?seconds=6", "").replace("&seconds=6", "")
            );
        }
    }

    #[test]
    fn a_target_is_its_instance() {
        let target = |labels| Target::new("http://api:6060/x", labels).unwrap();
        assert_eq!(target(Labels::new()).labels.get("instance"), "api:6060");
        let named = Labels::new().with("instance", "a");
        assert_eq!(target(named).labels.get("instance"), "a");
    }

    #[test]
    fn addresses_need_no_scheme_and_no_host() {
        for (address, instance) in [
            (":6060", "localhost:6060"),
            ("localhost:6060", "localhost:6060"),
            ("https://:6060/x", "localhost:6060"),
        ] {
            let target = Target::at(address, Labels::new()).unwrap();
            assert_eq!(target.labels.get("instance"), instance, "{address}");
        }
    }

    #[test]
    fn a_unix_socket_is_a_target() {
        for (address, url, request) in [
            (
                "unix:///run/api.sock",
                "unix:///run/api.sock",
                "http://localhost/debug/pprof/trace?seconds=5",
            ),
            (
                "unix:/run/api.sock:/flight?k=v",
                "unix:///run/api.sock:/flight?k=v",
                "http://localhost/flight?k=v&seconds=5",
            ),
        ] {
            let target = Target::at(address, Labels::new()).unwrap();
            assert_eq!(target.url(), url);
            assert_eq!(target.request(5).to_string(), request);
            assert_eq!(target.socket().as_deref(), Some(Path::new("/run/api.sock")));
            assert_eq!(target.labels.get("instance"), "unix:///run/api.sock");
        }
        let host = Target::at("unix:6060", Labels::new()).unwrap();
        assert_eq!((host.url(), host.socket()), ("http://unix:6060/", None));
    }

    #[test]
    fn what_is_no_url_is_refused() {
        for url in [
            "unix:api.sock",
            "unix://",
            "unix:///run/",
            "unix:///run/a.sock:/b:/c d",
            "",
            "api:6060",
            "/x",
            "ftp://api",
            "http://u:p@api",
            "http://",
        ] {
            assert!(Target::new(url, Labels::new()).is_err(), "{url}");
        }
    }
}
