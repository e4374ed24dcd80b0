//! What a trace told, and the forms in which it is handed on.

mod distribution;
mod model;

pub use distribution::{Distribution, SCALE};
pub use model::{Cause, Finding, Frame, Report, RuleReport, Severity, Status, TraceInfo};
