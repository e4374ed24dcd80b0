//! What was found, for other programs. One module a protocol; none of them
//! knows where the traces came from.

pub mod otlp;
pub mod prometheus;
