//! Looking for traces in a directory and below.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::after::Shelf;
use super::stamp::Stamp;

/// Endings of files that somebody is still writing, or that stand beside a
/// trace.
const NOT_TRACES: [&str; 8] = [
    ".tmp",
    ".temp",
    ".part",
    ".partial",
    ".crdownload",
    ".swp",
    ".json",
    "~",
];

/// Whether a file of that name may be a trace. Hidden files are not: editors,
/// rsync and Kubernetes use them for what is not finished.
pub fn may_be_trace(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    !name.starts_with('.') && !NOT_TRACES.iter().any(|end| lower.ends_with(end))
}

/// Where traces are looked for.
#[derive(Clone, Debug)]
pub struct Scope {
    /// The directory; everything below it belongs to it.
    pub root: PathBuf,
    /// The folders in it to which files are moved don't.
    pub shelves: bool,
}

impl Scope {
    /// Whether all parts of the path may lead to a trace.
    pub fn is_candidate(&self, path: &Path) -> bool {
        let Ok(below) = path.strip_prefix(&self.root) else {
            return false;
        };
        let Some(name) = below.file_name() else {
            return false;
        };
        let mut parents = path.ancestors().skip(1);
        may_be_trace(&name.to_string_lossy())
            && parents
                .by_ref()
                .take_while(|parent| **parent != self.root)
                .all(|parent| self.may_enter(parent))
    }

    fn may_enter(&self, directory: &Path) -> bool {
        let name = directory.file_name().unwrap_or_default().to_string_lossy();
        let on_top = directory.parent() == Some(&self.root);
        let shelf = self.shelves && on_top && Shelf::ALL.iter().any(|s| s.folder() == name);
        !name.starts_with('.') && !shelf
    }

    /// The files that may be traces, the oldest first. Directories behind
    /// symbolic links are not entered: they may lead in circles.
    ///
    /// # Errors
    /// If the root itself can't be read. What can't be read below it is left
    /// out.
    pub fn scan(&self) -> io::Result<Vec<(PathBuf, Stamp)>> {
        let mut found = Vec::new();
        let mut directories = Vec::new();
        enter(&self.root, &mut found, &mut directories)?;
        while let Some(directory) = directories.pop() {
            if !self.may_enter(&directory) {
                continue;
            }
            if let Err(error) = enter(&directory, &mut found, &mut directories) {
                tracing::warn!(directory = %directory.display(), %error, "cannot look into directory");
            }
        }
        found.sort_by(|(a_path, a), (b_path, b)| b.age().cmp(&a.age()).then(a_path.cmp(b_path)));
        Ok(found)
    }
}

fn enter(
    directory: &Path,
    found: &mut Vec<(PathBuf, Stamp)>,
    directories: &mut Vec<PathBuf>,
) -> io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if entry.file_type()?.is_dir() {
            directories.push(entry.path());
        } else if may_be_trace(&name)
            && let Ok(Some(stamp)) = Stamp::of(&entry.path())
        {
            found.push((entry.path(), stamp));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unfinished_files_are_told_by_their_names() {
        for name in [
            "api.trace",
            "x",
            "a.out.gz",
            "b.trace.zst",
            "c_v1_2026.trace",
        ] {
            assert!(may_be_trace(name), "{name}");
        }
        for name in [
            ".api.trace",
            "a.tmp",
            "a.PART",
            "a~",
            ".a.trace.x81",
            "a.truth.json",
        ] {
            assert!(!may_be_trace(name), "{name}");
        }
    }

    #[test]
    fn hidden_directories_and_shelves_are_not_entered() {
        let scope = |shelves| Scope {
            root: "/in".into(),
            shelves,
        };
        let candidate = |path| scope(true).is_candidate(Path::new(path));
        assert!(candidate("/in/api/a.trace") && candidate("/in/api/done/a.trace"));
        assert!(!candidate("/in/..2026_11/a.trace") && !candidate("/in/.x/y/a.trace"));
        assert!(!candidate("/in") && !candidate("/out/a.trace"));
        assert!(!candidate("/in/done/a.trace") && !candidate("/in/failed/x/a.trace"));
        assert!(scope(false).is_candidate(Path::new("/in/done/a.trace")));
    }
}
