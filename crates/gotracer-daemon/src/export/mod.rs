//! What was found, for other programs. One module a protocol; none of them
//! knows where the traces came from.

pub mod otlp;
#[cfg(feature = "parquet")]
pub mod parquet;
pub mod prometheus;
