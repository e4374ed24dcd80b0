//! Which targets there are, in the words of a Prometheus scrape config.

mod files;
mod job;
mod refresh;
mod relabel;
mod server;
mod shard;
mod targets;

pub use files::{FileSd, Watch};
pub use job::{Group, Job};
pub use refresh::{Discovery, DiscoveryError, Groups};
pub use relabel::Relabel;
pub use server::HttpSd;
pub use shard::{Shard, ShardError, ordinal};
