//! Metrics for Prometheus: the text formats and protobuf.

mod encoder;
mod exposition;
mod format;
mod histogram;
mod probe;
mod sample;
mod text;

pub use crate::export::names::Escaping;
pub use exposition::{Exposition, encode};
pub use format::{Encoding, Format};
pub use probe::probe;
