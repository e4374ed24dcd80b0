//! Names of what has none of its own.

/// Name of a function, handler or type that the trace does not tell.
pub const UNKNOWN: &str = "(unknown)";
/// Name of what a bounded list has no place for.
pub const OTHER: &str = "(other)";
