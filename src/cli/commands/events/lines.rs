//! Events as lines of text: one event per line, fields separated by tabs, for `grep`, `awk` and `cmp`.

use std::collections::HashMap;
use std::io::{self, Write};

use gotracer::trace::{
    Event, EventKind, ExperimentalBatch, GoId, Range, Reader, StackId, StateTransition, StringId,
    Tables,
};

/// Writes events as lines.
pub(crate) struct Lines<W> {
    out: W,
    line: Vec<u8>,
    /// Numbers of stacks by their text.
    stacks: HashMap<Box<[u8]>, u32>,
    /// Number of each stack of the current generation; 0 before its first use.
    known: Vec<u32>,
    text: Vec<u8>,
}

impl<W: Write> Lines<W> {
    pub(crate) fn new(out: W) -> Self {
        Self {
            out,
            line: Vec::new(),
            stacks: HashMap::new(),
            known: Vec::new(),
            text: Vec::new(),
        }
    }

    /// Starts a generation, whose stack handles are new. Must be called for every synchronization event, printed or not.
    pub(crate) fn start_generation(&mut self, tables: &Tables) {
        self.known.clear();
        self.known.resize(tables.stacks() + 1, 0);
    }

    /// Writes one event.
    pub(crate) fn event(&mut self, event: &Event, reader: &Reader<'_>) -> io::Result<()> {
        let tables = reader.tables();
        self.line.clear();
        write!(
            self.line,
            "{}\tm{}\tp{}\tg{}\t{}\t",
            event.time,
            event.m,
            event.p,
            event.g,
            event.kind.name()
        )?;
        self.fields(event, reader)?;
        self.line.extend_from_slice(b"\ts=");
        self.stack(event.stack(), tables)?;
        self.line.push(b'\n');
        self.out.write_all(&self.line)
    }

    /// Writes the error that ends a trace.
    pub(crate) fn error(&mut self, text: &str) -> io::Result<()> {
        self.line.clear();
        self.line.extend_from_slice(b"ERR\t");
        quote(&mut self.line, text.as_bytes())?;
        self.line.push(b'\n');
        self.out.write_all(&self.line)
    }

    pub(crate) fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }

    fn fields(&mut self, event: &Event, reader: &Reader<'_>) -> io::Result<()> {
        let tables = reader.tables();
        let line = &mut self.line;
        match event.kind {
            EventKind::Sync { n } => {
                write!(line, "n={n}")?;
                if let Some(c) = reader.clock_snapshot() {
                    let wall = c
                        .wall_sec
                        .wrapping_mul(1_000_000_000)
                        .wrapping_add(c.wall_nsec);
                    write!(line, "\tclock={},{},{wall}", c.trace, c.mono)?;
                }
                experimental_batches(line, reader.experimental())
            }
            EventKind::Metric { metric, value, .. } => write!(line, "{}\t{value}", metric.name()),
            EventKind::Label { label } => {
                quote(line, tables.string(label))?;
                line.push(b'\t');
                goroutine(line, event.g)
            }
            EventKind::StackSample { .. } => line.write_all(b"-"),
            EventKind::RangeBegin { range, .. } | EventKind::RangeActive { range } => {
                self.range(range, tables)
            }
            EventKind::RangeEnd { range } => self.range(range, tables),
            EventKind::SweepEnd {
                p,
                swept,
                reclaimed,
            } => {
                self.range(Range::GcSweep { p }, tables)?;
                let line = &mut self.line;
                write!(line, "\t\"bytes swept\"={swept}")?;
                write!(line, "\t\"bytes reclaimed\"={reclaimed}")
            }
            EventKind::TaskBegin {
                id, parent, name, ..
            }
            | EventKind::TaskEnd {
                id, parent, name, ..
            } => {
                write!(line, "id={id}\tparent={parent}\t")?;
                quote(line, reader.string(name))
            }
            EventKind::RegionBegin { task, name, .. } | EventKind::RegionEnd { task, name, .. } => {
                write!(line, "task={task}\t")?;
                quote(line, reader.string(name))
            }
            EventKind::Log {
                task,
                category,
                message,
                ..
            } => {
                write!(line, "task={task}\t")?;
                quote(line, tables.string(category))?;
                line.push(b'\t');
                quote(line, tables.string(message))
            }
            EventKind::StateTransition(StateTransition::Goroutine {
                id,
                from,
                to,
                reason,
                own_stack,
                ..
            }) => {
                write!(line, "g{id}\t{}>{}\t", from.name(), to.name())?;
                self.reason(reason, tables)?;
                self.stack(own_stack, tables)
            }
            EventKind::StateTransition(StateTransition::Proc { id, from, to }) => {
                write!(line, "p{id}\t{}>{}\t", from.name(), to.name())?;
                self.reason(StringId::default(), tables)?;
                self.line.write_all(b"-")
            }
            EventKind::Experimental(event) => {
                write!(line, "{}/{}", event.experiment(), event.name())?;
                for (name, value) in event.args() {
                    write!(line, "\t{name}={value}")?;
                }
                Ok(())
            }
            // `EventKind` is non-exhaustive.
            _ => line.write_all(b"-"),
        }
    }

    fn reason(&mut self, reason: StringId, tables: &Tables) -> io::Result<()> {
        quote(&mut self.line, tables.string(reason))?;
        self.line.write_all(b"\tt=")
    }

    fn range(&mut self, range: Range, tables: &Tables) -> io::Result<()> {
        let line = &mut self.line;
        match range {
            Range::StopTheWorld { reason, g } => {
                self.text.clear();
                self.text.extend_from_slice(b"stop-the-world (");
                self.text.extend_from_slice(tables.string(reason));
                self.text.push(b')');
                quote(line, &self.text)?;
                line.push(b'\t');
                goroutine(line, g)
            }
            Range::GcMark => line.write_all(b"\"GC concurrent mark phase\"\tnone"),
            Range::GcSweep { p } => write!(line, "\"GC incremental sweep\"\tp{p}"),
            Range::MarkAssist { g } => write!(line, "\"GC mark assist\"\tg{g}"),
            _ => line.write_all(b"-"),
        }
    }

    /// Writes a stack's number, after its definition at the first use.
    fn stack(&mut self, id: StackId, tables: &Tables) -> io::Result<()> {
        if id == StackId::NONE || tables.stack(id).len() == 0 {
            return self.line.write_all(b"-");
        }
        if self.known[id.index()] == 0 {
            self.known[id.index()] = self.define(id, tables)?;
        }
        let number = self.known[id.index()];
        write!(self.line, "{number}")
    }

    fn define(&mut self, id: StackId, tables: &Tables) -> io::Result<u32> {
        self.text.clear();
        for frame in tables.stack(id) {
            self.text.push(b'\t');
            plain(&mut self.text, tables.string(frame.func))?;
            self.text.push(b' ');
            plain(&mut self.text, tables.string(frame.file))?;
            write!(self.text, ":{}", frame.line)?;
        }
        if let Some(&number) = self.stacks.get(&self.text[..]) {
            return Ok(number);
        }
        let number = self.stacks.len() as u32 + 1;
        self.stacks.insert(self.text[..].into(), number);
        // The definition precedes the line that is being built.
        write!(self.out, "S\t{number}")?;
        self.out.write_all(&self.text)?;
        self.out.write_all(b"\n")?;
        Ok(number)
    }
}

