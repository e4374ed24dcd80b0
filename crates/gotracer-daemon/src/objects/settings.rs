//! Credentials and address of the store, from the environment variables of the AWS tools.

use std::collections::HashMap;
use std::path::Path;
use std::time::Duration;

use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::{ClientOptions, RetryConfig};

use super::answer::detail;
use super::error::ObjectError;
use super::http::Connector;
use super::location::Location;

/// Retries of a request after a temporary failure.
const RETRIES: usize = 6;
/// Time limit of all retries.
const PATIENCE: Duration = Duration::from_secs(60);

/// Variables that hold credentials or name their source. Without any of them, the machine's role is
/// used.
const CREDENTIALS: [&str; 6] = [
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_SKIP_SIGNATURE",
];

/// Source of variables: the environment, or a replacement in tests.
pub(super) struct Variables(HashMap<String, String>);

impl Variables {
    /// Keeps the variables `AWS_*` that are not empty.
    pub(super) fn new(all: impl IntoIterator<Item = (String, String)>) -> Self {
        let known =
            |(name, value): &(String, String)| name.starts_with("AWS_") && !value.is_empty();
        Self(all.into_iter().filter(known).collect())
    }

    /// Returns the first of these variables that is set.
    fn first(&self, names: &[&str]) -> Option<&str> {
        let mut said = names.iter().filter_map(|name| self.0.get(*name));
        said.next().map(String::as_str)
    }

    /// Returns whether there are no credentials.
    pub(super) fn anonymous(&self) -> bool {
        self.first(&CREDENTIALS).is_none()
    }

    /// Creates the client of a bucket.
    pub(super) fn bucket(&self, location: &Location) -> Result<AmazonS3, ObjectError> {
        let endpoint = self.first(&["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT"]);
        let plain = endpoint.is_some_and(|e| e.starts_with("http://"));
        let connector = Connector::new(self.first(&["AWS_CA_BUNDLE"]).map(Path::new));
        let connector = connector.map_err(|e| ObjectError::settings(location, &e.to_string()))?;
        let retry = RetryConfig {
            max_retries: RETRIES,
            retry_timeout: PATIENCE,
            ..RetryConfig::default()
        };
        let mut builder = AmazonS3Builder::new();
        for (name, value) in &self.0 {
            if let Ok(key) = name.to_ascii_lowercase().parse() {
                builder = builder.with_config(key, value);
            }
        }
        if let Some(region) = self.first(&["AWS_REGION", "AWS_DEFAULT_REGION"]) {
            builder = builder.with_region(region);
        }
        let store = builder
            .with_bucket_name(location.bucket())
            .with_client_options(ClientOptions::new().with_allow_http(plain))
            .with_http_connector(connector)
            .with_retry(retry)
            .build();
        store.map_err(|e| ObjectError::settings(location, &detail(&e)))
    }
}
