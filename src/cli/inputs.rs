//! The traces that the arguments name.

use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use gotracer::{source, trace::Input};

/// One trace to be read.
#[derive(Debug, PartialEq, Eq)]
pub struct Source {
    /// `-` is standard input.
    path: PathBuf,
    /// It was not named but found in a directory, where other files may stand
    /// beside the traces.
    pub found: bool,
}

impl Source {
    /// The trace that one argument names.
    pub fn named(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            found: false,
        }
    }

    /// Its name in the report.
    pub fn name(&self) -> String {
        self.path.display().to_string()
    }

    /// Its path, unless it is standard input or no regular file.
    pub fn file(&self) -> Option<&Path> {
        let named = !is_stdin(&self.path) && self.path.is_file();
        named.then_some(&self.path)
    }

    /// Its length, where it is a file; compressed, it will turn out longer.
    pub fn size(&self) -> u64 {
        let file = self.path.metadata().ok().filter(|m| m.is_file());
        file.map_or(0, |m| m.len())
    }

    /// Opens it.
    pub fn open(&self) -> io::Result<Input<'static>> {
        if is_stdin(&self.path) {
            source::stdin()
        } else {
            source::open(&self.path)
        }
    }
}

/// The traces of one argument: a file, `-`, the files of a directory, or what
/// a pattern matches that the shell did not expand.
pub fn expand(argument: &Path) -> anyhow::Result<Vec<Source>> {
    let name = || argument.display().to_string();
    if is_stdin(argument) {
        return Ok(vec![Source::named(argument)]);
    }
    if argument.is_dir() {
        let sources = directory(argument).with_context(name)?;
        if sources.is_empty() {
            bail!("{}: there are no files in this directory", name());
        }
        return Ok(sources);
    }
    match argument.to_str() {
        Some(text) if !argument.exists() && text.contains(['*', '?', '[']) => {
            let sources = pattern(text).with_context(name)?;
            if sources.is_empty() {
                bail!("{text}: no file matches");
            }
            Ok(sources)
        }
        _ => Ok(vec![Source::named(argument)]),
    }
}

fn is_stdin(path: &Path) -> bool {
    path.as_os_str() == OsStr::new("-")
}

/// The files directly inside, by name, hidden ones left out.
fn directory(path: &Path) -> io::Result<Vec<Source>> {
    let mut sources = Vec::new();
    for entry in path.read_dir()? {
        let entry = entry?;
        let hidden = entry.file_name().as_encoded_bytes().starts_with(b".");
        if !hidden && entry.path().is_file() {
            sources.push(Source {
                path: entry.path(),
                found: true,
            });
        }
    }
    sources.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(sources)
}

fn pattern(text: &str) -> anyhow::Result<Vec<Source>> {
    let mut sources = Vec::new();
    for path in glob::glob(text)? {
        let path = path?;
        if !path.is_dir() {
            sources.push(Source::named(path));
        }
    }
    Ok(sources)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn names(sources: &[Source]) -> Vec<String> {
        let last = |s: &Source| s.path.file_name().unwrap().to_string_lossy().into_owned();
        sources.iter().map(last).collect()
    }

    #[test]
    fn directories_and_patterns_are_expanded() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["b.trace", "a.trace", ".hidden", "c[1].trace"] {
            fs::write(dir.path().join(name), "").unwrap();
        }
        fs::create_dir(dir.path().join("inner")).unwrap();
        let all = expand(dir.path()).unwrap();
        assert_eq!(names(&all), ["a.trace", "b.trace", "c[1].trace"]);
        assert!(all.iter().all(|s| s.found));
        let some = expand(&dir.path().join("[ab]*.trace")).unwrap();
        assert_eq!(names(&some), ["a.trace", "b.trace"]);
        assert!(some.iter().all(|s| !s.found));
        let literal = expand(&dir.path().join("c[1].trace")).unwrap();
        assert_eq!(names(&literal), ["c[1].trace"]);
        assert!(expand(&dir.path().join("x*")).is_err());
        assert!(expand(&dir.path().join("inner")).is_err());
    }
}
