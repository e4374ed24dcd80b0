//! What can be wrong with a configuration, and where.

use std::{fmt, io};

use super::UnknownName;
use crate::rules::SettingError;

/// Why a configuration can't be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The file can't be read.
    #[error("cannot read: {0}")]
    Io(#[source] io::Error),
    /// It is not the YAML that is expected.
    #[error("{at}{message}")]
    Yaml {
        /// Where.
        at: Position,
        /// What is wrong.
        message: String,
    },
    /// A rule or a preset that there is not.
    #[error("{at}{error}")]
    Name {
        /// Where.
        at: Position,
        /// What is wrong.
        #[source]
        error: UnknownName,
    },
    /// A setting that can't be made.
    #[error("{at}{error}")]
    Setting {
        /// Where.
        at: Position,
        /// What is wrong.
        #[source]
        error: SettingError,
    },
}

/// A place in the file; line 0 is not known.
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
