//! What to capture from.

use std::borrow::Cow;
use std::sync::Arc;

use hyper::Uri;

use crate::labels::Labels;

/// Where Go programs that import net/http/pprof have their traces.
const PATH: &str = "/debug/pprof/trace";

/// The host of an address without one.
const LOCALHOST: &str = "localhost";

/// A program's endpoint.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Target {
    url: Uri,
    /// Who the traces are of.
    pub labels: Arc<Labels>,
}

/// Why something is no target.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TargetError {
    /// It is no URL.
    #[error("\"{0}\" is no URL such as http://localhost:6060")]
    NotAUrl(String),
    /// It is one of another kind.
    #[error("\"{0}\" does not start with http:// or https://")]
    Scheme(String),
    /// It holds a password, which would show in logs and labels.
    #[error("a URL must not hold a user's name or password")]
    Password,
}

impl Target {
    /// The target at a URL. Without a path it is the one of net/http/pprof.
    /// Its labels are `instance` and those given.
    ///
    /// # Errors
    /// If it is no URL over which a trace can be had.
    pub fn new(url: &str, labels: Labels) -> Result<Self, TargetError> {
        let bad = || TargetError::NotAUrl(url.into());
        let parsed: Uri = with_host(url).parse().map_err(|_| bad())?;
        let authority = parsed.authority().ok_or_else(bad)?;
        if authority.as_str().contains('@') {
            return Err(TargetError::Password);
        }
        if !matches!(parsed.scheme_str(), Some("http" | "https")) {
            return Err(TargetError::Scheme(url.into()));
        }
        let instance = match labels.get("instance") {
            "" => authority.to_string(),
            given => given.into(),
        };
        Ok(Self {
            url: parsed,
            labels: Arc::new(labels.with("instance", instance)),
        })
    }

    /// The target at an address as people write it: a URL, or `localhost:6060`.
    ///
    /// # Errors
    /// If it is no URL over which a trace can be had.
    pub fn at(address: &str, labels: Labels) -> Result<Self, TargetError> {
        match address.contains("://") {
            true => Self::new(address, labels),
            false => Self::new(&format!("http://{address}"), labels),
        }
    }

    /// The URL as given.
    pub fn url(&self) -> &Uri {
        &self.url
    }

    /// For how many seconds the program traces itself: as many as the URL says,
    /// or as many as usual.
    pub fn seconds(&self, usual: u32) -> u32 {
        let query = self.url.query().unwrap_or_default();
        let said = query.split('&').find_map(|p| p.strip_prefix("seconds="));
        said.and_then(|n| n.parse().ok()).unwrap_or(usual)
    }

    /// The URL of a trace of that many seconds, unless the URL given says how
    /// many itself.
    pub fn request(&self, seconds: u32) -> Uri {
        let path = match self.url.path() {
            "" | "/" => PATH,
            path => path,
        };
        let query = self.url.query().unwrap_or_default();
        let own = query.split('&').any(|part| part.starts_with("seconds="));
        let query = match (query.is_empty(), own) {
            (true, _) => format!("seconds={seconds}"),
            (false, true) => query.into(),
            (false, false) => format!("{query}&seconds={seconds}"),
        };
        let mut parts = self.url.clone().into_parts();
        // Made of parts of a URL, it is one.
        parts.path_and_query = format!("{path}?{query}").parse().ok();
        Uri::from_parts(parts).unwrap_or_else(|_| self.url.clone())
    }
}

/// A URL whose host is this machine if it names none, as in `http://:6060`.
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
    fn what_is_no_url_is_refused() {
        for url in [
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
