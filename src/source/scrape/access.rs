//! How a program knows that it may answer.

use std::fmt;
use std::path::PathBuf;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hyper::header::HeaderValue;
use serde::Deserialize;

/// Something that no log and no page shows.
#[derive(Clone, PartialEq, Eq, Hash, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<secret>")
    }
}

/// `basic_auth` of a scrape config.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BasicAuth {
    #[serde(default)]
    username: String,
    password: Option<Secret>,
    password_file: Option<PathBuf>,
}

/// `authorization` of a scrape config.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Authorization {
    #[serde(default = "bearer", rename = "type")]
    kind: String,
    credentials: Option<Secret>,
    credentials_file: Option<PathBuf>,
}

/// What is said in the header Authorization.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Access {
    /// A name and a password.
    Basic(BasicAuth),
    /// A token, most often.
    Other(Authorization),
}

impl Access {
    /// The header's value. Files are read each time, since those who rotate
    /// secrets tell nobody. This may block.
    ///
    /// # Errors
    /// If a file can't be read or the secret can't stand in a header.
    pub fn header(&self) -> Result<HeaderValue, String> {
        let text = match self {
            Self::Basic(auth) => {
                let password = secret(auth.password.as_ref(), auth.password_file.as_ref())?;
                let both = format!("{}:{password}", auth.username);
                format!("Basic {}", STANDARD.encode(both))
            }
            Self::Other(auth) => {
                let given = auth.credentials.as_ref();
                let credentials = secret(given, auth.credentials_file.as_ref())?;
                format!("{} {credentials}", auth.kind)
            }
        };
        let value = HeaderValue::try_from(text);
        let mut value = value.map_err(|_| "the secret can't stand in a header")?;
        value.set_sensitive(true);
        Ok(value)
    }
}

fn secret(given: Option<&Secret>, file: Option<&PathBuf>) -> Result<String, String> {
    match (given, file) {
        (Some(secret), _) => Ok(secret.0.clone()),
        (None, Some(path)) => std::fs::read_to_string(path)
            .map(|text| text.trim().to_owned())
            .map_err(|error| format!("cannot read {}: {error}", path.display())),
        (None, None) => Ok(String::new()),
    }
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
