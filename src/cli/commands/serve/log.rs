//! The daemon's log on standard error.
//!
//! Field values hold untrusted text: file names, targets, labels, responses of servers. Both formats escape it, so no
//! value can forge a log line or send a control sequence to a terminal.

use std::fmt;
use std::io::{self, IsTerminal, Write};

use clap::ValueEnum;
use gotracer::report::{Escaped, is_hostile};
use tracing::field::{Field, Visit};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::field::{RecordFields, VisitOutput};
use tracing_subscriber::fmt::FormatFields;
use tracing_subscriber::fmt::format::Writer;

/// Lowest level that is logged.
#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum Level {
    Error,
    Warn,
    Info,
    Debug,
    Trace,
}

/// Format of a log line.
#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum Format {
    Text,
    Json,
}

impl Level {
    fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Info => "info",
            Self::Debug => "debug",
            Self::Trace => "trace",
        }
    }

    /// Returns filter directives for libraries whose failures gotracer logs itself.
    fn quiet(self) -> &'static str {
        match self {
            Self::Debug | Self::Trace => "",
            _ => ",kube_client=error,kube_runtime=off,object_store=error",
        }
    }
}

/// Installs a subscriber that logs to standard error.
pub(crate) fn to_stderr(level: Level, format: Format) {
    let filter = EnvFilter::new(format!("{}{}", level.name(), level.quiet()));
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_target(false)
        // An error about writing the log could not be logged either.
        .log_internal_errors(false);
    match format {
        Format::Text => builder
            .with_writer(io::stderr)
            .with_ansi(io::stderr().is_terminal())
            .fmt_fields(EscapedFields)
            .init(),
        Format::Json => builder
            .with_writer(|| JsonLines(io::stderr()))
            .json()
            .flatten_event(true)
            .init(),
    }
}

/// Writes fields as the default format does, with hostile characters escaped.
struct EscapedFields;

impl<'w> FormatFields<'w> for EscapedFields {
    fn format_fields<R: RecordFields>(&self, writer: Writer<'w>, fields: R) -> fmt::Result {
        let mut visitor = Fields {
            writer,
            written: Ok(()),
            first: true,
        };
        fields.record(&mut visitor);
        visitor.finish()
    }
}

struct Fields<'w> {
    writer: Writer<'w>,
    written: fmt::Result,
    first: bool,
}

impl Fields<'_> {
    fn write(&mut self, field: &Field, text: &str) -> fmt::Result {
        if !std::mem::take(&mut self.first) {
            self.writer.write_char(' ')?;
        }
        let name = field.name();
        if name != "message" {
            let name = name.strip_prefix("r#").unwrap_or(name);
            let (open, close) = match self.writer.has_ansi_escapes() {
                true => ("\x1b[3m", "\x1b[0m"),
                false => ("", ""),
            };
            write!(self.writer, "{open}{name}{close}=")?;
        }
        write!(self.writer, "{}", Escaped(text))
    }
}

impl Visit for Fields<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if self.written.is_ok() {
            self.written = self.write(field, &format!("{value:?}"));
        }
    }
}

impl VisitOutput<fmt::Result> for Fields<'_> {
    fn finish(self) -> fmt::Result {
        self.written
    }
}

/// Escapes the characters in JSON lines that JSON allows and terminals interpret.
///
/// They occur only within strings, where `\uXXXX` means the same.
struct JsonLines<W>(W);

impl<W: Write> Write for JsonLines<W> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        match str::from_utf8(line) {
            Ok(text) if text.contains(|c| is_hostile(c) && c != '\n') => {
                self.0.write_all(escaped_json(text).as_bytes())?;
            }
            _ => self.0.write_all(line)?,
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

fn escaped_json(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match is_hostile(c) && c != '\n' {
            false => out.push(c),
            true => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    out.push_str(&format!("\\u{unit:04x}"));
                }
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use tracing_subscriber::fmt::MakeWriter;

    use super::*;

    /// Log output in memory.
    #[derive(Clone, Default)]
    struct Memory(Arc<Mutex<Vec<u8>>>);

    impl Write for Memory {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl<'a> MakeWriter<'a> for Memory {
        type Writer = JsonLines<Self>;

        fn make_writer(&'a self) -> Self::Writer {
            JsonLines(self.clone())
        }
    }

    impl Memory {
        fn text(&self) -> String {
            String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
        }
    }

    const HOSTILE: &str =
        "x\n2026-01-01T00:00:00Z ERROR forged \x1b[31m\r\u{9b}2J\u{202e}\u{e0041}é";

    /// Logs a hostile string in every kind of field.
    fn log() {
        let error = io::Error::other(HOSTILE);
        let path = std::path::Path::new(HOSTILE);
        tracing::warn!(a = HOSTILE, b = %HOSTILE, c = ?HOSTILE, path = %path.display(), %error, "message {HOSTILE}");
        let cause: &(dyn std::error::Error + 'static) = &error;
        tracing::error!(cause, number = 1, "{}", HOSTILE);
    }

    fn assert_harmless(log: &str, lines: usize) {
        assert_eq!(log.lines().count(), lines, "{log}");
        let hostile = |c| is_hostile(c) && c != '\n';
        assert!(!log.contains(hostile), "{log:?}");
        assert!(log.contains('é'), "{log}");
    }

    #[test]
    fn a_text_line_stays_one_line_whatever_a_field_holds() {
        let memory = Memory::default();
        let writer = memory.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_ansi(false)
            .with_writer(move || writer.clone())
            .fmt_fields(EscapedFields)
            .finish();
        tracing::subscriber::with_default(subscriber, log);
        assert_harmless(&memory.text(), 2);
        assert!(memory.text().contains(" number=1"), "{}", memory.text());
    }

    #[test]
    fn a_json_line_stays_json_and_means_the_same() {
        let memory = Memory::default();
        let subscriber = tracing_subscriber::fmt()
            .with_writer(memory.clone())
            .json()
            .flatten_event(true)
            .finish();
        tracing::subscriber::with_default(subscriber, log);
        assert_harmless(&memory.text(), 2);
        let first = memory.text();
        let first: serde_json::Value = serde_json::from_str(first.lines().next().unwrap()).unwrap();
        assert_eq!(first["b"], HOSTILE);
    }
}
