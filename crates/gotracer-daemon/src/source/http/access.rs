//! Credentials of HTTP requests.

use std::path::PathBuf;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hyper::header::HeaderValue;
use serde::{Deserialize, Deserializer, Serialize};

use super::{FieldError, file};
use crate::secret::Secret;

/// `basic_auth` of a scrape config.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct BasicAuth {
    #[serde(default, skip_serializing_if = "String::is_empty")]
    username: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    username_file: Option<PathBuf>,
    #[serde(default, deserialize_with = "password")]
    #[serde(skip_serializing_if = "Option::is_none")]
    password: Option<Secret>,
    #[serde(skip_serializing_if = "Option::is_none")]
    password_file: Option<PathBuf>,
}

/// `authorization` of a scrape config.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Authorization {
    #[serde(default = "bearer", rename = "type")]
    kind: String,
    #[serde(default, deserialize_with = "credentials")]
    #[serde(skip_serializing_if = "Option::is_none")]
    credentials: Option<Secret>,
    #[serde(skip_serializing_if = "Option::is_none")]
    credentials_file: Option<PathBuf>,
}

/// Content of the header Authorization.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Access {
    /// User name and password.
    Basic(BasicAuth),
    /// Another scheme, usually a bearer token.
    Other(Authorization),
}

impl Access {
    /// Returns the field in the configuration.
    pub fn field(&self) -> &'static str {
        match self {
            Self::Basic(_) => "basic_auth",
            Self::Other(_) => "authorization",
        }
    }

    /// Creates the credentials of a header such as `Bearer abc`.
    pub(super) fn said(kind: &str, credentials: Secret) -> Self {
        Self::Other(Authorization {
            kind: kind.into(),
            credentials: Some(credentials),
            credentials_file: None,
        })
    }

    /// Checks that no field contradicts another.
    pub(super) fn check(&self) -> Result<(), FieldError> {
        let why = match self {
            Self::Basic(a) if a.password.is_some() && a.password_file.is_some() => {
                "only one of password and password_file can be set"
            }
            Self::Basic(a) if !a.username.is_empty() && a.username_file.is_some() => {
                "only one of username and username_file can be set"
            }
            Self::Other(a) if a.credentials.is_some() && a.credentials_file.is_some() => {
                "only one of credentials and credentials_file can be set"
            }
            Self::Other(a) if a.kind.trim().eq_ignore_ascii_case("basic") => {
                "the type can't be \"Basic\"; use basic_auth for that"
            }
            _ => return Ok(()),
        };
        Err(FieldError::new(self.field(), why))
    }

    /// Returns the header's value. Files are read each time, because a rotated
    /// secret causes no event. Blocks.
    ///
    /// # Errors
    /// If a file can't be read or the secret is not valid in a header.
    pub fn header(&self) -> Result<HeaderValue, String> {
        let text = match self {
            Self::Basic(auth) => {
                let username = match &auth.username_file {
                    Some(path) => file(path)?,
                    None => auth.username.clone(),
                };
                let password = secret(auth.password.as_ref(), auth.password_file.as_ref())?;
                let both = format!("{username}:{password}");
                format!("Basic {}", STANDARD.encode(both))
            }
            Self::Other(auth) => {
                let given = auth.credentials.as_ref();
                let credentials = secret(given, auth.credentials_file.as_ref())?;
                format!("{} {credentials}", auth.kind)
            }
        };
        let value = HeaderValue::try_from(text);
        let mut value =
            value.map_err(|_| "the secret has characters that are invalid in a header")?;
        value.set_sensitive(true);
        Ok(value)
    }
}

fn secret(given: Option<&Secret>, path: Option<&PathBuf>) -> Result<String, String> {
    match (given, path) {
        (Some(secret), _) => Ok(secret.expose().to_owned()),
        (None, Some(path)) => file(path),
        (None, None) => Ok(String::new()),
    }
}

fn password<'de, D: Deserializer<'de>>(d: D) -> Result<Option<Secret>, D::Error> {
    Secret::field("password", d)
}

fn credentials<'de, D: Deserializer<'de>>(d: D) -> Result<Option<Secret>, D::Error> {
    Secret::field("credentials", d)
}

fn bearer() -> String {
    "Bearer".into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_is_as_the_rfc_says_and_the_secret_does_not_show() {
        let auth = serde_saphyr::from_str("{username: Aladdin, password: open sesame}").unwrap();
        let access = Access::Basic(auth);
        let header = access.header().unwrap();
        assert_eq!(header, "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
        assert!(!format!("{access:?} {header:?}").contains("sesame"));
        let auth = serde_saphyr::from_str("{credentials: abc}").unwrap();
        assert_eq!(Access::Other(auth).header().unwrap(), "Bearer abc");
    }
}
