//! Measurements in the format of Go's benchmarks, for `benchstat`.
//!
//! Each trace gives one line per rule, with the number of values as iterations. Lines of several traces in one file
//! are samples of the same benchmark. <https://go.dev/design/14313-benchmark-format>

use std::io::{self, Write};

use super::{Format, Options, Report, Status};

/// Entry in the registry.
pub(super) const FORMAT: Format<[Report]> = Format {
    name: "benchstat",
    summary: "Go's benchmark format, for benchstat",
    endings: &["bench"],
    course: false,
    write,
};

/// Writes one line per trace and rule that observed a value.
///
/// # Errors
/// If writing fails.
pub(super) fn write(out: &mut dyn Write, reports: &[Report], _: &Options) -> io::Result<()> {
    for report in reports {
        let seconds = report.trace.duration_ns as f64 / 1e9;
        for rule in &report.rules {
            let (seen, unit) = (&rule.measurement, rule.rule.unit.name());
            if rule.status == Status::NotApplicable || seen.count() == 0 {
                continue;
            }
            write!(out, "Benchmark{} {}", rule.rule.name, seen.count())?;
            for (name, value) in [
                ("p50", seen.quantile(0.5)),
                ("p99", seen.quantile(0.99)),
                ("max", seen.max()),
            ] {
                write!(out, " {value} {name}-{unit}")?;
            }
            if seconds > 0.0 {
                let rate = crate::units::rounded(seen.sum() as f64 / seconds);
                write!(out, " {rate} {unit}/s")?;
            }
            writeln!(out)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    #[test]
    fn each_rule_with_values_is_a_line() {
        let reports = [sample::eventful("a"), sample::report("b")];
        assert_eq!(
            sample::written(&FORMAT, &reports, &Options::default()),
            "BenchmarkMutexContention 1 50200000 p50-ns 50200000 p99-ns 50200000 max-ns 10015300 ns/s\n"
        );
    }
}
