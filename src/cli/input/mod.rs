//! Sources of traces, as named by arguments.

pub(crate) mod batch;
#[cfg(feature = "daemon")]
mod bucket;
pub(crate) mod progress;
#[cfg(feature = "daemon")]
pub(crate) mod remote;
pub(crate) mod reports;
pub(crate) mod skipped;

use std::borrow::Cow;
use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, bail};
#[cfg(feature = "daemon")]
use gotracer::labels::Labels;
use gotracer::memory::available;
#[cfg(feature = "daemon")]
use gotracer::objects::Location;
#[cfg(feature = "daemon")]
use gotracer::source::scrape::Options;
use gotracer::source::{self, Limits};
use gotracer::trace::{Allowance, Input};
#[cfg(feature = "parquet")]
use jiff::Timestamp;
use tempfile::NamedTempFile;

use crate::cli::messages::complain;

#[cfg(feature = "daemon")]
use self::bucket::Stored;
#[cfg(feature = "daemon")]
use self::remote::Remote;

/// Source of one or more traces.
#[derive(Debug)]
pub(crate) struct Source {
    from: From,
    /// Whether the file was found in a directory or below a prefix, where files that are not traces are skipped.
    pub(crate) found: bool,
    /// Name relative to the directory or prefix.
    below: Option<String>,
    /// Labels of the program that wrote the trace.
    #[cfg(feature = "daemon")]
    pub(crate) labels: Labels,
}

#[derive(Debug)]
enum From {
    Stdin,
    File(PathBuf),
    #[cfg(feature = "daemon")]
    Remote(Box<Remote>),
    #[cfg(feature = "daemon")]
    Stored(Stored),
}

impl Source {
    /// Creates the source for a path or `-`.
    pub(crate) fn named(path: impl Into<PathBuf>) -> Self {
        let path = path.into();
        Self::of(match is_stdin(&path) {
            true => From::Stdin,
            false => From::File(path),
        })
    }

    /// Returns a source that can be read twice. Standard input and pipes are copied to a temporary file, which must
    /// outlive the source.
    pub(crate) fn twice(self) -> io::Result<(Self, Option<NamedTempFile>)> {
        let mut kept = NamedTempFile::new()?;
        match &self.from {
            From::Stdin => io::copy(&mut io::stdin().lock(), &mut kept)?,
            From::File(path) if !path.is_file() => io::copy(&mut File::open(path)?, &mut kept)?,
            _ => return Ok((self, None)),
        };
        Ok((Self::named(kept.path()), Some(kept)))
    }

    fn of(from: From) -> Self {
        Self {
            from,
            found: false,
            below: None,
            #[cfg(feature = "daemon")]
            labels: Labels::new(),
        }
    }

    /// Creates a source that was found below a directory or prefix.
    fn found(from: From, below: String) -> Self {
        Self {
            found: true,
            below: Some(below),
            ..Self::of(from)
        }
    }

    /// Creates a source that captures a running program.
    #[cfg(feature = "daemon")]
    pub(crate) fn remote(remote: Remote) -> Self {
        Self::of(From::Remote(Box::new(remote)))
    }

    /// Returns the source's name in reports.
    pub(crate) fn name(&self) -> String {
        match &self.from {
            From::Stdin => "-".into(),
            From::File(path) => path.display().to_string(),
            #[cfg(feature = "daemon")]
            From::Remote(remote) => remote.name(),
            #[cfg(feature = "daemon")]
            From::Stored(stored) => stored.url(),
        }
    }

