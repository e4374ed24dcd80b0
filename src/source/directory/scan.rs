//! Looking for traces in a directory and below.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

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

/// Whether all parts of the path below `root` may lead to a trace.
pub fn is_candidate(root: &Path, path: &Path) -> bool {
    let Ok(below) = path.strip_prefix(root) else {
        return false;
    };
    let Some(name) = below.file_name() else {
        return false;
    };
    let mut parents = below.components().rev().skip(1);
    may_be_trace(&name.to_string_lossy())
        && parents.all(|part| !part.as_os_str().to_string_lossy().starts_with('.'))
}

/// The files below `root` that may be traces, the oldest first. Directories
/// behind symbolic links are not entered: they may lead in circles.
///
/// # Errors
/// If `root` itself can't be read. What can't be read below it is left out.
pub fn scan(root: &Path) -> io::Result<Vec<(PathBuf, Stamp)>> {
    let mut found = Vec::new();
    let mut directories = Vec::new();
    enter(root, &mut found, &mut directories)?;
    while let Some(directory) = directories.pop() {
        if let Err(error) = enter(&directory, &mut found, &mut directories) {
            tracing::warn!(directory = %directory.display(), %error, "cannot look into directory");
        }
    }
    found.sort_by(|(a_path, a), (b_path, b)| b.age().cmp(&a.age()).then(a_path.cmp(b_path)));
    Ok(found)
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
            if !name.starts_with('.') {
                directories.push(entry.path());
            }
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
    fn hidden_directories_are_not_entered() {
        let root = Path::new("/in");
        assert!(is_candidate(root, Path::new("/in/api/a.trace")));
        assert!(!is_candidate(root, Path::new("/in/..2026_11/a.trace")));
        assert!(!is_candidate(root, Path::new("/in")));
        assert!(!is_candidate(root, Path::new("/out/a.trace")));
    }
}
