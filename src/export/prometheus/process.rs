//! The exporter's own process, under the names every Prometheus client gives
//! them. Only Linux tells cheaply.

use std::fmt;
use std::fs;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Unit;

/// Clock ticks a second in /proc, the same on every Linux that Rust runs on.
const TICKS: f64 = 100.0;

/// Reads /proc at each scrape.
#[derive(Debug)]
pub struct Process;

struct Facts {
    cpu_seconds: f64,
    resident_bytes: u64,
    threads: u64,
    start_seconds: f64,
    open_files: u64,
}

impl Collector for Process {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let Some(facts) = Facts::read() else {
            return Ok(());
        };
        let cpu = ConstCounter::new(facts.cpu_seconds);
        let help = "User and system CPU time of this process.";
        let unit = Some(&Unit::Seconds);
        cpu.encode(encoder.encode_descriptor("process_cpu", help, unit, cpu.metric_type())?)?;
        let mut gauge = |name: &str, help: &str, unit: Option<&Unit>, value: f64| {
            let gauge = ConstGauge::new(value);
            gauge.encode(encoder.encode_descriptor(name, help, unit, gauge.metric_type())?)
        };
        let bytes = Some(&Unit::Bytes);
        let help = "Memory of this process that is in RAM.";
        gauge(
            "process_resident_memory",
            help,
            bytes,
            facts.resident_bytes as f64,
        )?;
        let help = "When this process started, as Unix time.";
        gauge("process_start_time", help, unit, facts.start_seconds)?;
        let help = "Threads of this process.";
        gauge("process_threads", help, None, facts.threads as f64)?;
        let help = "Open file descriptors of this process.";
        gauge("process_open_fds", help, None, facts.open_files as f64)
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
