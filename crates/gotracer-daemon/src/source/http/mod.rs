//! Asking HTTP servers as Prometheus does: the same words for who we are, whom
//! to believe and what else to say.

mod access;
mod client;
mod headers;
mod refusal;
mod tls;

use std::path::Path;

use serde::Deserialize;

use crate::secret::{Secret, SecretError};

pub use access::{Access, Authorization, BasicAuth};
pub(in crate::source) use client::deepest;
pub use client::{Client, ClientError};
pub use headers::Headers;
pub(in crate::source) use refusal::explain;
pub use tls::TlsConfig;

/// How to ask.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct HttpOptions {
    /// What to say to be let in.
    pub access: Option<Access>,
    /// What else to say.
    pub headers: Headers,
    /// Whom to believe, and who we are.
    pub tls: TlsConfig,
    /// Which redirects to follow.
    pub redirects: Redirects,
}

/// Which redirects a client follows.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum Redirects {
    /// None.
    Never,
    /// Those that stay on the host.
    SameHost,
    /// All.
    #[default]
    Always,
}

impl Redirects {
    /// What `follow_redirects` says; all are followed by default.
    fn of(follow_redirects: Option<bool>) -> Self {
        match follow_redirects {
            Some(false) => Self::Never,
            _ => Self::Always,
        }
    }
}

/// The same in a file of its own.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct ClientFile {
    basic_auth: Option<BasicAuth>,
    authorization: Option<Authorization>,
    http_headers: Headers,
    tls_config: TlsConfig,
    follow_redirects: Option<bool>,
}

/// Why a file says nothing that a client understands.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// It is other YAML, or none.
    #[error("{0}")]
    Yaml(#[from] serde_saphyr::Error),
    /// It contradicts itself.
    #[error(transparent)]
    Field(#[from] FieldError),
}

/// What of a configuration can't be used, by field.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{field}: {why}")]
pub struct FieldError {
    /// The field.
    pub field: String,
    /// What is wrong with it.
    pub why: String,
}

impl FieldError {
    /// One of a field.
    pub fn new(field: impl Into<String>, why: impl ToString) -> Self {
        Self {
            field: field.into(),
            why: why.to_string(),
        }
    }
}

impl HttpOptions {
    /// Options from the fields of a configuration.
    ///
    /// # Errors
    /// If they contradict each other.
    pub fn new(
        basic: Option<&BasicAuth>,
        other: Option<&Authorization>,
        headers: &Headers,
        tls: &TlsConfig,
        follow_redirects: Option<bool>,
    ) -> Result<Self, FieldError> {
        let access = match (basic, other) {
            (Some(_), Some(_)) => {
                let why = "only one of it and basic_auth can be";
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
        })
    }

    /// Options as Prometheus' tools read them from `--http.config.file`.
    ///
    /// # Errors
    /// If it is other YAML, or contradicts itself.
    pub fn from_yaml(text: &str) -> Result<Self, FileError> {
        let file: ClientFile = serde_saphyr::from_str(text)?;
        Ok(Self::new(
            file.basic_auth.as_ref(),
            file.authorization.as_ref(),
            &file.http_headers,
            &file.tls_config,
            file.follow_redirects,
        )?)
    }

    /// Says a header. Its value may name variables of the environment.
    ///
    /// # Errors
    /// If it can't be said.
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

    /// Whether the files that it names are there and can be used. Blocks.
    ///
    /// # Errors
    /// Names the first that can't.
    pub fn check_files(&self) -> Result<(), FieldError> {
        if let Some(access) = &self.access {
            let header = access.header();
            header.map_err(|why| FieldError::new(access.field(), why))?;
        }
        let headers = self.headers.read();
        headers.map_err(|why| FieldError::new("http_headers", why))?;
        let tls = self.tls.load();
        tls.map_err(|why| FieldError::new("tls_config", why))?;
        Ok(())
    }
}

/// What stands in a file of secrets, without the end of its line.
fn file(path: &Path) -> Result<String, String> {
    std::fs::read_to_string(path)
        .map(|text| text.trim().to_owned())
        .map_err(|error| format!("cannot read {}: {error}", path.display()))
}
