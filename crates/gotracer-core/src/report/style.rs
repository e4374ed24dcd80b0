//! Colors of a terminal.

use std::fmt::{self, Display};

use super::Severity;

/// Writes ANSI styles if colors are enabled.
#[derive(Clone, Copy)]
pub(crate) struct Style {
    on: bool,
}

/// A value in a style.
pub(crate) struct Styled<T> {
    text: T,
    code: &'static str,
}

impl Style {
    pub(crate) fn new(on: bool) -> Self {
        Self { on }
    }

    pub(crate) fn bold<T: Display>(self, text: T) -> Styled<T> {
        self.of(text, "1")
    }

    pub(crate) fn dim<T: Display>(self, text: T) -> Styled<T> {
        self.of(text, "2")
    }

    pub(crate) fn green<T: Display>(self, text: T) -> Styled<T> {
        self.of(text, "32")
    }

    pub(crate) fn severity<T: Display>(self, severity: Severity, text: T) -> Styled<T> {
        let code = match severity {
            Severity::Error => "1;31",
            Severity::Warn => "33",
            Severity::Info => "36",
        };
        self.of(text, code)
    }

    fn of<T>(self, text: T, code: &'static str) -> Styled<T> {
        Styled {
            text,
            code: if self.on { code } else { "" },
        }
    }
}

impl<T: Display> Display for Styled<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.code.is_empty() {
            self.text.fmt(f)
        } else {
            write!(f, "\x1b[{}m", self.code)?;
            self.text.fmt(f)?;
            f.write_str("\x1b[0m")
        }
    }
}
