//! Errors of a configuration, with their line and column.

use std::{fmt, io};

use super::UnknownName;
use crate::rules::SettingError;

/// Error of a configuration.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read: {0}")]
    Io(#[source] io::Error),
    /// The file is not YAML, or not of the expected shape.
    #[error("{at}{message}")]
    Yaml {
        /// Position in the file.
        at: Position,
        /// The error.
        message: String,
    },
    /// A rule or a preset does not exist.
    #[error("{at}{error}")]
    Name {
        /// Position in the file.
        at: Position,
        /// The error.
        #[source]
        error: UnknownName,
    },
    /// A setting is invalid.
    #[error("{at}{error}")]
    Setting {
        /// Position in the file.
        at: Position,
        /// The error.
        #[source]
        error: SettingError,
    },
}

/// Position in the file; line 0 is unknown.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Position {
    /// From 1.
    pub line: u64,
    /// From 1.
    pub column: u64,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => Ok(()),
            line => write!(f, "line {line}, column {}: ", self.column),
        }
    }
}
