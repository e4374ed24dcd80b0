//! Sources of traces. A source yields a name, labels and bytes, and does not
//! depend on the analysis.

pub mod activity;
pub mod directory;
pub mod discovery;
pub mod http;
pub mod push;
pub mod scrape;
pub(crate) mod yaml;

pub use gotracer_core::source::{
    Limits, Shard, ShardError, decompressed, from_reader, from_seekable, open, ordinal, stdin,
};
pub use yaml::parse_duration;
