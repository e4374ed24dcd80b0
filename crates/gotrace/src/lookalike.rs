//! Recognizes what people pass instead of an execution trace.

use std::fmt;

use super::version::parse_header;

/// Number of bytes that are examined.
pub(crate) const LOOKED_AT: usize = 4096;
/// The longest quotation of a text, in characters.
const QUOTED: usize = 60;

const CAPTURE: &str =
    "a trace comes from /debug/pprof/trace?seconds=5, runtime/trace or go test -trace";
const UNPACK: &str = "unpack it first; only gzip and zstd are read as they are";
const ARCHIVE: &str = "unpack it, and give the traces in it";

/// A kind of file that is no execution trace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lookalike {
    /// Name of the format, with its article.
    pub name: &'static str,
    /// Detail of the format, appended to the name.
    pub detail: String,
    /// Advice for the user.
    pub advice: Option<&'static str>,
}

impl fmt::Display for Lookalike {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.name, self.detail)?;
        match self.advice {
            Some(advice) => write!(f, "; {advice}"),
            None => Ok(()),
        }
    }
}

fn is(name: &'static str, advice: Option<&'static str>) -> Option<Lookalike> {
    let detail = String::new();
    Some(Lookalike {
        name,
        detail,
        advice,
    })
}

/// Files that begin with a magic number.
const MAGIC: [(&[u8], &str, Option<&str>); 27] = [
    (
        b"\x1f\x8b",
        "gzip data within compressed data",
        Some("unpack it once"),
    ),
    (
        b"\x28\xb5\x2f\xfd",
        "zstd data within compressed data",
        Some("unpack it once"),
    ),
    (b"\xfd7zXZ\0", "an xz file", Some(UNPACK)),
    (b"BZh", "a bzip2 file", Some(UNPACK)),
    (b"\x04\x22\x4d\x18", "an lz4 file", Some(UNPACK)),
    (b"\x1f\x9d", "a file of compress", Some(UNPACK)),
    (b"\xff\x06\0\0sNaPpY", "a snappy file", Some(UNPACK)),
    (b"PK\x03\x04", "a zip archive", Some(ARCHIVE)),
    (b"PK\x05\x06", "an empty zip archive", None),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive", Some(ARCHIVE)),
    (b"Rar!\x1a\x07", "a rar archive", Some(ARCHIVE)),
    (
        b"FLR\0",
        "a recording of Java Flight Recorder",
        Some(CAPTURE),
    ),
    (b"PERFILE2", "a perf.data file of Linux perf", Some(CAPTURE)),
    (b"\xcf\xfa\xed\xfe", "a program (Mach-O)", Some(CAPTURE)),
    (
        b"\xca\xfe\xba\xbe",
        "a program (Mach-O) or a Java class",
        Some(CAPTURE),
    ),
    (b"\0asm", "a WebAssembly program", Some(CAPTURE)),
    (b"SQLite format 3\0", "an SQLite database", None),
    (b"PAR1", "a Parquet file", None),
    (b"%PDF-", "a PDF document", None),
    (b"\x89PNG", "a PNG image", None),
    (
        b"mode: ",
        "a coverage profile",
        Some("go test -trace writes a trace"),
    ),
    (
        b"heap profile: ",
        "a pprof profile as text (heap)",
        Some(CAPTURE),
    ),
    (b"goroutine profile: ", "a goroutine dump", Some(CAPTURE)),
    (
        b"threadcreate profile: ",
        "a pprof profile as text (threadcreate)",
        Some(CAPTURE),
    ),
    (
        b"--- mutex:",
        "a pprof profile as text (mutex)",
        Some(CAPTURE),
    ),
    (
        b"--- contention:",
        "a pprof profile as text (block)",
        Some(CAPTURE),
    ),
    (
        b"goos: ",
        "the output of go test",
        Some("go test -trace writes a trace"),
    ),
];

/// Returns the kind of file that starts with these bytes, if known.
pub(crate) fn identify(bytes: &[u8]) -> Option<Lookalike> {
    let by_magic = MAGIC.iter().find(|(magic, ..)| bytes.starts_with(magic));
    let magic = || by_magic.and_then(|&(_, name, advice)| is(name, advice));
    magic()
        .or_else(|| program(bytes))
        .or_else(|| archive(bytes))
        .or_else(|| trace_further_on(bytes))
        .or_else(|| markup(bytes))
        .or_else(|| protobuf(bytes))
        .or_else(|| text(bytes))
}

fn program(bytes: &[u8]) -> Option<Lookalike> {
    if bytes.starts_with(b"\x7fELF") {
        // e_type, in either byte order.
        let core = matches!(bytes.get(16..18), Some([4, 0] | [0, 4]));
        return match core {
            true => is("a core dump", Some(CAPTURE)),
            false => is("a program (ELF)", Some(CAPTURE)),
        };
    }
    let windows = bytes.starts_with(b"MZ") && bytes.contains(&0);
    windows.then(|| is("a program (Windows)", Some(CAPTURE)))?
}

