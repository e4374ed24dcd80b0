//! Traces that are kept because something was found in them, or because
//! somebody's alert asked for them.
//!
//! Each is a file that `go tool trace` opens, with a document beside it that
//! tells whose it is, when and why it was kept, and what its report said. The
//! document is written last: a trace without one is not complete.

mod recording;
mod settings;
mod store;
mod tape;

pub use recording::{Recorder, Recording};
pub use settings::Settings;
pub use store::{Evidence, EvidenceError, Item, Kept};
pub use tape::Tape;
