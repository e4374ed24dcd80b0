//! Options that several subcommands share, and parsers of their values.

pub(crate) mod formats;
pub(crate) mod judgement;
pub(crate) mod moment;
pub(crate) mod number;
pub(crate) mod path_map;
pub(crate) mod percent;
#[cfg(feature = "daemon")]
pub(crate) mod referenced_files;
pub(crate) mod selection;
pub(crate) mod settings;
#[cfg(feature = "daemon")]
pub(crate) mod size;
pub(crate) mod time;
