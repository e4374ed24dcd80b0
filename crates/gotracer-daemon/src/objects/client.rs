//! Client of a bucket: requests, and a runtime to wait for them.

use futures_util::future::Future;
use jiff::Timestamp;
use object_store::aws::AmazonS3;
use object_store::path::Path;
use object_store::{Error, ObjectMeta};
use tokio::runtime::{self, Runtime};

use super::answer::is_of_machine;
use super::error::ObjectError;
use super::location::Location;
use super::settings::Variables;

/// Client of one bucket, shared by the store, its readers and its writers.
pub(super) struct Client {
    pub location: Location,
    pub s3: AmazonS3,
    /// Whether the environment has no credentials.
    anonymous: bool,
    /// Runtime; `None` only while the store is dropped.
    runtime: Option<Runtime>,
}

/// Description of an object.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Object {
    /// Name below the location.
    pub name: String,
    /// Size in bytes.
    pub size: u64,
    /// Time of the last modification.
    pub modified: Timestamp,
}

impl Client {
    /// Creates a client without a request.
    pub(super) fn new(location: Location, variables: &Variables) -> Result<Self, ObjectError> {
        let s3 = variables.bucket(&location)?;
        let runtime = runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("objects")
            .enable_all()
            .build();
        let runtime = runtime.map_err(|e| ObjectError::settings(&location, &e.to_string()))?;
        Ok(Self {
            location,
            s3,
            anonymous: variables.anonymous(),
            runtime: Some(runtime),
        })
    }

    /// Blocks until a future is ready. Not for threads of an async runtime.
    pub(super) fn block_on<F: Future>(&self, future: F) -> F::Output {
        match &self.runtime {
            Some(runtime) => runtime.block_on(future),
            None => futures_executor::block_on(future),
        }
    }

    /// Returns the key of a name.
    pub(super) fn path(&self, name: &str, doing: &'static str) -> Result<Path, ObjectError> {
        let path = Path::parse(self.location.key(name));
        path.map_err(|e| self.error(name, doing, &e.into()))
    }

    pub(super) fn error(&self, name: &str, doing: &'static str, error: &Error) -> ObjectError {
        let said = ObjectError::of(&self.location, name, doing, error);
        match self.anonymous && is_of_machine(error) {
            true => said.anonymous(),
            false => said,
        }
    }
}

impl Drop for Client {
    /// Dropping a runtime within another one panics unless it shuts down in the background.
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl Object {
    pub(super) fn new(location: &Location, meta: &ObjectMeta) -> Self {
        let key = meta.location.as_ref();
        let name = key.strip_prefix(location.prefix()).unwrap_or(key);
        let second = meta.last_modified.timestamp();
        Self {
            name: name.trim_start_matches('/').into(),
            size: meta.size,
            modified: Timestamp::from_second(second).unwrap_or_default(),
        }
    }
}
