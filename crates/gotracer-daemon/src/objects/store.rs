//! A bucket, or the part of it below a prefix.

use std::env;
use std::fmt;
use std::io::{self, Read, Write};
use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::StreamExt;
use hyper::Method;
use object_store::path::Path;
use object_store::signer::Signer;
use object_store::{Error, ObjectStore, ObjectStoreExt};

use super::client::{Client, Object};
use super::error::ObjectError;
use super::location::Location;
use super::read::{Listing, ObjectReader};
use super::settings::Variables;
use super::write::ObjectWriter;

/// Objects below a location. Names are keys without the location's prefix. Clones share one store.
#[derive(Clone)]
pub struct Store(Arc<Client>);

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Store({})", self.location())
    }
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
        let client = Client::new(location, &Variables::new(variables))?;
        Ok(Self(Arc::new(client)))
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
