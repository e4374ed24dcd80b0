//! Traces in a bucket.

use std::io;

use gotracer::objects::{Failure, Location, Object, Store};
use gotracer::source::{self, Limits, directory};
use gotracer::trace::Input;
#[cfg(feature = "parquet")]
use jiff::Timestamp;

/// A trace in a bucket.
#[derive(Debug)]
pub(crate) struct Stored {
    store: Store,
    object: Object,
}

impl Stored {
    /// Returns the object's URL.
    pub(crate) fn url(&self) -> String {
        self.store.location().url(&self.object.name)
    }

    /// Returns the stored size in bytes.
    pub(crate) fn size(&self) -> u64 {
        self.object.size
    }

    /// Returns the time of the last write.
    #[cfg(feature = "parquet")]
    pub(crate) fn modified(&self) -> Timestamp {
        self.object.modified
    }

    /// Opens the object.
    pub(crate) fn open(&self, limits: &Limits) -> io::Result<Input<'static>> {
        let reader = self.store.read(&self.object.name);
        source::from_reader(reader.map_err(io::Error::other)?, limits)
    }
}

/// Returns the objects below a prefix that may be traces, with their names below it. If there are none, returns the object
/// whose key is the prefix.
pub(crate) fn objects(url: &str) -> anyhow::Result<Vec<(Option<String>, Stored)>> {
    let location: Location = url.parse()?;
    let store = Store::open(location.clone())?;
    let mut found = Vec::new();
    let mut others = 0;
    for object in store.list() {
        let object = object?;
        let last = object.name.rsplit('/').next().unwrap_or_default();
        if directory::may_be_trace(last) {
            let store = store.clone();
            found.push((Some(object.name.clone()), Stored { store, object }));
        } else {
            others += 1;
        }
    }
    if found.is_empty()
        && others == 0
        && let Some((parent, name)) = location.parent()
    {
        let store = Store::open(parent)?;
        match store.head(&name) {
            Ok(object) => found.push((None, Stored { store, object })),
            Err(error) if error.failure() == Failure::Missing => {
                anyhow::bail!("{url}: there is no such object, and none below it");
            }
            Err(error) => return Err(error.into()),
        }
    }
    anyhow::ensure!(!found.is_empty(), "{url}: there are no traces");
    Ok(found)
}
