//! Custom rules: thresholds on tasks, regions, requests, waits, system calls, runs and logs that the configuration defines.
//!
//! A custom rule is a [`Rule`](super::Rule) as any other. The `registry` creates it from a [`Definition`].

mod activity;
mod alerts;
mod definition;
mod detector;
mod matching;
mod message;
mod names;
mod rates;
mod registry;
mod runs;

pub use activity::Activity;
pub use alerts::alerts;
pub use definition::{Definition, Reason, Subject, Value};
pub use detector::new as detector;
pub use matching::{Explanation, Part, Rejected};
pub use registry::{RegisterError, definition, find, index, register, rule_at};
