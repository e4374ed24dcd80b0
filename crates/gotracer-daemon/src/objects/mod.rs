//! Objects in buckets: S3 and compatible stores.
//! Credentials, region and endpoint come from the environment variables of the AWS tools. The
//! interface blocks and needs no async runtime: a store has its own single-threaded runtime, which
//! ends with the store and its open readers.

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
