//! Buckets in builds without the feature `s3`: opening one is an error that names the feature.

use std::convert::Infallible;
use std::io::{self, Read, Write};
use std::iter::Empty;
use std::time::Duration;

use jiff::Timestamp;

use super::error::ObjectError;
use super::location::Location;

/// Store of objects, of which this build has none.
#[derive(Clone, Debug)]
pub struct Store(Infallible);

/// Reader of an object, of which this build has none.
pub struct ObjectReader(Infallible);

/// Writer of an object, of which this build has none.
pub struct ObjectWriter(Infallible);

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
    /// Fails.
    ///
    /// # Errors
    /// Always: this build has no client for S3.
    pub fn open(location: Location) -> Result<Self, ObjectError> {
        let why = "this gotracer was built without S3; build it with --features s3";
        Err(ObjectError::settings(&location, why))
    }

    /// Location of the store.
    pub fn location(&self) -> &Location {
        match self.0 {}
    }

    /// Lists all objects by key.
    pub fn list(&self) -> Empty<Result<Object, ObjectError>> {
        match self.0 {}
    }

    /// Returns the description of an object.
    ///
    /// # Errors
    /// Never: there is no store.
    pub fn head(&self, _: &str) -> Result<Object, ObjectError> {
        match self.0 {}
    }

    /// Opens an object for reading.
    ///
    /// # Errors
    /// Never: there is no store.
    pub fn read(&self, _: &str) -> Result<ObjectReader, ObjectError> {
        match self.0 {}
    }

    /// Starts to write an object.
    pub fn write(&self, _: &str) -> ObjectWriter {
        match self.0 {}
    }

    /// Writes an object and returns its size.
    ///
    /// # Errors
    /// Never: there is no store.
    pub fn put(&self, _: &str, _: impl Read) -> io::Result<u64> {
        match self.0 {}
    }

    /// Deletes an object.
    ///
    /// # Errors
    /// Never: there is no store.
    pub fn delete(&self, _: &str) -> Result<(), ObjectError> {
        match self.0 {}
    }

    /// Returns a URL that grants access to an object.
    ///
    /// # Errors
    /// Never: there is no store.
    pub fn presigned(&self, _: &str, _: Duration) -> Result<String, ObjectError> {
        match self.0 {}
    }
}

impl Read for ObjectReader {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        match self.0 {}
    }
}

impl ObjectWriter {
    /// Completes the object.
    ///
    /// # Errors
    /// Never: there is no store.
    pub fn finish(self) -> Result<(), ObjectError> {
        match self.0 {}
    }
}

impl Write for ObjectWriter {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        match self.0 {}
    }

    fn flush(&mut self) -> io::Result<()> {
        match self.0 {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn opening_a_bucket_names_the_feature() {
        let error = Store::open("s3://traces/a".parse().unwrap()).unwrap_err();
        assert_eq!(
            error.to_string(),
            "cannot use s3://traces/a: this gotracer was built without S3; build it with --features s3"
        );
    }
}
