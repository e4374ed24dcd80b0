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
    out: &mut impl Write,
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

/// A function without the directories of its package:
/// `cart.(*Store).Add` of `example.com/shop/cart.(*Store).Add`.
pub fn short(function: &str) -> &str {
    // What stands in brackets are type arguments, with slashes of their own.
    let end = function.find(['(', '[']).unwrap_or(function.len());
    match function[..end].rfind('/') {
        Some(slash) => &function[slash + 1..],
        None => function,
    }
}

/// `store.go:42`, or nothing if it is not known.
fn position(frame: &Frame) -> String {
    let file = frame.file.rsplit(['/', '\\']).next().unwrap_or_default();
    match (file, frame.line) {
        ("", _) => String::new(),
        (file, 0) => safe(file),
        (file, line) => format!("{}:{line}", safe(file)),
    }
}

/// Function and position, short enough for a row.
pub fn place(frame: &Frame) -> String {
    let function = match short(&frame.function) {
        "" => "(unknown place)".into(),
        function => safe(function),
    };
    format!("{function} {}", position(frame)).trim_end().into()
}

/// Writes a stack, each frame with all that is known of it.
pub fn stack(out: &mut impl Write, title: &str, frames: &[Frame]) -> io::Result<()> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_lose_their_directories_only() {
        for (full, shown) in [
            ("main.main", "main.main"),
            ("net/http.(*conn).serve", "http.(*conn).serve"),
            ("a.b/c/d.F[a.b/x.T].func1", "d.F[a.b/x.T].func1"),
            ("a/b.(*T[x/y.Z]).M", "b.(*T[x/y.Z]).M"),
            ("", ""),
        ] {
            assert_eq!(short(full), shown);
        }
    }
}
