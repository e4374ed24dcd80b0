//! Reports as Parquet files, for DuckDB, ClickHouse and others: findings and measurements of
//! thousands of traces.
//!
//! Two tables, each in directories by service, version and day, as Hive has
//! it. Their columns are those of the JSON format by the same names. A
//! partition's file is open until others are needed more; what is not written
//! yet is bounded, however many traces there are. The same traces in the same
//! order give the same files, so a second run replaces the files of an interrupted one.

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
