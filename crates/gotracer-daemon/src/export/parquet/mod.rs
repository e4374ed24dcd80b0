//! Reports as Parquet files, for DuckDB, ClickHouse and others: findings and measurements of
//! thousands of traces.
//!
//! There are two tables, each partitioned by service, version and day in Hive's layout. Columns
//! have the names of the JSON format. The number of open files and the buffered bytes are bounded,
//! however many traces there are. The same traces in the same order give the same files, so a
//! second run replaces the files of an interrupted one.

mod column;
mod dataset;
mod findings;
mod measurements;
mod partition;
mod place;
mod table;
mod trace;

pub use dataset::{Dataset, DatasetError, Origin, Written};
pub use place::Place;
