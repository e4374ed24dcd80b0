//! Location of objects: `s3://bucket/prefix`.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Scheme of the URL of a bucket.
const SCHEME: &str = "s3://";
/// Schemes of other stores, with advice on how to reach them.
const OTHERS: [(&str, &str); 4] = [
    ("gs://", "AWS_ENDPOINT_URL=https://storage.googleapis.com"),
    (
        "r2://",
        "AWS_ENDPOINT_URL=https://ACCOUNT.r2.cloudflarestorage.com",
    ),
    ("az://", "a gateway that speaks S3"),
    ("abfs://", "a gateway that speaks S3"),
];

/// A bucket, and the prefix that the keys of its objects have.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct Location {
    bucket: String,
    /// Without slashes at its ends; empty for the whole bucket.
    prefix: String,
}

/// Error of a URL that names no bucket.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum LocationError {
    /// The URL has another store's scheme.
    #[error("{url}: only s3:// is known; with {instead}, s3:// reaches it as well")]
    Other {
        /// The given text.
        url: String,
        /// Advice.
        instead: &'static str,
    },
    /// The text is not a URL of a bucket.
    #[error("{0}: expected s3://BUCKET/PREFIX")]
    NoBucket(String),
    /// The key is invalid.
    #[error("{0}: a key can't hold empty parts, \".\" or \"..\" between its slashes")]
    Key(String),
}

impl Location {
    /// Returns whether a text has the scheme of a bucket.
    pub fn is_url(text: &str) -> bool {
        let mut schemes = OTHERS.iter().map(|(scheme, _)| *scheme).chain([SCHEME]);
        schemes.any(|scheme| text.starts_with(scheme))
    }

    /// The bucket.
    pub fn bucket(&self) -> &str {
        &self.bucket
    }

    /// Prefix of the keys, without a slash at its end; empty for the whole bucket.
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// Returns the key of a name below the prefix.
    pub fn key(&self, name: &str) -> String {
        match (self.prefix.as_str(), name) {
            ("", name) => name.into(),
            (prefix, "") => prefix.into(),
            (prefix, name) => format!("{prefix}/{name}"),
        }
    }

    /// Returns the URL of a name below the prefix.
    pub fn url(&self, name: &str) -> String {
        format!("{SCHEME}{}/{}", self.bucket, self.key(name))
    }

    /// Returns the location and name of the object whose key is the prefix.
    pub fn parent(&self) -> Option<(Self, String)> {
        let (prefix, name) = match self.prefix.rsplit_once('/') {
            Some((prefix, name)) => (prefix, name),
            None => ("", self.prefix.as_str()),
        };
        let parent = Self {
            bucket: self.bucket.clone(),
            prefix: prefix.into(),
        };
        (!name.is_empty()).then(|| (parent, name.into()))
    }
}

impl FromStr for Location {
    type Err = LocationError;

    fn from_str(text: &str) -> Result<Self, LocationError> {
        let Some(rest) = text.strip_prefix(SCHEME) else {
            let other = OTHERS.iter().find(|(scheme, _)| text.starts_with(scheme));
            return Err(match other {
                Some((_, instead)) => LocationError::Other {
                    url: text.into(),
                    instead,
                },
                None => LocationError::NoBucket(text.into()),
            });
        };
        let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        if bucket.is_empty() {
            return Err(LocationError::NoBucket(text.into()));
        }
        let prefix = prefix.trim_matches('/');
        let mut parts = prefix.split('/');
        if !prefix.is_empty() && parts.any(|part| matches!(part, "" | "." | "..")) {
            return Err(LocationError::Key(text.into()));
        }
        Ok(Self {
            bucket: bucket.into(),
            prefix: prefix.into(),
        })
    }
}

impl TryFrom<String> for Location {
    type Error = LocationError;

    fn try_from(text: String) -> Result<Self, LocationError> {
        text.parse()
    }
}

impl From<Location> for String {
    fn from(location: Location) -> Self {
        location.to_string()
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.url(""))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn location(text: &str) -> Result<Location, String> {
        text.parse().map_err(|e: LocationError| e.to_string())
    }

    #[test]
    fn buckets_and_prefixes_are_told_apart() {
        for (text, bucket, prefix, url) in [
            ("s3://traces", "traces", "", "s3://traces/"),
            ("s3://traces/", "traces", "", "s3://traces/"),
            ("s3://traces/a/b/", "traces", "a/b", "s3://traces/a/b"),
            (
                "s3://traces/a%20b c",
                "traces",
                "a%20b c",
                "s3://traces/a%20b c",
            ),
        ] {
            let location = location(text).unwrap();
            assert_eq!((location.bucket(), location.prefix()), (bucket, prefix));
            assert_eq!(location.to_string(), url);
        }
    }

    #[test]
    fn names_are_below_the_prefix() {
        let deep = location("s3://t/a/b").unwrap();
        assert_eq!(deep.key("c/d"), "a/b/c/d");
        assert_eq!(location("s3://t").unwrap().key("c"), "c");
        let (parent, name) = deep.parent().unwrap();
        assert_eq!(
            (parent.to_string().as_str(), name.as_str()),
            ("s3://t/a", "b")
        );
        assert_eq!(parent.parent().unwrap().0, location("s3://t").unwrap());
        assert_eq!(location("s3://t").unwrap().parent(), None);
    }

    #[test]
    fn what_names_no_bucket_says_so() {
        for (text, why) in [
            ("s3://", "expected s3://BUCKET/PREFIX"),
            ("s3:///a", "expected s3://BUCKET/PREFIX"),
            ("traces/a", "expected s3://BUCKET/PREFIX"),
            ("gs://t/a", "storage.googleapis.com"),
            ("s3://t/a//b", "empty parts"),
            ("s3://t/../b", "empty parts"),
        ] {
            let error = location(text).unwrap_err();
            assert!(error.contains(why) && error.contains(text), "{error}");
        }
    }
}
