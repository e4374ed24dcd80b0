//! The output formats of comparisons, one per file.

pub(super) mod html;
mod json;
mod markdown;
mod table;
pub mod words;

use super::Comparison;
use crate::report::Formats;

pub use json::{SCHEMA, schema};
pub use table::FORMAT as TABLE;

/// The formats of comparisons.
pub static FORMATS: Formats<Comparison> = Formats(&[
    &table::FORMAT,
    &json::FORMAT,
    &markdown::FORMAT,
    &html::FORMAT,
]);