fn goroutine(line: &mut Vec<u8>, g: GoId) -> io::Result<()> {
    write!(line, "g{g}")
}

/// Writes length and FNV-1a hash of experimental batches, sorted by the experiment's name.
fn experimental_batches(line: &mut Vec<u8>, batches: &[ExperimentalBatch]) -> io::Result<()> {
    let mut sorted: Vec<_> = batches.iter().collect();
    sorted.sort_by_key(|b| experiment(b.experiment));
    for b in sorted {
        let hash = b.data.iter().fold(0xcbf2_9ce4_8422_2325, |h: u64, &byte| {
            (h ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3)
        });
        let name = experiment(b.experiment);
        write!(line, "\texp={name}:m{}:{}:{hash:016x}", b.m, b.data.len())?;
    }
    Ok(())
}

fn experiment(number: u8) -> &'static str {
    match number {
        1 => "AllocFree",
        _ => "Unknown",
    }
}

/// Writes a function or file name, quoted only if it is ambiguous.
fn plain(out: &mut Vec<u8>, s: &[u8]) -> io::Result<()> {
    let odd = |&c: &u8| c <= b' ' || c == b'"' || c == b'|' || c >= 0x7f;
    if s.iter().any(odd) {
        quote(out, s)
    } else {
        out.write_all(s)
    }
}

/// Quotes like Go's `strconv.Quote`.
pub(crate) fn quote(out: &mut Vec<u8>, s: &[u8]) -> io::Result<()> {
    out.push(b'"');
    for chunk in s.utf8_chunks() {
        for c in chunk.valid().chars() {
            quote_char(out, c)?;
        }
        for b in chunk.invalid() {
            write!(out, "\\x{b:02x}")?;
        }
    }
    out.write_all(b"\"")
}

fn quote_char(out: &mut Vec<u8>, c: char) -> io::Result<()> {
    match c {
        '"' => out.write_all(b"\\\""),
        '\\' => out.write_all(b"\\\\"),
        ' '..='~' => {
            out.push(c as u8);
            Ok(())
        }
        '\x07' => out.write_all(b"\\a"),
        '\x08' => out.write_all(b"\\b"),
        '\x0c' => out.write_all(b"\\f"),
        '\n' => out.write_all(b"\\n"),
        '\r' => out.write_all(b"\\r"),
        '\t' => out.write_all(b"\\t"),
        '\x0b' => out.write_all(b"\\v"),
        c if c < ' ' || c == '\x7f' => write!(out, "\\x{:02x}", c as u32),
        c if printable(c) => write!(out, "{c}"),
        c if c as u32 > 0xffff => write!(out, "\\U{:08x}", c as u32),
        c => write!(out, "\\u{:04x}", c as u32),
    }
}

/// Reports whether Go prints the character unescaped: letters, marks, numbers, punctuation and symbols. Apart from marks,
/// `escape_debug` leaves the same characters.
fn printable(c: char) -> bool {
    let mut escaped = c.escape_debug();
    escaped.next() == Some(c) || is_mark(c)
}

/// Reports whether the character is a combining mark, which `escape_debug` escapes only at the start of a string.
fn is_mark(c: char) -> bool {
    let mut s = String::from("a");
    s.push(c);
    s.escape_debug().nth(1) == Some(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_as_go_does() {
        let go = |s: &[u8]| {
            let mut out = Vec::new();
            quote(&mut out, s).unwrap();
            String::from_utf8(out).unwrap()
        };
        assert_eq!(go(b"a\"b\\c"), r#""a\"b\\c""#);
        assert_eq!(go(b"\t\n\x01\x7f\xff\xfe"), r#""\t\n\x01\x7f\xff\xfe""#);
        assert_eq!(go("ünï – \u{301}".as_bytes()), "\"ünï – \u{301}\"");
        assert_eq!(
            go("\u{a0}\u{200b}\u{10ffff}\u{85}".as_bytes()),
            r#""\u00a0\u200b\U0010ffff\u0085""#
        );
        assert_eq!(go("\u{fffd}".as_bytes()), "\"\u{fffd}\"");
    }
}
