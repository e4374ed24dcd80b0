//! Readers of objects, for threads that may block.

use std::io::{self, Read};
use std::sync::Arc;

use futures_util::stream::{BoxStream, StreamExt};
use hyper::body::Bytes;
use object_store::{ObjectMeta, Result};

use super::client::{Client, Object};
use super::error::ObjectError;

/// Objects below a location, in the store's order of keys.
pub struct Listing {
    store: Arc<Client>,
    objects: BoxStream<'static, Result<ObjectMeta>>,
}

impl Listing {
    pub(super) fn new(store: Arc<Client>, objects: BoxStream<'static, Result<ObjectMeta>>) -> Self {
        Self { store, objects }
    }
}

impl Iterator for Listing {
    type Item = Result<Object, ObjectError>;

    fn next(&mut self) -> Option<Self::Item> {
        let Self { store, objects } = self;
        let next = store.block_on(objects.next())?;
        let found = next.map(|meta| Object::new(&store.location, &meta));
        Some(found.map_err(|e| store.error("", "list", &e)))
    }
}

/// Streaming reader of an object. After a broken connection it continues from the last byte.
pub struct ObjectReader {
    store: Arc<Client>,
    name: String,
    pieces: BoxStream<'static, Result<Bytes>>,
    current: Bytes,
}

impl ObjectReader {
    pub(super) fn new(
        store: Arc<Client>,
        name: &str,
        pieces: BoxStream<'static, Result<Bytes>>,
    ) -> Self {
        Self {
            store,
            name: name.into(),
            pieces,
            current: Bytes::new(),
        }
    }
}

impl Read for ObjectReader {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let Self {
            store,
            name,
            pieces,
            current,
        } = self;
        while current.is_empty() && !buf.is_empty() {
            match store.block_on(pieces.next()) {
                None => return Ok(0),
                Some(Ok(piece)) => *current = piece,
                Some(Err(e)) => return Err(io::Error::other(store.error(name, "read", &e))),
            }
        }
        let n = buf.len().min(current.len());
        buf[..n].copy_from_slice(&current.split_to(n));
        Ok(n)
    }
}
