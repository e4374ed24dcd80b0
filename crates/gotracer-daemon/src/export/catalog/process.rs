//! Metrics of this process, under the names of every Prometheus client. Linux only.

use std::fs;
use std::sync::LazyLock;

use super::{Group, Metric, Unit, counter, gauge};

/// Clock ticks per second in /proc, the same on every Linux that Rust runs on.
const TICKS: f64 = 100.0;

/// Metrics of the process.
pub static METRICS: LazyLock<Vec<Metric<Facts>>> = LazyLock::new(|| {
    vec![
        counter(
            "process_cpu",
            "User and system CPU time of this process.",
            |f: &Facts| f.cpu_seconds,
        )
        .unit(Unit::Seconds),
        gauge(
            "process_resident_memory",
            "Memory of this process that is in RAM.",
            |f: &Facts| Some(f.resident_bytes),
        )
        .unit(Unit::Bytes),
        gauge(
            "process_start_time",
            "Unix time at which this process started.",
            |f: &Facts| Some(f.start_seconds),
        )
        .unit(Unit::Seconds),
        gauge(
            "process_threads",
            "Threads of this process.",
            |f: &Facts| Some(f.threads),
        ),
        gauge(
            "process_open_fds",
            "Open file descriptors of this process.",
            |f: &Facts| Some(f.open_files),
        ),
    ]
});

/// State of this process, from /proc.
pub struct Facts {
    cpu_seconds: f64,
    resident_bytes: u64,
    threads: u64,
    start_seconds: f64,
    open_files: u64,
}

/// The process's metrics, read from /proc at each collection.
pub fn part() -> Group<Facts> {
    Group::new(&METRICS, Facts::read)
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
    fn facts_of_this_process_are_plausible() {
        let facts = Facts::read().unwrap();
        let now = std::time::UNIX_EPOCH.elapsed().unwrap().as_secs_f64();
        assert!(facts.start_seconds < now + 1.0 && facts.start_seconds > now - 3600.0);
        assert!(facts.resident_bytes > 100_000 && facts.threads >= 1 && facts.open_files >= 3);
    }
}
