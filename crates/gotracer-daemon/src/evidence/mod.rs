//! Traces that are kept because of their findings, or because an alert asked for them.
//!
//! Each trace is a file that `go tool trace` opens. The document beside it has the target, the
//! time, the reason and the report. The document is written last: a trace without a document is
//! incomplete.

mod anonymous;
mod backend;
mod bucket;
mod disk;
mod error;
mod generation_ring;
mod item;
mod live;
mod policy;
mod quota;
mod recording;
mod settings;
mod stats;
mod store;
mod upload_queue;
mod uploader;

pub use anonymous::Again;
pub use error::EvidenceError;
pub use generation_ring::GenerationRing;
pub use item::Item;
pub use live::{LiveEvidence, Next};
pub use recording::{Recorder, Recording};
pub use settings::Settings;
pub use stats::{Lost, Stats};
pub use store::{Evidence, Kept};
