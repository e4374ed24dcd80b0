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

use super::error::{ObjectError, is_of_machine};
use super::location::Location;
use super::read::{Listing, ObjectReader};
use super::settings::Variables;
use super::write::ObjectWriter;

/// The objects below a location. Names are what the keys say after the
/// location's prefix. Clones are the same store.
#[derive(Clone)]
pub struct Store(Arc<Inner>);

/// State that readers and writers share.
pub(super) struct Inner {
    pub location: Location,
    pub s3: AmazonS3,
    /// Nothing says who we are.
    anonymous: bool,
    /// None only while it ends.
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
    /// Its name.
    pub name: String,
    /// Its length, bytes.
    pub size: u64,
    /// When it was written.
    pub modified: Timestamp,
}

impl Store {
    /// The store at a location, as the environment says how to come at it.
    /// Nothing is asked yet.
    ///
    /// # Errors
    /// If the environment contradicts itself.
    pub fn open(location: Location) -> Result<Self, ObjectError> {
        let all = env::vars_os();
        let text = all.filter_map(|(n, v)| Some((n.into_string().ok()?, v.into_string().ok()?)));
        Self::with(location, text)
    }

    /// The same with a replacement of the environment.
    ///
    /// # Errors
    /// If that contradicts itself.
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

    /// All objects, by key; asked for page by page.
    pub fn list(&self) -> Listing {
        let prefix = Path::parse(self.0.location.prefix()).ok();
        let objects = self.0.s3.list(prefix.as_ref()).boxed();
        Listing::new(Arc::clone(&self.0), objects)
    }

    /// Description of an object.
    ///
    /// # Errors
    /// If there is none, or the store does not say.
    pub fn head(&self, name: &str) -> Result<Object, ObjectError> {
        let path = self.0.path(name, "read")?;
        let meta = self.0.block_on(self.0.s3.head(&path));
        let object = meta.map(|meta| Object::new(&self.0.location, &meta));
        object.map_err(|e| self.0.error(name, "read", &e))
    }

    /// Begins to read an object.
    ///
    /// # Errors
    /// If there is none, or the store does not give it.
    pub fn read(&self, name: &str) -> Result<ObjectReader, ObjectError> {
        let path = self.0.path(name, "read")?;
        let got = self.0.block_on(self.0.s3.get(&path));
        let got = got.map_err(|e| self.0.error(name, "read", &e))?;
        let pieces = got.into_stream();
        Ok(ObjectReader::new(Arc::clone(&self.0), name, pieces))
    }

    /// Begins to write an object; in parts, if it turns out long.
    pub fn write(&self, name: &str) -> ObjectWriter {
        ObjectWriter::new(Arc::clone(&self.0), name)
    }

    /// Writes an object, and says how long it is.
    ///
    /// # Errors
    /// If it can't be read, or the store does not keep it.
    pub fn put(&self, name: &str, mut content: impl Read) -> io::Result<u64> {
        let mut writer = self.write(name);
        let written = io::copy(&mut content, &mut writer)?;
        writer.flush()?;
        writer.finish().map_err(io::Error::other)?;
        Ok(written)
    }

    /// Deletes an object. That there is none is fine.
    ///
    /// # Errors
    /// If the store does not.
    pub fn delete(&self, name: &str) -> Result<(), ObjectError> {
        let path = self.0.path(name, "delete")?;
        match self.0.block_on(self.0.s3.delete(&path)) {
            Ok(()) | Err(Error::NotFound { .. }) => Ok(()),
            Err(e) => Err(self.0.error(name, "delete", &e)),
        }
    }

    /// A URL that gives an object to whoever has it, for so long: at most a
    /// week, and no longer than our credentials last.
    ///
    /// # Errors
    /// If there are no credentials to sign it with.
    pub fn presigned(&self, name: &str, lasting: Duration) -> Result<String, ObjectError> {
        let path = self.0.path(name, "sign")?;
        let url = self.0.s3.signed_url(Method::GET, &path, lasting);
        let url = self.0.block_on(url);
        url.map(String::from)
            .map_err(|e| self.0.error(name, "sign", &e))
    }
}

impl Inner {
    /// Waits for an answer. Not for threads that drive a runtime.
    pub fn block_on<F: Future>(&self, future: F) -> F::Output {
        match &self.runtime {
            Some(runtime) => runtime.block_on(future),
            None => futures_executor::block_on(future),
        }
    }

    /// The key of a name.
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
    /// A runtime that waits for its threads may not end on another one's.
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
