//! Messages on standard error.

use std::io::Write;

use clap::builder::styling::{AnsiColor, Style};
use gotracer::causes::with_causes;
use gotracer::report::Escaped;

/// Style of `error:`, as in clap's messages.
const ERROR: Style = AnsiColor::Red.on_default().bold();
/// Style of all other levels.
const OTHER: Style = AnsiColor::Yellow.on_default().bold();

/// Writes a message to standard error in clap's style; a closed standard error is ignored.
pub(crate) fn complain(level: &str, text: &str) {
    let style = if level == "error" { ERROR } else { OTHER };
    let text = Escaped(text);
    let _ = writeln!(anstream::stderr(), "{style}{level}:{style:#} {text}");
}

/// Writes a plain line to standard error.
pub(crate) fn note(text: &str) {
    let _ = writeln!(anstream::stderr(), "{}", Escaped(text));
}

/// Writes an error with its causes to standard error.
pub(crate) fn complain_of(error: &anyhow::Error) {
    complain("error", &with_causes(error.chain()));
}
