//! Output to a file or to standard output, and its colors.

pub(crate) mod place;

use std::env;
use std::fs::File;
use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::{Path, PathBuf};

use anyhow::Context;
use gotracer::units::bytes;

use crate::cli::messages::note;

use self::place::{Place, cannot_write};

/// When to use color.
#[derive(Clone, Copy, clap::ValueEnum)]
pub(crate) enum Color {
    /// On a terminal, unless NO_COLOR is set
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

impl Color {
    /// Applies this choice to messages on standard error.
    pub(crate) fn apply(self) {
        let choice = match self {
            Self::Auto => anstream::ColorChoice::Auto,
            Self::Always => anstream::ColorChoice::Always,
            Self::Never => anstream::ColorChoice::Never,
        };
        choice.write_global();
    }
}

/// Output to a file or to standard output.
///
/// A file is written under a temporary name and renamed by [`finish`](Self::finish), so a failure leaves an older file
/// intact.
pub(crate) struct Output {
    writer: Box<dyn Write + Send>,
    /// Whether the output is a terminal.
    pub(crate) terminal: bool,
    stdout: bool,
    place: Option<Place>,
    bytes: u64,
    /// First error of a write.
    failed: Option<io::Error>,
}

impl Output {
    /// Creates a file, with its missing directories, or uses standard output for `None` and `-`.
    pub(crate) fn to(path: Option<&Path>) -> anyhow::Result<Self> {
        let Some(path) = path.filter(|path| path.as_os_str() != "-") else {
            return Ok(Self {
                terminal: io::stdout().is_terminal(),
                stdout: true,
                ..Self::of(BufWriter::new(io::stdout()))
            });
        };
        Self::placed(path, Place::prepare(path))
    }

    /// Creates a file in place, so it keeps the written part if the process ends early.
    #[cfg(feature = "daemon")]
    pub(crate) fn growing(path: &Path) -> anyhow::Result<Self> {
        Self::placed(path, Place::at(path))
    }

    fn placed(path: &Path, prepared: io::Result<(File, Place)>) -> anyhow::Result<Self> {
        let (file, place) = prepared.with_context(|| cannot_write(path))?;
        let place = Some(place);
        Ok(Self {
            place,
            ..Self::of(BufWriter::new(file))
        })
    }

    /// Wraps a writer that is not a terminal.
    pub(crate) fn of(writer: impl Write + Send + 'static) -> Self {
        Self {
            writer: Box::new(writer),
            terminal: false,
            stdout: false,
            place: None,
            bytes: 0,
            failed: None,
        }
    }

    /// Flushes the output and renames the file to its final name.
    ///
    /// # Errors
    /// The first failed write, now or earlier, with the file's name.
    pub(crate) fn finish(mut self) -> anyhow::Result<Written> {
        let written = match self.failed.take() {
            Some(error) => Err(error),
            None => self.writer.flush(),
        };
        let place = self.place.take();
        let cannot = place.as_ref().map(|place| cannot_write(&place.path));
        let cannot = || cannot.unwrap_or_else(|| "cannot write".into());
        let bytes = self.bytes;
        let path = place.as_ref().map(|place| place.path.clone());
        let taken = || place.map_or(Ok(()), Place::take);
        written.and_then(|()| taken()).with_context(cannot)?;
        Ok(Written { path, bytes })
    }

    /// Reports whether this is standard output.
    pub(crate) fn is_stdout(&self) -> bool {
        self.stdout
    }

    /// Reports whether nothing was written.
    pub(crate) fn is_empty(&self) -> bool {
        self.bytes == 0 && self.failed.is_none()
    }

    /// Reports whether to use color.
    pub(crate) fn color(&self, choice: Color) -> bool {
        match choice {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => automatic(self.terminal, |name| env::var(name).ok()),
        }
    }

    /// Returns the width of standard output in columns: `COLUMNS` if that is set, as for ls and git, or the terminal's.
    pub(crate) fn width(&self) -> Option<usize> {
        let columns = env::var("COLUMNS").ok().filter(|_| self.stdout);
        let columns = columns.and_then(|columns| columns.parse().ok());
        let terminal = || {
            let (width, _) = terminal_size::terminal_size().filter(|_| self.terminal)?;
            Some(width.0.into())
        };
        columns.filter(|columns| *columns > 0).or_else(terminal)
    }
}

/// Output that was written completely.
pub(crate) struct Written {
    path: Option<PathBuf>,
    bytes: u64,
}

impl Written {
    /// Prints the file's name and size to standard error, followed by `advice`.
    pub(crate) fn tell(&self, advice: &str) {
        if let Some(path) = &self.path {
            let size = bytes(self.bytes);
            note(&format!("wrote {} ({size}){advice}", path.display()));
        }
    }
}

impl Output {
    /// Keeps the first error for [`finish`](Self::finish).
    fn note<T>(&mut self, result: io::Result<T>) -> io::Result<T> {
        if let Err(error) = &result
            && error.kind() != io::ErrorKind::Interrupted
        {
            let again = || io::Error::new(error.kind(), error.to_string());
            self.failed.get_or_insert_with(again);
        }
        result
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.writer.write(bytes);
        self.bytes += written.as_ref().map_or(0, |&n| n as u64);
        self.note(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        let flushed = self.writer.flush();
        self.note(flushed)
    }
}

/// Reports whether the environment allows color, according to <https://no-color.org> and
/// <https://bixense.com/clicolors>.
fn automatic(terminal: bool, variable: impl Fn(&str) -> Option<String>) -> bool {
    let set = |name| variable(name).filter(|v| !v.is_empty());
    if set("NO_COLOR").is_some() {
        false
    } else if set("CLICOLOR_FORCE").is_some_and(|v| v != "0") {
        true
    } else {
        let declined = set("CLICOLOR").is_some_and(|v| v == "0");
        let dumb = set("TERM").is_some_and(|v| v == "dumb");
        terminal && !declined && !dumb
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_decides() {
        let color = |terminal, name: &str, value: &str| {
            automatic(terminal, |n| (n == name).then(|| value.to_owned()))
        };
        assert!(color(true, "", ""));
        assert!(!color(false, "", ""));
        assert!(!color(true, "NO_COLOR", "1"));
        assert!(color(true, "NO_COLOR", ""));
        assert!(color(false, "CLICOLOR_FORCE", "1"));
        assert!(!color(false, "CLICOLOR_FORCE", "0"));
        assert!(!color(true, "CLICOLOR", "0"));
        assert!(!color(true, "TERM", "dumb"));
    }
}
