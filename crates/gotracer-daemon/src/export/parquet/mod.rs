//! Reports as Parquet files, for DuckDB, ClickHouse and others: findings, measurements and metrics of
//! thousands of traces.
//!
//! There are three tables, each partitioned by service, version and day in Hive's layout. Columns of
//! findings and measurements have the names of the JSON format. The rows of metrics follow from the
//! catalogue. The number of open files and the buffered bytes are bounded,
//! however many traces there are. The same traces in the same order give the same files, so a
//! second run replaces the files of an interrupted one.

mod column;
mod dataset;
mod findings;
mod measurements;
mod metrics;
mod partition;
mod place;
#[cfg(test)]
mod schema_tests;
mod table;
mod trace;

pub use dataset::{Dataset, DatasetError, Origin, Written};
pub use place::Place;
