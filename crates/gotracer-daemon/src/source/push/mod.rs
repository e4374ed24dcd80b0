//! Traces that programs upload: labels, limits, and the spool that holds a trace
//! from its arrival until its analysis.

mod labels;
mod rate;
mod receipt;
mod settings;
mod spool;

pub use labels::{LabelError, Sender, sender};
pub use rate::Rates;
pub use receipt::{Accepted, Receipt, SpoolError};
pub use settings::{Settings, SettingsError};
pub use spool::Spool;
