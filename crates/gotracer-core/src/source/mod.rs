//! Sources of traces: opening, decompression, and sharding between daemons.

mod expand;
mod limits;
mod open;
mod shard;

pub use limits::Limits;
pub use open::{decompressed, from_reader, from_seekable, open, stdin};
pub use shard::{Shard, ShardError, ordinal};
