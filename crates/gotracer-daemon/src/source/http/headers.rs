//! `http_headers`: additional headers of requests.

use std::collections::BTreeMap;
use std::path::PathBuf;

use hyper::header::{HeaderMap, HeaderName, HeaderValue};
use serde::{Deserialize, Deserializer, Serialize};

use super::{FieldError, file};
use crate::secret::Secret;

/// Headers that the connection or other fields set.
const RESERVED: [&str; 14] = [
    "accept-encoding",
    "authorization",
    "connection",
    "content-length",
    "expect",
    "host",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// Headers by name.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default, Deserialize, Serialize)]
#[serde(transparent)]
pub struct Headers(BTreeMap<String, Values>);

/// Values of one header. Logs and pages never show them.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Values {
    #[serde(default, deserialize_with = "values")]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    values: Vec<Secret>,
    #[serde(default, deserialize_with = "secrets")]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    secrets: Vec<Secret>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    files: Vec<PathBuf>,
}

impl Headers {
    /// Whether there are no headers.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds a header.
    pub(super) fn add(&mut self, name: &str, value: Secret) {
        let all = self.0.entry(name.to_owned()).or_default();
        all.values.push(value);
    }

    /// Checks names and values.
    pub(super) fn check(&self) -> Result<(), FieldError> {
        for (name, all) in &self.0 {
            let error = |why: &str| Err(FieldError::new("http_headers", format!("{name}: {why}")));
            if HeaderName::try_from(name).is_err() {
                return error("this is no name of a header");
            }
            if RESERVED.contains(&name.to_lowercase().as_str()) {
                return error("this header can't be set here");
            }
            let given = all.values.iter().chain(&all.secrets);
            for secret in given {
                if HeaderValue::try_from(secret.expose()).is_err() {
                    return error("its value can't stand in a header");
                }
            }
        }
        Ok(())
    }

    /// Returns all headers and reads those in files. Blocks.
    pub(super) fn read(&self) -> Result<HeaderMap, String> {
        let mut map = HeaderMap::new();
        for (name, all) in &self.0 {
            let key = HeaderName::try_from(name).map_err(|e| e.to_string())?;
            let given = all.values.iter().chain(&all.secrets);
            let given = given.map(|secret| Ok(secret.expose().to_owned()));
            let files = all.files.iter().map(|path| file(path));
            for text in given.chain(files) {
                let value = HeaderValue::try_from(text?);
                let mut value = value.map_err(|_| format!("{name}: no value for a header"))?;
                value.set_sensitive(true);
                map.append(key.clone(), value);
            }
        }
        Ok(map)
    }
}

fn values<'de, D: Deserializer<'de>>(d: D) -> Result<Vec<Secret>, D::Error> {
    Secret::list("values", d)
}

fn secrets<'de, D: Deserializer<'de>>(d: D) -> Result<Vec<Secret>, D::Error> {
    Secret::list("secrets", d)
}
