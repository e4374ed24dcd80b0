//! Target discovery with the syntax of a Prometheus scrape config.

mod convention;
mod files;
mod group;
mod job;
#[cfg(feature = "kubernetes")]
mod kubernetes;
#[cfg(not(feature = "kubernetes"))]
#[path = "without_kubernetes.rs"]
mod kubernetes;
mod mechanism;
mod refresh;
mod relabel;
mod server;
mod table;
mod targets;

pub use files::FileSd;
pub use group::Group;
pub use job::Job;
pub use kubernetes::KubernetesSd;
pub use refresh::{DiscoveryError, Update};
pub use relabel::Relabel;
pub use server::HttpSd;
pub use table::Discovery;
