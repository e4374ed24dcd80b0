//! Objects in buckets: S3, and what speaks its protocol.
//!
//! Credentials, region and endpoint come from where S3's own tools have them,
//! the environment. Those who use a store block and need no runtime: it has
//! one of its own, with one thread, which ends with the store and with
//! whatever is still being read from it.

mod error;
mod http;
mod location;
mod read;
mod settings;
mod store;
mod write;

pub use error::{Failure, ObjectError};
pub use location::{Location, LocationError};
pub use read::{Listing, ObjectReader};
pub use store::{Object, Store};
pub use write::ObjectWriter;
