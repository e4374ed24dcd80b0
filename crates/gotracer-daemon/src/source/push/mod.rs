//! Traces that programs upload: labels, limits, and the spool that holds a trace
//! from its arrival until its analysis.

mod error;
mod labels;
mod place;
mod rate;
mod receipt;
mod settings;
mod spool;

pub use error::SpoolError;
pub use labels::{LabelError, Sender, sender};
pub use rate::Rates;
pub use receipt::{Accepted, Receipt};
pub use settings::{Settings, SettingsError};
pub use spool::Spool;
