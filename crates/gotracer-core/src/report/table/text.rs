//! Lines of text, wrapped and escaped.

use std::io::{self, Write};

use super::INDENT;
use crate::report::{Escaped, Frame, columns, wrap};

/// Escapes text from a trace for a terminal.
pub(crate) fn safe(text: &str) -> String {
    Escaped(text).to_string()
}

/// Writes a line, wrapped to the width.
pub(crate) fn wrapped(
    out: &mut dyn Write,
    indent: &str,
    line: &str,
    width: Option<usize>,
) -> io::Result<()> {
    let width = width.map(|w| w.saturating_sub(indent.len()));
    for line in wrap(line, width) {
        writeln!(out, "{indent}{line}")?;
    }
    Ok(())
}

/// Writes text behind `lead`, wrapped to the width. Continuation lines start below the text.
pub(crate) fn hung(
    out: &mut dyn Write,
    lead: &str,
    text: &str,
    width: Option<usize>,
) -> io::Result<()> {
    let indent = columns(lead);
    let width = width.map(|w| w.saturating_sub(indent));
    for (i, line) in wrap(text, width).iter().enumerate() {
        match i {
            0 => writeln!(out, "{lead}{line}")?,
            _ => writeln!(out, "{:indent$}{line}", "")?,
        }
    }
    Ok(())
}

/// Writes a stack, one full frame per line.
pub(super) fn stack(out: &mut dyn Write, title: &str, frames: &[Frame]) -> io::Result<()> {
    if frames.is_empty() {
        return Ok(());
    }
    writeln!(out, "{INDENT}{title}:")?;
    for frame in frames {
        let (function, file) = (safe(&frame.function), safe(&frame.file));
        writeln!(out, "{INDENT}  {function}")?;
        if !file.is_empty() {
            writeln!(out, "{INDENT}      {file}:{}", frame.line)?;
        }
    }
    Ok(())
}
