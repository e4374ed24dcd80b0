//! Which targets there are, in the words of a Prometheus scrape config.

mod job;
mod refresh;
mod relabel;

pub use job::{Group, Job};
pub use refresh::{Discovery, DiscoveryError, FileSd, Groups, HttpSd};
pub use relabel::Relabel;
