//! Target discovery with the syntax of a Prometheus scrape config.

mod convention;
mod files;
mod job;
#[cfg(feature = "kubernetes")]
mod kubernetes;
#[cfg(not(feature = "kubernetes"))]
#[path = "without_kubernetes.rs"]
mod kubernetes;
mod refresh;
mod relabel;
mod server;
mod targets;

pub use files::FileSd;
pub use job::{Group, Job};
pub use kubernetes::KubernetesSd;
pub use refresh::{Discovery, DiscoveryError, Update};
pub use relabel::Relabel;
pub use server::HttpSd;