fn archive(bytes: &[u8]) -> Option<Lookalike> {
    let tar = bytes.get(257..262) == Some(b"ustar");
    tar.then(|| is("a tar archive", Some(ARCHIVE)))?
}

/// A program that traces itself to standard output may print there, too.
fn trace_further_on(bytes: &[u8]) -> Option<Lookalike> {
    let starts = |at: &usize| parse_header(&bytes[*at..]).is_some();
    let at = (1..bytes.len()).find(starts)?;
    Some(Lookalike {
        name: "a file with other bytes before a trace",
        detail: format!(", which begins at byte {at}"),
        advice: Some("something else was written to the same place, such as standard output"),
    })
}

/// HTML, XML and JSON.
fn markup(bytes: &[u8]) -> Option<Lookalike> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let bytes = bytes.trim_ascii_start();
    let contains = |part: &str| bytes.windows(part.len()).any(|w| w == part.as_bytes());
    let begins = |text: &str| {
        let start = bytes.get(..text.len()).unwrap_or_default();
        start.eq_ignore_ascii_case(text.as_bytes())
    };
    match bytes.first()? {
        b'<' if begins("<?xml") => is("XML", None),
        b'<' if contains("/debug/pprof/") => is("the index page of net/http/pprof", Some(CAPTURE)),
        b'<' => is(
            "a web page",
            Some("a login or an error page, perhaps: open its URL in a browser"),
        ),
        b'{' | b'[' if contains("\"traceEvents\"") || contains("\"ph\":") => is(
            "a trace in Chrome's JSON format",
            Some("gotracer reads what runtime/trace writes"),
        ),
        b'{' if contains("\"gotracer.report/") => is(
            "a report of gotracer",
            Some("gotracer diff compares reports"),
        ),
        b'{' | b'[' => is("JSON", None),
        _ => None,
    }
}

fn protobuf(bytes: &[u8]) -> Option<Lookalike> {
    if is_pprof(bytes) {
        return is("a pprof profile", Some(CAPTURE));
    }
    let perfetto = is_perfetto(bytes);
    perfetto.then(|| {
        is(
            "a trace in Perfetto's format",
            Some("ui.perfetto.dev opens it; gotracer reads what runtime/trace writes"),
        )
    })?
}

fn text(bytes: &[u8]) -> Option<Lookalike> {
    let text = match str::from_utf8(bytes) {
        Ok(text) => text,
        // The last character may be cut.
        Err(e) if e.error_len().is_none() => str::from_utf8(&bytes[..e.valid_up_to()]).ok()?,
        Err(_) => return None,
    };
    let printable = |c: char| !c.is_control() || matches!(c, '\n' | '\r' | '\t' | '\x1b');
    if text.is_empty() || !text.chars().all(printable) {
        return None;
    }
    let first = text.lines().map(str::trim).find(|line| !line.is_empty())?;
    if is_dump(text) {
        return is("a goroutine dump", Some(CAPTURE));
    }
    let mut quoted: String = first.chars().take(QUOTED).collect();
    if quoted.len() < first.len() {
        quoted.push('…');
    }
    Some(Lookalike {
        name: "text",
        detail: format!(" that begins with \"{quoted}\""),
        advice: first
            .starts_with("404 ")
            .then_some("nothing serves traces at that URL"),
    })
}

/// Whether the text is a goroutine dump: the output of a panic, of SIGQUIT, and
/// of `/debug/pprof/goroutine?debug=2`.
fn is_dump(text: &str) -> bool {
    let header = |line: &str| {
        let rest = line.strip_prefix("goroutine ");
        rest.is_some_and(|rest| {
            rest.trim_start_matches(|c: char| c.is_ascii_digit())
                .starts_with(" [")
        })
    };
    text.lines().any(header)
}

/// A field of a protobuf message; a value that is cut off is as long as it is.
enum Value<'a> {
    Varint,
    Bytes(&'a [u8]),
}

/// A wire type that no message here has.
struct OtherWire;

/// The fields of a message, up to where it is cut off.
fn fields(mut bytes: &[u8]) -> impl Iterator<Item = Result<(u64, Value<'_>), OtherWire>> {
    std::iter::from_fn(move || {
        let key = varint(&mut bytes)?;
        let value = match key & 7 {
            0 => varint(&mut bytes).map(|_| Value::Varint)?,
            2 => {
                let length = usize::try_from(varint(&mut bytes)?).unwrap_or(usize::MAX);
                let (value, rest) = bytes.split_at(length.min(bytes.len()));
                bytes = rest;
                Value::Bytes(value)
            }
            _ => return Some(Err(OtherWire)),
        };
        Some(Ok((key >> 3, value)))
    })
}

