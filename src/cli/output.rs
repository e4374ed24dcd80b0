//! Where output goes, and whether it may be coloured.

use std::env;
use std::fs::File;
use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::{Path, PathBuf};

use anyhow::Context;
use gotracer::units::bytes;

use super::note;
use super::place::{Place, cannot_write};

/// When to use colour.
#[derive(Clone, Copy, clap::ValueEnum)]
pub enum Color {
    /// On a terminal, unless NO_COLOR is set
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

impl Color {
    /// Uses this choice for messages on standard error, too.
    pub fn apply(self) {
        let choice = match self {
            Self::Auto => anstream::ColorChoice::Auto,
            Self::Always => anstream::ColorChoice::Always,
            Self::Never => anstream::ColorChoice::Never,
        };
        choice.write_global();
    }
}

/// Where output goes.
///
/// A file is written beside its place and takes it with [`finish`](Self::finish):
/// what fails halfway leaves an older file as it was.
pub struct Output {
    writer: Box<dyn Write + Send>,
    /// Whether it is shown on a terminal.
    pub terminal: bool,
    stdout: bool,
    place: Option<Place>,
    bytes: u64,
    /// Why something could not be written.
    failed: Option<io::Error>,
}

impl Output {
    /// A file, whose directory is made if it is missing, or standard output.
    pub fn to(path: Option<&Path>) -> anyhow::Result<Self> {
        let Some(path) = path.filter(|path| path.as_os_str() != "-") else {
            return Ok(Self {
                terminal: io::stdout().is_terminal(),
                stdout: true,
                ..Self::of(BufWriter::new(io::stdout()))
            });
        };
        Self::placed(path, Place::prepare(path))
    }

    /// A file that holds at every moment what came until then.
    #[cfg(feature = "daemon")]
    pub fn growing(path: &Path) -> anyhow::Result<Self> {
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

    /// Anything that is no terminal.
    pub fn of(writer: impl Write + Send + 'static) -> Self {
        Self {
            writer: Box::new(writer),
            terminal: false,
            stdout: false,
            place: None,
            bytes: 0,
            failed: None,
        }
    }

    /// Puts a file in its place, once all of it is written.
    ///
    /// # Errors
    /// If something could not be written, now or before: names the file.
    pub fn finish(mut self) -> anyhow::Result<Written> {
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

    /// Whether it goes to standard output.
    pub fn is_stdout(&self) -> bool {
        self.stdout
    }

    /// Whether nothing was written.
    pub fn is_empty(&self) -> bool {
        self.bytes == 0 && self.failed.is_none()
    }

    /// Whether to use colour.
    pub fn color(&self, choice: Color) -> bool {
        match choice {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => automatic(self.terminal, |name| env::var(name).ok()),
        }
    }

    /// Columns of the terminal, where there is one.
    pub fn width(&self) -> Option<usize> {
        let (width, _) = terminal_size::terminal_size().filter(|_| self.terminal)?;
        Some(width.0.into())
    }
}

/// Output that was written completely.
pub struct Written {
    path: Option<PathBuf>,
    bytes: u64,
}

impl Written {
    /// Says on standard error which file was written, and what to do with it.
    pub fn tell(&self, advice: &str) {
        if let Some(path) = &self.path {
            let size = bytes(self.bytes);
            note(&format!("wrote {} ({size}){advice}", path.display()));
        }
    }
}

impl Output {
    /// Remembers a failure for [`finish`](Self::finish).
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

/// What the environment says: <https://no-color.org>,
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
