//! Where traces come from. A source hands on a name, labels and bytes, and
//! knows nothing of what is done with them.

#[cfg(feature = "daemon")]
pub mod directory;
#[cfg(feature = "daemon")]
pub mod discovery;
#[cfg(feature = "daemon")]
pub mod http;
mod open;
#[cfg(feature = "daemon")]
pub mod scrape;
mod shard;
#[cfg(feature = "daemon")]
pub(crate) mod yaml;

#[cfg(feature = "daemon")]
pub use open::decompressed;
pub use open::{from_reader, open, stdin};
pub use shard::{Shard, ShardError, ordinal};
#[cfg(feature = "daemon")]
pub use yaml::parse_duration;
