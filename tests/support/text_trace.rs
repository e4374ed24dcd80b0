//! Writes the text form in which the reference reader keeps its own test
//! traces (`testdata/tests/*.test`) as the bytes of a trace. A batch may lack
//! its size.

use gotracer::trace::internal::specs;

use super::varint::varint;

/// A test of the reference reader.
pub(crate) struct TextTrace {
    /// Whether the reference expects it to be read without an error.
    pub accepted: bool,
    /// The trace.
    pub bytes: Vec<u8>,
}

/// Number of an event type.
fn number(name: &str) -> u8 {
    let named = specs().find(|(_, spec)| spec.name == name);
    named.unwrap_or_else(|| panic!("unknown event {name}")).0
}

/// Encodes a `.test` file.
pub(crate) fn encode(text: &str) -> TextTrace {
    let (expect, trace) = text.split_once("-- trace --\n").expect("a trace section");
    let mut lines = trace
        .lines()
        .map(str::trim)
        .filter(|l| !l.is_empty() && !l.starts_with('#'));
    let header = lines.next().expect("a header");
    let version = header.strip_prefix("Trace Go1.").expect("a version");
    let mut bytes = format!("go 1.{version} trace").into_bytes();
    bytes.resize(16, 0);
    // Events of a batch whose size is to be counted.
    let mut batch: Option<Vec<u8>> = None;
    while let Some(line) = lines.next() {
        let mut words = line.split_whitespace();
        let name = words.next().expect("an event");
        let args: Vec<u64> = words.map(value).collect();
        if name == "EventBatch" {
            close(&mut bytes, batch.take());
            bytes.push(number(name));
            args.iter().for_each(|&arg| varint(&mut bytes, arg));
            batch = (args.len() < 4).then(Vec::new);
            continue;
        }
        let bytes = batch.as_mut().unwrap_or(&mut bytes);
        bytes.push(number(name));
        args.iter().for_each(|&arg| varint(bytes, arg));
        if name == "Stack" {
            for _ in 0..args[1] {
                let frame = lines.next().expect("a frame");
                frame
                    .split_whitespace()
                    .for_each(|w| varint(bytes, value(w)));
            }
        }
        if name == "String" {
            let data = lines
                .next()
                .and_then(|l| l.strip_prefix("data="))
                .expect("data");
            let data = unquote(data);
            varint(bytes, data.len() as u64);
            bytes.extend(data);
        }
    }
    close(&mut bytes, batch);
    TextTrace {
        accepted: expect.contains("SUCCESS"),
        bytes,
    }
}

/// Ends a batch whose size was counted.
fn close(bytes: &mut Vec<u8>, batch: Option<Vec<u8>>) {
    if let Some(batch) = batch {
        varint(bytes, batch.len() as u64);
        bytes.extend(batch);
    }
}

fn value(word: &str) -> u64 {
    let (_, value) = word.split_once('=').expect("name=value");
    value.parse().expect("a number")
}

/// Reads one file of Go's fuzz corpus: a single `[]byte("…")`.
pub(crate) fn fuzz_input(text: &str) -> Vec<u8> {
    let line = text.lines().nth(1).expect("a value");
    let quoted = line
        .strip_prefix("[]byte(")
        .and_then(|l| l.strip_suffix(')'));
    unquote(quoted.expect("a byte slice"))
}

/// Undoes Go's `strconv.Quote`, bytes and all.
fn unquote(quoted: &str) -> Vec<u8> {
    let inner = quoted
        .strip_prefix('"')
        .and_then(|q| q.strip_suffix('"'))
        .expect("quoted");
    let mut out = Vec::new();
    let mut chars = inner.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.extend(c.encode_utf8(&mut [0; 4]).bytes());
            continue;
        }
        let escape = chars.next().expect("an escape");
        let mut number = |digits: usize| {
            let text: String = chars.by_ref().take(digits).collect();
            u32::from_str_radix(&text, 16).expect("digits")
        };
        match escape {
            'x' => out.push(number(2) as u8),
            'u' => push(&mut out, number(4)),
            'U' => push(&mut out, number(8)),
            'a' => out.push(7),
            'b' => out.push(8),
            't' => out.push(9),
            'n' => out.push(10),
            'v' => out.push(11),
            'f' => out.push(12),
            'r' => out.push(13),
            other => push(&mut out, other as u32),
        }
    }
    out
}

fn push(out: &mut Vec<u8>, c: u32) {
    let c = char::from_u32(c).expect("a character");
    out.extend(c.encode_utf8(&mut [0; 4]).bytes());
}
