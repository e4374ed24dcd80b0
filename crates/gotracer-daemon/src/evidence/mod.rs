//! Traces that are kept because of their findings, or because an alert asked for them.
//!
//! Each trace is a file that `go tool trace` opens. The document beside it has the target, the
//! time, the reason and the report. The document is written last: a trace without a document is
//! incomplete.

mod anonymous;
mod bucket;
mod courier;
mod disk;
mod in_force;
mod item;
mod judge;
mod place;
mod quota;
mod recording;
mod settings;
mod stats;
mod store;
mod tape;

pub use anonymous::Again;
pub use in_force::{InForce, Next};
pub use item::Item;
pub use recording::{Recorder, Recording};
pub use settings::Settings;
pub use stats::{Lost, Stats};
pub use store::{Evidence, EvidenceError, Kept};
pub use tape::Tape;
