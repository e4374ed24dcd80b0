//! Where output goes, and whether it may be coloured.

use std::env;
use std::fs::{self, File};
use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::Path;

use anyhow::{Context, bail};

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
pub struct Output {
    /// Takes the output.
    pub writer: Box<dyn Write>,
    /// It is shown on a terminal.
    pub terminal: bool,
}

impl Output {
    /// A file, or standard output.
    pub fn to(path: Option<&Path>) -> anyhow::Result<Self> {
        Ok(match path {
            None => Self {
                writer: Box::new(BufWriter::new(io::stdout())),
                terminal: io::stdout().is_terminal(),
            },
            Some(path) if path.as_os_str() == "-" => Self::to(None)?,
            Some(path) => {
                let file = File::create(path);
                let file = file.with_context(|| format!("cannot write {}", path.display()))?;
                Self::of(BufWriter::new(file))
            }
        })
    }

    /// A file, which must not be the one that is read, or standard output.
    pub fn beside(from: &Path, to: &Path) -> anyhow::Result<Self> {
        let same = |path| fs::canonicalize(path).ok();
        if same(from).is_some_and(|from| Some(from) == same(to)) {
            bail!("{} would be written over itself", to.display());
        }
        Self::to(Some(to))
    }

    /// Anything that is no terminal.
    pub fn of(writer: impl Write + 'static) -> Self {
        Self {
            writer: Box::new(writer),
            terminal: false,
        }
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