/// A varint of at most ten bytes; `None` at the end or if it is longer.
fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let end = bytes.iter().take(10).position(|b| b & 0x80 == 0)?;
    let (varint, rest) = bytes.split_at(end + 1);
    *bytes = rest;
    let value = |value: u64, byte: &u8| value << 7 | u64::from(byte & 0x7f);
    Some(varint.iter().rev().fold(0, value))
}

/// Whether bytes begin a `perftools.profiles.Profile` that has a type of
/// samples, as those of Go and of pprof do.
fn is_pprof(bytes: &[u8]) -> bool {
    let mut typed = false;
    for field in fields(bytes) {
        match field {
            Ok((1 | 11, Value::Bytes(value))) => {
                let mut parts = fields(value).peekable();
                typed |= parts.peek().is_some();
                if !parts.all(|part| matches!(part, Ok((1 | 2, Value::Varint)))) {
                    return false;
                }
            }
            Ok((2..=6 | 13, Value::Bytes(_)) | (7..=10 | 12..=15, Value::Varint)) => {}
            _ => return false,
        }
    }
    typed
}

/// Whether bytes begin a `perfetto.protos.Trace`: packets, the first of which
/// has a field that packets have.
fn is_perfetto(bytes: &[u8]) -> bool {
    let Some(Ok((1, Value::Bytes(packet)))) = fields(bytes).next() else {
        return false;
    };
    matches!(
        fields(packet).next(),
        Some(Ok((3 | 8 | 10 | 13 | 42 | 58 | 79, Value::Varint)
            | (
                2 | 6 | 11 | 33 | 36 | 43 | 59 | 60 | 61,
                Value::Bytes(_)
            )))
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(bytes: &[u8]) -> String {
        identify(bytes).map_or_else(String::new, |it| it.to_string())
    }

    #[test]
    fn what_people_pass_is_named() {
        let mut tar = vec![0; 512];
        tar[..5].copy_from_slice(b"a.trc");
        tar[257..262].copy_from_slice(b"ustar");
        let mut core = b"\x7fELF\x02\x01\x01".to_vec();
        core.resize(16, 0);
        core.push(4);
        core.push(0);
        // As runtime/pprof writes them: of a CPU first time and duration, of
        // the others first the type of the period.
        let cpu =
            b"\x48\x80\x01\x50\x80\x02\x0a\x04\x08\x01\x10\x02\x0a\x04\x08\x03\x10\x04\x5a\x04";
        let heap =
            b"\x5a\x04\x08\x01\x10\x02\x60\x80\x80\x20\x0a\x04\x08\x03\x10\x04\x12\xff\x01\x08";
        for (bytes, wanted) in [
            (
                &cpu[..],
                "a pprof profile; a trace comes from /debug/pprof/trace",
            ),
            (heap, "a pprof profile; "),
            (b"goroutine 1 [running]:\nmain.main()\n", "a goroutine dump"),
            (
                b"SIGQUIT: quit\nPC=0x1\n\ngoroutine 0 [idle]:\n",
                "a goroutine dump",
            ),
            (b"goroutine profile: total 3\n", "a goroutine dump"),
            (b"heap profile: 1: 2 [3: 4]", "a pprof profile as text"),
            (&tar, "a tar archive"),
            (&core, "a core dump"),
            (
                b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x02\0",
                "a program (ELF)",
            ),
            (b"\xfd7zXZ\0\0\x04", "an xz file; unpack"),
            (b"FLR\0\0\x02", "a recording of Java Flight Recorder"),
            (b"\n\n<!doctype HTML>", "a web page"),
            (
                b"<html><head><title>/debug/pprof/</title>",
                "the index page of net/http/pprof",
            ),
            (b"{\"traceEvents\": []}", "a trace in Chrome's JSON format"),
            (b"{\"a\": 1}", "JSON"),
            (
                b"\x0a\x06\x50\x01\x40\x05\x58\x01",
                "a trace in Perfetto's format",
            ),
            (
                b"404 page not found\n",
                "text that begins with \"404 page not found\"; nothing",
            ),
            (
                "ünï".as_bytes().split_last().unwrap().1,
                "text that begins with \"ün\"",
            ),
            (
                b"hello\ngo 1.26 trace\0\0\0rest",
                "a file with other bytes before a trace, which begins at byte 6",
            ),
            (b"\x01\x02\x03\x04", ""),
            (b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", ""),
        ] {
            let found = name(bytes);
            assert!(found.starts_with(wanted), "{wanted:?}: {found:?}");
            assert_eq!(found.is_empty(), wanted.is_empty(), "{found:?}");
        }
    }

    #[test]
    fn any_bytes_can_be_looked_at() {
        proptest::proptest!(|(bytes: Vec<u8>)| {
            name(&bytes);
            name(&[b"\x0a", &bytes[..]].concat());
            name(&[b"\x7fELF", &bytes[..]].concat());
        });
    }
}
