//! Sources of traces: opening, decompression, and sharding between daemons.

mod expand;
mod open;
mod shard;

pub use open::{Limits, decompressed, from_reader, from_seekable, open, stdin};
pub use shard::{Shard, ShardError, ordinal};
