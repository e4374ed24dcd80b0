//! Objects in buckets: S3 and compatible stores.
//! Credentials, region and endpoint come from the environment variables of the AWS tools. The
//! interface blocks and needs no async runtime: a store has its own single-threaded runtime, which
//! ends with the store and its open readers.

#[cfg(feature = "s3")]
mod answer;
#[cfg(feature = "s3")]
mod client;
mod error;
#[cfg(feature = "s3")]
mod http;
mod location;
#[cfg(feature = "s3")]
mod read;
#[cfg(feature = "s3")]
mod settings;
#[cfg(feature = "s3")]
mod store;
#[cfg(not(feature = "s3"))]
mod without_s3;
#[cfg(feature = "s3")]
mod write;

#[cfg(feature = "s3")]
pub use client::Object;
pub use error::{Failure, ObjectError};
pub use location::{Location, LocationError};
#[cfg(feature = "s3")]
pub use read::{Listing, ObjectReader};
#[cfg(feature = "s3")]
pub use store::Store;
#[cfg(not(feature = "s3"))]
pub use without_s3::{Object, ObjectReader, ObjectWriter, Store};
#[cfg(feature = "s3")]
pub use write::ObjectWriter;
