//! What a trace told, and the forms in which it is handed on.

mod escape;
mod format;
pub mod human;
pub mod json;
mod model;
#[cfg(test)]
pub(crate) mod sample;
pub mod saved;
mod style;
pub mod table;
mod top;
mod wrap;

pub use crate::rules::{Distribution, Severity};
pub use escape::Escaped;
pub use format::{Detail, Format, Options};
pub use model::{
    Cause, Creations, Finding, Frame, Goroutines, Program, Report, RuleReport, Spread, Status,
    TraceInfo,
};
pub(crate) use style::Style;
pub use top::top;
pub use wrap::wrap;
