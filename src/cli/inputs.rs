//! The traces that the arguments name.

use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
#[cfg(feature = "daemon")]
use gotracer::source::scrape::Options;
use gotracer::{source, trace::Input};

#[cfg(feature = "daemon")]
use super::remote::{self, Remote};

/// One trace to be read.
#[derive(Debug)]
pub struct Source {
    from: From,
    /// It was not named but found in a directory, where other files may stand
    /// beside the traces.
    pub found: bool,
}

#[derive(Debug)]
enum From {
    Stdin,
    File(PathBuf),
    #[cfg(feature = "daemon")]
    Remote(Box<Remote>),
}

impl Source {
    /// The trace that one argument names.
    pub fn named(path: impl Into<PathBuf>) -> Self {
        let path = path.into();
        Self {
            from: match is_stdin(&path) {
                true => From::Stdin,
                false => From::File(path),
            },
            found: false,
        }
    }

    /// The trace of a running program.
    #[cfg(feature = "daemon")]
    pub fn remote(remote: Remote) -> Self {
        Self {
            from: From::Remote(Box::new(remote)),
            found: false,
        }
    }

    /// Its name in the report.
    pub fn name(&self) -> String {
        match &self.from {
            From::Stdin => "-".into(),
            From::File(path) => path.display().to_string(),
            #[cfg(feature = "daemon")]
            From::Remote(remote) => remote.name(),
        }
    }

    /// Its path, if it is a regular file.
    pub fn file(&self) -> Option<&Path> {
        match &self.from {
            From::File(path) => Some(path.as_path()).filter(|p| p.is_file()),
            _ => None,
        }
    }

    /// Its length, where it is a file; compressed, it will turn out longer.
    pub fn size(&self) -> u64 {
        let metadata = self.file().and_then(|path| path.metadata().ok());
        metadata.map_or(0, |m| m.len())
    }

    /// Opens it.
    pub fn open(&self) -> io::Result<Input<'static>> {
        match &self.from {
            From::Stdin => source::stdin(),
            From::File(path) => source::open(path),
            #[cfg(feature = "daemon")]
            From::Remote(remote) => remote.open(),
        }
    }
}

/// The traces of one argument: a file, `-`, a URL, the files of a directory, or what
/// a pattern matches that the shell did not expand.
pub fn expand(argument: &Path) -> anyhow::Result<Vec<Source>> {
    let name = || argument.display().to_string();
    if is_stdin(argument) {
        return Ok(vec![Source::named(argument)]);
    }
    #[cfg(feature = "daemon")]
    if let Some(url) = argument.to_str().filter(|a| remote::is_url(a)) {
        let remote = Remote::new(url, Options::default())?;
        return Ok(vec![Source::remote(remote)]);
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
                from: From::File(entry.path()),
                found: true,
            });
        }
    }
    sources.sort_by_cached_key(Source::name);
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
        let last = |s: &Source| s.name().rsplit('/').next().unwrap().to_owned();
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
