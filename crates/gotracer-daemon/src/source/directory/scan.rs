//! Recursive scan of a directory for traces.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::shelf::Shelf;
use super::stamp::Stamp;

/// Endings of names of unfinished files, and of files that tools keep beside
/// traces.
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
/// rsync and Kubernetes use them for unfinished files.
pub fn may_be_trace(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    !name.starts_with('.') && !NOT_TRACES.iter().any(|end| lower.ends_with(end))
}

/// Part of the file system in which traces are looked for.
#[derive(Clone, Debug)]
pub(super) struct Scope {
    /// The directory, without symbolic links in its path; everything below it
    /// belongs to it.
    pub root: PathBuf,
    /// Whether the shelves are excluded.
    pub shelves: bool,
}

impl Scope {
    /// The path below the directory, if all its parts may lead to a trace.
    pub(super) fn candidate(&self, path: &Path) -> Option<PathBuf> {
        let below = path.strip_prefix(&self.root).ok()?;
        let name = below.file_name()?.to_string_lossy();
        let mut parents = below.ancestors().skip(1);
        let leads = may_be_trace(&name) && parents.all(|parent| self.may_enter(parent));
        leads.then(|| below.to_path_buf())
    }

    /// Whether a directory, by its path below the root, may hold traces.
    fn may_enter(&self, below: &Path) -> bool {
        let Some(name) = below.file_name() else {
            return true;
        };
        let name = name.to_string_lossy();
        let on_top = below.parent() == Some(Path::new(""));
        let shelf = self.shelves && on_top && Shelf::ALL.iter().any(|s| s.folder() == name);
        !name.starts_with('.') && !shelf
    }

    /// The files that may be traces, by their paths below the directory, the
    /// oldest first. Directories behind symbolic links are not entered: they may
    /// lead in circles.
    ///
    /// # Errors
    /// If the directory itself can't be read. Unreadable directories below it
    /// are skipped.
    pub(super) fn scan(&self) -> io::Result<Vec<(PathBuf, Stamp)>> {
        let mut found = Vec::new();
        let mut directories = Vec::new();
        self.list(Path::new(""), &mut found, &mut directories)?;
        while let Some(directory) = directories.pop() {
            if !self.may_enter(&directory) {
                continue;
            }
            if let Err(error) = self.list(&directory, &mut found, &mut directories) {
                let directory = self.root.join(directory);
                tracing::warn!(?directory, %error, "cannot look into directory");
            }
        }
        found.sort_by(|(a_path, a), (b_path, b)| b.age().cmp(&a.age()).then(a_path.cmp(b_path)));
        Ok(found)
    }

    fn list(
        &self,
        below: &Path,
        found: &mut Vec<(PathBuf, Stamp)>,
        directories: &mut Vec<PathBuf>,
    ) -> io::Result<()> {
        for entry in fs::read_dir(self.root.join(below))? {
            let entry = entry?;
            let name = entry.file_name();
            if entry.file_type()?.is_dir() {
                directories.push(below.join(name));
            } else if may_be_trace(&name.to_string_lossy())
                && let Ok(Some(stamp)) = Stamp::of(&entry.path())
            {
                found.push((below.join(name), stamp));
            }
        }
        Ok(())
    }
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
        let candidate = |path| scope(true).candidate(Path::new(path)).is_some();
        assert!(candidate("/in/api/a.trace") && candidate("/in/api/done/a.trace"));
        assert!(!candidate("/in/..2026_11/a.trace") && !candidate("/in/.x/y/a.trace"));
        assert!(!candidate("/in") && !candidate("/out/a.trace"));
        assert!(!candidate("/in/done/a.trace") && !candidate("/in/failed/x/a.trace"));
        let below = scope(false).candidate(Path::new("/in/done/a.trace"));
        assert_eq!(below.as_deref(), Some(Path::new("done/a.trace")));
    }
}
