//! A bucket, or the part of it below a prefix.

use std::env;
use std::fmt;
use std::io::{self, Read, Write};
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::Future;
use futures_util::stream::StreamExt;
use hyper::Method;
use jiff::Timestamp;
use object_store::aws::AmazonS3;
use object_store::path::Path;
use object_store::signer::Signer;
use object_store::{Error, ObjectMeta, ObjectStore, ObjectStoreExt};
use tokio::runtime::{self, Runtime};

use super::answer::is_of_machine;
use super::error::ObjectError;
use super::location::Location;
use super::read::{Listing, ObjectReader};
use super::settings::Variables;
use super::write::ObjectWriter;

/// Objects below a location. Names are keys without the location's prefix. Clones share one store.
#[derive(Clone)]
pub struct Store(Arc<Inner>);

/// State that readers and writers share.
pub(super) struct Inner {
    pub location: Location,
    pub s3: AmazonS3,
    /// Whether the environment has no credentials.
    anonymous: bool,
    /// Runtime; `None` only while the store is dropped.
    runtime: Option<Runtime>,
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Store({})", self.location())
    }
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

impl Store {
    /// Creates the store of a location from the environment, without a request.
    ///
    /// # Errors
    /// If the environment variables contradict each other.
    pub fn open(location: Location) -> Result<Self, ObjectError> {
        let all = env::vars_os();
        let text = all.filter_map(|(n, v)| Some((n.into_string().ok()?, v.into_string().ok()?)));
        Self::with(location, text)
    }

    /// Creates the store with a replacement of the environment.
    ///
    /// # Errors
    /// If the variables contradict each other.
    pub fn with(
        location: Location,
        variables: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, ObjectError> {
        let variables = Variables::new(variables);
        let s3 = variables.bucket(&location)?;
        let runtime = runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("objects")
            .enable_all()
            .build();
        let runtime = runtime.map_err(|e| ObjectError::settings(&location, &e.to_string()))?;
        Ok(Self(Arc::new(Inner {
            location,
            s3,
            anonymous: variables.anonymous(),
            runtime: Some(runtime),
        })))
    }

    /// Location of the store.
    pub fn location(&self) -> &Location {
        &self.0.location
    }

    /// Lists all objects by key, page by page.
    pub fn list(&self) -> Listing {
        let prefix = Path::parse(self.0.location.prefix()).ok();
        let objects = self.0.s3.list(prefix.as_ref()).boxed();
        Listing::new(Arc::clone(&self.0), objects)
    }

    /// Returns the description of an object.
    ///
    /// # Errors
    /// If there is none, or the store fails.
    pub fn head(&self, name: &str) -> Result<Object, ObjectError> {
        let path = self.0.path(name, "read")?;
        let meta = self.0.block_on(self.0.s3.head(&path));
        let object = meta.map(|meta| Object::new(&self.0.location, &meta));
        object.map_err(|e| self.0.error(name, "read", &e))
    }

    /// Opens an object for reading.
    ///
    /// # Errors
    /// If there is none, or the store fails.
    pub fn read(&self, name: &str) -> Result<ObjectReader, ObjectError> {
        let path = self.0.path(name, "read")?;
        let got = self.0.block_on(self.0.s3.get(&path));
        let got = got.map_err(|e| self.0.error(name, "read", &e))?;
        let pieces = got.into_stream();
        Ok(ObjectReader::new(Arc::clone(&self.0), name, pieces))
    }

    /// Starts to write an object, in parts if it is long.
    pub fn write(&self, name: &str) -> ObjectWriter {
        ObjectWriter::new(Arc::clone(&self.0), name)
    }

    /// Writes an object and returns its size.
    ///
    /// # Errors
    /// If `content` cannot be read, or the store fails.
    pub fn put(&self, name: &str, mut content: impl Read) -> io::Result<u64> {
        let mut writer = self.write(name);
        let written = io::copy(&mut content, &mut writer)?;
        writer.flush()?;
        writer.finish().map_err(io::Error::other)?;
        Ok(written)
    }

    /// Deletes an object. A missing object is no error.
    ///
    /// # Errors
    /// If the store fails.
    pub fn delete(&self, name: &str) -> Result<(), ObjectError> {
        let path = self.0.path(name, "delete")?;
        match self.0.block_on(self.0.s3.delete(&path)) {
            Ok(()) | Err(Error::NotFound { .. }) => Ok(()),
            Err(e) => Err(self.0.error(name, "delete", &e)),
        }
    }

    /// Returns a URL that grants access to an object without credentials, for at most a week and
    /// the lifetime of the credentials.
    ///
    /// # Errors
    /// If there are no credentials to sign the URL.
    pub fn presigned(&self, name: &str, lasting: Duration) -> Result<String, ObjectError> {
        let path = self.0.path(name, "sign")?;
        let url = self.0.s3.signed_url(Method::GET, &path, lasting);
        let url = self.0.block_on(url);
        url.map(String::from)
            .map_err(|e| self.0.error(name, "sign", &e))
    }
}

impl Inner {
    /// Blocks until a future is ready. Not for threads of an async runtime.
    pub fn block_on<F: Future>(&self, future: F) -> F::Output {
        match &self.runtime {
            Some(runtime) => runtime.block_on(future),
            None => futures_executor::block_on(future),
        }
    }

    /// Returns the key of a name.
    pub fn path(&self, name: &str, doing: &'static str) -> Result<Path, ObjectError> {
        let path = Path::parse(self.location.key(name));
        path.map_err(|e| self.error(name, doing, &e.into()))
    }

    pub fn error(&self, name: &str, doing: &'static str, error: &Error) -> ObjectError {
        let said = ObjectError::of(&self.location, name, doing, error);
        match self.anonymous && is_of_machine(error) {
            true => said.anonymous(),
            false => said,
        }
    }
}

impl Drop for Inner {
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
