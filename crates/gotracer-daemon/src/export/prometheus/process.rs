//! The exporter's own process, under the names every Prometheus client gives
//! them. Only Linux tells cheaply.

use std::fmt;
use std::fs;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Unit;

use super::head::{Head, Valued};
use super::settings::InForce;

/// Clock ticks a second in /proc, the same on every Linux that Rust runs on.
const TICKS: f64 = 100.0;

/// Reads /proc at each scrape.
#[derive(Debug)]
pub struct Process(pub InForce);

struct Facts {
    cpu_seconds: f64,
    resident_bytes: u64,
    threads: u64,
    start_seconds: f64,
    open_files: u64,
}

/// The families, each with its value.
static FAMILIES: [Valued<Facts>; 5] = [
    (
        Head::within(
            "process_cpu",
            Unit::Seconds,
            MetricType::Counter,
            "User and system CPU time of this process.",
        ),
        |f| f.cpu_seconds,
    ),
    (
        Head::within(
            "process_resident_memory",
            Unit::Bytes,
            MetricType::Gauge,
            "Memory of this process that is in RAM.",
        ),
        |f| f.resident_bytes as f64,
    ),
    (
        Head::within(
            "process_start_time",
            Unit::Seconds,
            MetricType::Gauge,
            "When this process started, as Unix time.",
        ),
        |f| f.start_seconds,
    ),
    (
        Head::new(
            "process_threads",
            MetricType::Gauge,
            "Threads of this process.",
        ),
        |f| f.threads as f64,
    ),
    (
        Head::new(
            "process_open_fds",
            MetricType::Gauge,
            "Open file descriptors of this process.",
        ),
        |f| f.open_files as f64,
    ),
];

/// What stands before the families.
pub fn heads() -> impl Iterator<Item = &'static Head> {
    FAMILIES.iter().map(|(head, _)| head)
}

impl Collector for Process {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let Some(facts) = Facts::read() else {
            return Ok(());
        };
        let settings = self.0.get();
        for (head, value) in &FAMILIES {
            let Some(family) = head.begin(&mut encoder, &settings)? else {
                continue;
            };
            match head.kind {
                MetricType::Counter => ConstCounter::new(value(&facts)).encode(family)?,
                _ => ConstGauge::new(value(&facts)).encode(family)?,
            }
        }
        Ok(())
    }
}

impl Facts {
    fn read() -> Option<Self> {
        let stat = fs::read_to_string("/proc/self/stat").ok()?;
        // The name in parentheses may hold anything; fields are counted from
        // behind it.
        let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
        let field = |n: usize| fields.get(n)?.parse::<f64>().ok();
        let boot = fs::read_to_string("/proc/stat").ok()?;
        let boot = boot.lines().find_map(|l| l.strip_prefix("btime "))?;
        let status = fs::read_to_string("/proc/self/status").ok()?;
        let resident = status.lines().find_map(|l| l.strip_prefix("VmRSS:"))?;
        let resident = resident.trim().strip_suffix(" kB")?;
        Some(Self {
            cpu_seconds: (field(11)? + field(12)?) / TICKS,
            threads: field(17)? as u64,
            start_seconds: boot.trim().parse::<f64>().ok()? + field(19)? / TICKS,
            resident_bytes: resident.parse::<u64>().ok()? * 1024,
            open_files: fs::read_dir("/proc/self/fd").ok()?.count() as u64,
        })
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn this_process_is_told_truly() {
        let facts = Facts::read().unwrap();
        let now = std::time::UNIX_EPOCH.elapsed().unwrap().as_secs_f64();
        assert!(facts.start_seconds < now + 1.0 && facts.start_seconds > now - 3600.0);
        assert!(facts.resident_bytes > 100_000 && facts.threads >= 1 && facts.open_files >= 3);
    }
}
