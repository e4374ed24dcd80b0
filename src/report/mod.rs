//! What a trace told, and the forms in which it is handed on.

mod model;

pub use crate::rules::{Distribution, Severity};
pub use model::{Cause, Finding, Frame, Report, RuleReport, Status, TraceInfo};
