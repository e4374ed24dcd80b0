//! Where the bytes of a trace come from, and which of several daemons reads them.

mod expand;
mod open;
mod shard;

pub use open::{Limits, decompressed, from_reader, from_seekable, open, stdin};
pub use shard::{Shard, ShardError, ordinal};
