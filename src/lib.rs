//! Reads Go execution traces as a stream, applies rules to them, and says what
//! is wrong, where, and what to do.
#![warn(missing_docs)]

pub mod analysis;
pub mod causes;
pub mod compare;
#[cfg(feature = "cli")]
pub mod config;
#[cfg(feature = "daemon")]
pub mod daemon;
#[cfg(feature = "daemon")]
pub mod evidence;
pub mod explain;
#[cfg(feature = "daemon")]
pub mod export;
#[cfg(feature = "daemon")]
pub mod labels;
#[cfg(feature = "daemon")]
pub mod objects;
#[cfg(feature = "perfetto")]
pub mod perfetto;
#[cfg(feature = "daemon")]
pub mod releases;
pub mod report;
pub mod rules;
#[cfg(feature = "daemon")]
pub mod secret;
#[cfg(feature = "cli")]
pub mod source;
#[cfg(feature = "daemon")]
pub mod storage;
pub mod timeline;
#[cfg(feature = "daemon")]
pub mod tls;
pub mod trace;
pub mod units;
