//! Exit codes of all subcommands.

/// Exit code without findings.
pub(crate) const CLEAN: u8 = 0;
/// Exit code with findings.
pub(crate) const FOUND: u8 = 1;
/// Exit code for inputs that could not be read.
pub(crate) const UNREADABLE: u8 = 2;
