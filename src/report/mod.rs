//! What a trace told, and the forms in which it is handed on.

mod course;
#[cfg(feature = "formats")]
mod csv;
mod escape;
#[cfg(feature = "formats")]
mod format;
#[cfg(feature = "formats")]
mod github;
#[cfg(feature = "formats")]
mod gitlab;
mod hash;
#[cfg(feature = "formats")]
pub mod html;
pub mod human;
pub mod json;
#[cfg(feature = "formats")]
mod jsonl;
#[cfg(feature = "formats")]
mod junit;
#[cfg(feature = "formats")]
pub mod markdown;
mod model;
mod options;
mod paths;
#[cfg(feature = "formats")]
mod placed;
#[cfg(test)]
pub(crate) mod sample;
#[cfg(feature = "formats")]
mod sarif;
pub mod saved;
mod style;
#[cfg(feature = "formats")]
pub mod svg;
pub mod table;
mod top;
mod wrap;

pub use crate::rules::{Distribution, Severity};
pub use course::{Column, Course, State};
pub use escape::{Escaped, is_hostile};
#[cfg(feature = "formats")]
pub use format::Format;
pub(crate) use hash::hash;
pub use model::{
    Cause, Creations, Finding, Frame, Goroutines, Program, Report, RuleReport, Spread, Status,
    TraceInfo,
};
pub use options::{Detail, Options};
pub use paths::{Location, PathMap};
pub(crate) use style::Style;
pub use top::top;
pub use wrap::wrap;
