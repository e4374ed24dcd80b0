//! How the watched directories are.

use std::fmt;
use std::sync::Arc;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;

use super::head::{Head, Valued};
use super::settings::InForce;

/// The label of a directory, as the user wrote its path.
const DIRECTORY: &str = "directory";

/// Gauges of each directory.
pub static GAUGES: [Valued<Watched>; 2] = [
    (
        Head::new(
            "gotracer_watch_directory_up",
            MetricType::Gauge,
            "Whether a watched directory can be looked into.",
        ),
        |watched| watched.up.into(),
    ),
    (
        Head::new(
            "gotracer_watch_incomplete_files",
            MetricType::Gauge,
            "Files that break off and may still be written to; see --watch.incomplete-after.",
        ),
        |watched| watched.incomplete as f64,
    ),
];

/// Files that were put off.
pub static RETRIES: Head = Head::new(
    "gotracer_watch_retries",
    MetricType::Counter,
    "Attempts to read, move or delete a file that failed and are made again.",
);

/// A watched directory.
#[derive(Clone, Debug)]
pub struct Watched {
    /// Its path as the user wrote it.
    pub directory: String,
    /// Whether it can be looked into.
    pub up: bool,
    /// Files that are not final.
    pub incomplete: u64,
    /// Attempts that failed and are made again.
    pub retries: u64,
}

/// Writes the directories that it is given at each scrape.
pub struct Watches(pub Arc<dyn Fn() -> Vec<Watched> + Send + Sync>, pub InForce);

impl fmt::Debug for Watches {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Watches")
    }
}

impl Collector for Watches {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let all = (self.0)();
        if all.is_empty() {
            return Ok(());
        }
        let settings = self.1.get();
        for (head, value) in &GAUGES {
            if let Some(mut family) = head.begin(&mut encoder, &settings)? {
                for watched in &all {
                    let labels = [(DIRECTORY, watched.directory.as_str())];
                    let gauge = ConstGauge::new(value(watched));
                    gauge.encode(family.encode_family(&labels)?)?;
                }
            }
        }
        if let Some(mut family) = RETRIES.begin(&mut encoder, &settings)? {
            for watched in &all {
                let labels = [(DIRECTORY, watched.directory.as_str())];
                let counter = ConstCounter::new(watched.retries);
                counter.encode(family.encode_family(&labels)?)?;
            }
        }
        Ok(())
    }
}