    /// Returns the name relative to the directory or prefix, else the name in reports.
    pub(crate) fn below(&self) -> Cow<'_, str> {
        match &self.below {
            Some(below) => Cow::Borrowed(below),
            None => Cow::Owned(self.name()),
        }
    }

    /// Returns the label `service`, empty if there is none.
    pub(crate) fn service(&self) -> &str {
        #[cfg(feature = "daemon")]
        return self.labels.get("service");
        #[cfg(not(feature = "daemon"))]
        return "";
    }

    /// Returns the time of the last write, if known.
    #[cfg(feature = "parquet")]
    pub(crate) fn modified(&self) -> Option<Timestamp> {
        if let From::Stored(stored) = &self.from {
            return Some(stored.modified());
        }
        let metadata = self.file()?.metadata();
        metadata.and_then(|m| m.modified()).ok()?.try_into().ok()
    }

    /// Reports whether the length is unknown until the end.
    pub(crate) fn is_unbounded(&self) -> bool {
        match &self.from {
            From::Stdin => true,
            #[cfg(feature = "daemon")]
            From::Remote(_) => true,
            _ => false,
        }
    }

    /// Returns the duration of a capture.
    pub(crate) fn lasts(&self) -> Option<Duration> {
        match &self.from {
            #[cfg(feature = "daemon")]
            From::Remote(remote) => Some(remote.lasts()),
            _ => None,
        }
    }

    /// Returns the path of a regular file.
    pub(crate) fn file(&self) -> Option<&Path> {
        match &self.from {
            From::File(path) => Some(path.as_path()).filter(|p| p.is_file()),
            _ => None,
        }
    }

    /// Returns the stored size of a file or object, before decompression, else 0.
    pub(crate) fn size(&self) -> u64 {
        #[cfg(feature = "daemon")]
        if let From::Stored(stored) = &self.from {
            return stored.size();
        }
        let metadata = self.file().and_then(|path| path.metadata().ok());
        metadata.map_or(0, |m| m.len())
    }

    /// Opens the source as the only one that is read.
    pub(crate) fn open(&self) -> io::Result<Input<'static>> {
        self.open_within(memory(1))
    }

    /// Opens the source with a limit on the reader's memory, in bytes.
    pub(crate) fn open_within(&self, memory: u64) -> io::Result<Input<'static>> {
        let limits = &Limits::of_memory(Allowance::of(memory));
        match &self.from {
            From::Stdin => {
                if io::stdin().is_terminal() {
                    complain("note", "waiting for a trace on standard input, a terminal");
                }
                source::stdin(limits)
            }
            From::File(path) => source::open(path, limits),
            #[cfg(feature = "daemon")]
            From::Remote(remote) => remote.open(limits),
            #[cfg(feature = "daemon")]
            From::Stored(stored) => stored.open(limits),
        }
    }
}

/// Returns the memory limit in bytes of each of `traces` concurrent readers: together they may use half of the available
/// memory.
pub(crate) fn memory(traces: usize) -> u64 {
    available() / 2 / traces.max(1) as u64
}

/// Expands one argument to its sources: a file, `-`, a URL, the files of a directory (recursively if `deep`), the objects
/// of a bucket, or the matches of a pattern that the shell did not expand.
pub(crate) fn expand(argument: &Path, deep: bool) -> anyhow::Result<Vec<Source>> {
    let name = || argument.display().to_string();
    if is_stdin(argument) {
        return Ok(vec![Source::named(argument)]);
    }
    #[cfg(feature = "daemon")]
    if let Some(url) = argument.to_str().filter(|a| remote::is_url(a)) {
        let remote = Remote::new(url, Options::default())?;
        return Ok(vec![Source::remote(remote)]);
    }
    #[cfg(feature = "daemon")]
    if let Some(url) = argument.to_str().filter(|a| Location::is_url(a)) {
        let stored = bucket::objects(url)?;
        let source = |(below, stored)| match below {
            Some(below) => Source::found(From::Stored(stored), below),
            None => Source::of(From::Stored(stored)),
        };
        return Ok(stored.into_iter().map(source).collect());
    }
    if argument.is_dir() {
        let sources = directory(argument, deep).with_context(name)?;
        if sources.is_empty() {
            let deeper = if deep {
                ""
            } else {
                "; --recursive includes its subdirectories"
            };
            bail!("{}: there are no files in this directory{deeper}", name());
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

/// Lists the files of a directory, recursively if `deep`, sorted by name, without hidden ones. Links to directories are
/// not followed, because they may form cycles.
fn directory(root: &Path, deep: bool) -> io::Result<Vec<Source>> {
    let mut sources = Vec::new();
    let mut directories = vec![root.to_owned()];
    while let Some(directory) = directories.pop() {
        for entry in directory.read_dir()? {
            let entry = entry?;
            let path = entry.path();
            if entry.file_name().as_encoded_bytes().starts_with(b".") {
                continue;
            }
            if path.is_file() {
                let below = path.strip_prefix(root).unwrap_or(&path);
                let below = below.to_string_lossy().into_owned();
                sources.push(Source::found(From::File(path), below));
            } else if deep && entry.file_type()?.is_dir() {
                directories.push(path);
            }
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
        let all = expand(dir.path(), false).unwrap();
        assert_eq!(names(&all), ["a.trace", "b.trace", "c[1].trace"]);
        assert!(all.iter().all(|s| s.found));
        let some = expand(&dir.path().join("[ab]*.trace"), false).unwrap();
        assert_eq!(names(&some), ["a.trace", "b.trace"]);
        assert!(some.iter().all(|s| !s.found));
        let literal = expand(&dir.path().join("c[1].trace"), false).unwrap();
        assert_eq!(names(&literal), ["c[1].trace"]);
        assert!(expand(&dir.path().join("x*"), false).is_err());
        assert!(expand(&dir.path().join("inner"), false).is_err());
        fs::write(dir.path().join("inner/d.trace"), "").unwrap();
        let deep = expand(dir.path(), true).unwrap();
        let below: Vec<_> = deep.iter().map(Source::below).collect();
        assert_eq!(below, ["a.trace", "b.trace", "c[1].trace", "inner/d.trace"]);
    }
}
