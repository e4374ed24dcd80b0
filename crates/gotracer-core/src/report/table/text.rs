//! Lines, and what stands in them.

use std::io::{self, Write};

use super::INDENT;
use crate::report::{Escaped, Frame, wrap};

/// Text of a trace that a terminal can be shown.
pub fn safe(text: &str) -> String {
    Escaped(text).to_string()
}

/// Writes a line, broken to fit.
pub fn wrapped(
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

/// Writes a stack, each frame with all that is known of it.
pub fn stack(out: &mut dyn Write, title: &str, frames: &[Frame]) -> io::Result<()> {
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
