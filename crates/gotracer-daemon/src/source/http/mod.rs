//! HTTP client configuration with the keys of Prometheus: credentials, TLS,
//! headers, redirects and proxies.

mod access;
mod client;
mod dial;
mod headers;
mod no_proxy;
mod proxy;
mod refusal;
mod section;
mod tls;

use std::path::Path;

use gotracer_core::config::{ConfigError, read_yaml};
use serde::Deserialize;

use crate::secret::{Secret, SecretError};

pub use access::{Access, Authorization, BasicAuth};
pub use client::{Client, ClientError};
pub use headers::Headers;
pub use proxy::{ConnectHeaders, Proxy, ProxyUrl};
pub(in crate::source) use refusal::explain;
pub(in crate::source) use section::http_section;
pub use tls::TlsConfig;

/// Options of an HTTP client.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct HttpOptions {
    /// Credentials.
    pub access: Option<Access>,
    /// Additional headers.
    pub headers: Headers,
    /// Trusted authorities and client certificate.
    pub tls: TlsConfig,
    /// Redirects to follow.
    pub redirects: Redirects,
    /// Proxies of requests.
    pub proxy: Proxy,
}

/// Redirects that a client follows.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum Redirects {
    /// None.
    Never,
    /// Redirects to the same host.
    SameHost,
    /// All.
    #[default]
    Always,
}

impl Redirects {
    /// Converts `follow_redirects`; by default all are followed.
    fn of(follow_redirects: Option<bool>) -> Self {
        match follow_redirects {
            Some(false) => Self::Never,
            _ => Self::Always,
        }
    }
}

http_section! {
    /// Content of `--http.config.file`.
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct ClientFile {} with http {}
}

/// Error of `--http.config.file`.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The file is not valid YAML or has unknown keys.
    #[error("{0}")]
    Yaml(#[from] ConfigError),
    /// A field is invalid.
    #[error(transparent)]
    Field(#[from] FieldError),
}

/// Invalid field of a configuration.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{field}: {why}")]
pub struct FieldError {
    /// The field.
    pub field: String,
    /// Reason.
    pub why: String,
}

impl FieldError {
    /// Creates the error of a field.
    pub fn new(field: impl Into<String>, why: impl ToString) -> Self {
        Self {
            field: field.into(),
            why: why.to_string(),
        }
    }
}

impl HttpOptions {
    /// Creates options from the fields of a configuration.
    ///
    /// # Errors
    /// If fields contradict each other.
    pub fn new(
        basic: Option<&BasicAuth>,
        other: Option<&Authorization>,
        headers: &Headers,
        tls: &TlsConfig,
        follow_redirects: Option<bool>,
        proxy: Proxy,
    ) -> Result<Self, FieldError> {
        let access = match (basic, other) {
            (Some(_), Some(_)) => {
                let why = "only one of authorization and basic_auth can be set";
                return Err(FieldError::new("authorization", why));
            }
            (Some(basic), None) => Some(Access::Basic(basic.clone())),
            (None, Some(other)) => Some(Access::Other(other.clone())),
            (None, None) => None,
        };
        if let Some(access) = &access {
            access.check()?;
        }
        headers.check()?;
        tls.check()?;
        Ok(Self {
            access,
            headers: headers.clone(),
            tls: tls.clone(),
            redirects: Redirects::of(follow_redirects),
            proxy,
        })
    }

    /// Parses `--http.config.file`, in the format of Prometheus' tools.
    ///
    /// # Errors
    /// If the YAML or a field is invalid.
    pub fn from_yaml(text: &str) -> Result<Self, FileError> {
        match read_yaml::<ClientFile>(text)? {
            Some(file) => Ok(file.http()?),
            None => Ok(Self::default()),
        }
    }

    /// Adds a header. Its value may contain environment variables.
    ///
    /// # Errors
    /// If the header is invalid or reserved.
    pub fn say(&mut self, name: &str, value: &str) -> Result<(), FieldError> {
        let why = |e: SecretError| FieldError::new(name, e);
        if name.eq_ignore_ascii_case("authorization") {
            let (kind, credentials) = value.split_once(' ').unwrap_or((value, ""));
            let secret = Secret::expand(credentials.trim()).map_err(why)?;
            self.access = Some(Access::said(kind, secret));
            return Ok(());
        }
        self.headers.add(name, Secret::expand(value).map_err(why)?);
        self.headers.check()
    }

    /// Checks that the named files exist and are valid. Blocks.
    ///
    /// # Errors
    /// Returns the field of the first invalid file.
    pub fn check_files(&self) -> Result<(), FieldError> {
        if let Some(access) = &self.access {
            let header = access.header();
            header.map_err(|why| FieldError::new(access.field(), why))?;
        }
        let headers = self.headers.read();
        headers.map_err(|why| FieldError::new("http_headers", why))?;
        if self.tls.is_usual() {
            return Ok(());
        }
        let tls = self.tls.load();
        tls.map_err(|why| FieldError::new("tls_config", why))?;
        Ok(())
    }
}

/// Reads a file with a secret and trims the line break.
fn file(path: &Path) -> Result<String, String> {
    std::fs::read_to_string(path)
        .map(|text| text.trim().to_owned())
        .map_err(|error| format!("cannot read {}: {error}", path.display()))
}
