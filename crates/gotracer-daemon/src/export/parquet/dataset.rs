//! All tables.

use std::io;

use jiff::Timestamp;

use super::place::Place;
use super::table::Table;
use super::trace::Of;
use super::{findings, measurements, metrics, partition};
use crate::labels::Labels;
use crate::report::Report;

/// Tables that are being written.
pub struct Dataset {
    place: Place,
    findings: Table,
    measurements: Table,
    metrics: Table,
}

/// Origin of a trace.
#[derive(Clone, Copy, Debug)]
pub struct Origin<'a> {
    /// Labels of the target: `service` and `version` choose the partition.
    pub labels: &'a Labels,
    /// When it was written, which chooses the day of one that does not tell
    /// its time.
    pub written: Option<Timestamp>,
}

/// Counts of a finished data set.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Written {
    /// Files of all tables.
    pub files: u64,
    /// Rows of `findings`.
    pub findings: u64,
    /// Rows of `measurements`.
    pub measurements: u64,
    /// Rows of `metrics`.
    pub metrics: u64,
}

/// Why results can't be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write Parquet files to {place}: {error}")]
pub struct DatasetError {
    place: String,
    #[source]
    error: io::Error,
}

impl Dataset {
    /// Writes to a place, into files whose names end in `part`: those of the
    /// same name are replaced.
    pub fn new(place: Place, part: &str) -> Self {
        Self {
            findings: Table::new("findings", &place, part),
            measurements: Table::new("measurements", &place, part),
            metrics: Table::new("metrics", &place, part),
            place,
        }
    }

    /// Adds the report of a trace.
    ///
    /// # Errors
    /// If it can't be written.
    pub fn add(&mut self, origin: Origin<'_>, report: &Report) -> Result<(), DatasetError> {
        let day = report.trace.start_time.or(origin.written);
        let directory = partition::directory(origin.labels, day);
        let of = Of {
            trace: &report.trace,
            labels: origin.labels,
        };
        let added = self.add_rows(&directory, of, report);
        added.map_err(|error| self.error(error))
    }

    fn add_rows(&mut self, directory: &str, of: Of<'_>, report: &Report) -> io::Result<()> {
        let rules: Vec<_> = report.rules.iter().map(|rule| (of, rule)).collect();
        let measurements = measurements::columns(&rules);
        self.measurements.add(directory, measurements)?;
        let series = metrics::series(report).into_iter();
        let series: Vec<_> = series.map(|series| (of, series)).collect();
        self.metrics.add(directory, metrics::columns(&series))?;
        // A partition in which nothing was found has no file.
        if report.findings.is_empty() {
            return Ok(());
        }
        let findings: Vec<_> = report.findings.iter().map(|f| (of, f)).collect();
        self.findings.add(directory, findings::columns(&findings))
    }

    /// Finishes all files.
    ///
    /// # Errors
    /// If one can't be written.
    pub fn finish(mut self) -> Result<Written, DatasetError> {
        let tables = [
            &mut self.findings,
            &mut self.measurements,
            &mut self.metrics,
        ];
        let finished = tables.into_iter().try_for_each(Table::finish);
        finished.map_err(|error| self.error(error))?;
        let tables = [&self.findings, &self.measurements, &self.metrics];
        let [findings, measurements, metrics] = tables.map(Table::written);
        Ok(Written {
            files: findings.0 + measurements.0 + metrics.0,
            findings: findings.1,
            measurements: measurements.1,
            metrics: metrics.1,
        })
    }

    fn error(&self, error: io::Error) -> DatasetError {
        DatasetError {
            place: self.place.to_string(),
            error,
        }
    }
}
