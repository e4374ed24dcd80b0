//! Which targets there are, in the words of a Prometheus scrape config.

mod job;
mod relabel;

pub use job::{Group, Job};
pub use relabel::Relabel;
