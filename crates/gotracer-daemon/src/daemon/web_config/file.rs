//! Format of the web configuration file.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use hyper::header::{HeaderName, HeaderValue};
use serde::Deserialize;

use super::limit::Rate;
use crate::source::yaml::duration;
use crate::tls::Version;

/// Headers that may be configured, with their permitted values; an empty list permits all.
const HEADERS: [(&str, &[&str]); 5] = [
    ("Strict-Transport-Security", &[]),
    ("X-Content-Type-Options", &["nosniff"]),
    ("X-Frame-Options", &["deny", "sameorigin"]),
    ("X-XSS-Protection", &[]),
    ("Content-Security-Policy", &[]),
];

/// Whole file.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct FileYaml {
    pub tls_server_config: TlsYaml,
    pub http_server_config: HttpYaml,
    pub rate_limit: RateYaml,
    pub basic_auth_users: BTreeMap<String, String>,
}

/// Section `tls_server_config`.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct TlsYaml {
    pub cert: Option<String>,
    pub key: Option<String>,
    pub client_ca: Option<String>,
    pub cert_file: Option<PathBuf>,
    pub key_file: Option<PathBuf>,
    pub client_auth_type: Option<ClientAuth>,
    pub client_ca_file: Option<PathBuf>,
    pub client_allowed_sans: Option<Vec<String>>,
    pub cipher_suites: Vec<String>,
    pub curve_preferences: Vec<Curve>,
    pub min_version: Option<Version>,
    pub max_version: Option<Version>,
    /// Whether the server's order of `cipher_suites` takes precedence.
    pub prefer_server_cipher_suites: Option<bool>,
}

/// Policy for client certificates, as in Go.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[allow(clippy::enum_variant_names, reason = "the names are Go's")]
pub(super) enum ClientAuth {
    NoClientCert,
    RequestClientCert,
    #[serde(alias = "RequireClientCert")]
    RequireAnyClientCert,
    VerifyClientCertIfGiven,
    RequireAndVerifyClientCert,
}

/// Key exchange groups, as Go names them.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
pub(super) enum Curve {
    CurveP256,
    CurveP384,
    CurveP521,
    X25519,
}

/// Section `http_server_config`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct HttpYaml {
    pub http2: bool,
    headers: BTreeMap<String, String>,
}

/// Section `rate_limit`.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RateYaml {
    #[serde(deserialize_with = "duration::deserialize")]
    interval: Option<Duration>,
    burst: u32,
}

impl TlsYaml {
    /// Whether TLS is enabled.
    pub(super) fn is_enabled(&self) -> bool {
        let texts = [&self.cert, &self.key, &self.client_ca];
        texts.iter().any(|t| t.is_some())
            || self.files().next().is_some()
            || self.client_auth_type.is_some()
    }

    /// Whether certificates of clients are verified.
    pub(super) fn verifies_clients(&self) -> bool {
        self.client_auth_type.is_some_and(ClientAuth::verifies)
    }

    /// Resolves relative paths against a folder.
    pub(super) fn within(&mut self, folder: &Path) {
        let files = [
            &mut self.cert_file,
            &mut self.key_file,
            &mut self.client_ca_file,
        ];
        for file in files.into_iter().flatten() {
            *file = folder.join(&*file);
        }
    }

    /// Files that the configuration names.
    pub(super) fn files(&self) -> impl Iterator<Item = &Path> {
        let files = [&self.cert_file, &self.key_file, &self.client_ca_file];
        files.into_iter().flatten().map(PathBuf::as_path)
    }
}

impl ClientAuth {
    /// Whether the certificate of a client is verified.
    pub(super) fn verifies(self) -> bool {
        matches!(
            self,
            Self::VerifyClientCertIfGiven | Self::RequireAndVerifyClientCert
        )
    }
}

impl Default for HttpYaml {
    fn default() -> Self {
        Self {
            http2: true,
            headers: BTreeMap::new(),
        }
    }
}

impl HttpYaml {
    /// Returns the headers, if all of them may be configured.
    pub(super) fn headers(&self) -> Result<Vec<(HeaderName, HeaderValue)>, String> {
        let header = |(name, value): (&String, &String)| {
            let known = HEADERS.iter().find(|(known, _)| known == name);
            let Some((_, values)) = known else {
                let names = HEADERS.map(|(name, _)| name).join(", ");
                return Err(format!("\"{name}\" can't be set; there are {names}"));
            };
            if !values.is_empty() && !values.contains(&value.as_str()) {
                let values = values.join(" or ");
                return Err(format!("{name} is {values}, not \"{value}\""));
            }
            let bad = |_| format!("{name} can't be \"{value}\"");
            let value = HeaderValue::try_from(value).map_err(bad)?;
            let name = HeaderName::try_from(name).map_err(|e| e.to_string())?;
            Ok((name, value))
        };
        self.headers.iter().map(header).collect()
    }
}

impl RateYaml {
    /// Returns the rate limit; `None` means no limit.
    pub(super) fn rate(&self) -> Option<Rate> {
        let interval = self.interval.filter(|i| !i.is_zero())?;
        Some(Rate {
            interval,
            burst: self.burst,
        })
    }
}
