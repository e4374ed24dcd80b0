//! Files that are written under a temporary name and then renamed, and the check that no output overwrites an input.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use anyhow::bail;
use same_file::Handle;
use tempfile::{Builder, TempPath};

/// Final place of a file that is being written.
pub(crate) struct Place {
    /// Path as given by the user.
    pub(crate) path: PathBuf,
    /// Temporary file and the path it is renamed to; `None` for a file that is written in place.
    beside: Option<(TempPath, PathBuf)>,
}

impl Place {
    /// Creates a temporary file beside `path`.
    ///
    /// Devices, pipes, and files in a directory where no file can be created are written in place.
    pub(crate) fn prepare(path: &Path) -> io::Result<(File, Self)> {
        let place = |beside| Self {
            path: path.into(),
            beside,
        };
        make_directory(path)?;
        let before = match fs::metadata(path) {
            Ok(metadata) => Some(metadata),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        let in_place = before.as_ref().is_some_and(|m| !m.is_file()) || is_descriptor(path);
        if in_place {
            return Ok((File::create(path)?, place(None)));
        }
        if before.is_some() {
            // A file without write permission must not be replaced.
            File::options().write(true).open(path)?;
        }
        // A link is kept: its target is replaced.
        let target = fs::canonicalize(path).unwrap_or_else(|_| path.into());
        let Ok((file, temporary)) = beside(&target) else {
            return Ok((File::create(path)?, place(None)));
        };
        if let Some(before) = before {
            file.set_permissions(before.permissions())?;
        }
        Ok((file, place(Some((temporary, target)))))
    }

    /// Creates a file that is written in place.
    #[cfg(feature = "daemon")]
    pub(crate) fn at(path: &Path) -> io::Result<(File, Self)> {
        make_directory(path)?;
        let place = Self {
            path: path.into(),
            beside: None,
        };
        Ok((File::create(path)?, place))
    }

    /// Renames the temporary file to its final path.
    pub(crate) fn take(self) -> io::Result<()> {
        match self.beside {
            Some((temporary, target)) => temporary.persist(target).map_err(|e| e.error),
            None => Ok(()),
        }
    }
}

/// Creates the directory of a file.
fn make_directory(path: &Path) -> io::Result<()> {
    let Some(directory) = path.parent().filter(|d| !d.as_os_str().is_empty()) else {
        return Ok(());
    };
    fs::create_dir_all(directory).map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => io::ErrorKind::NotADirectory.into(),
        _ => error,
    })
}

/// Creates a temporary file in the directory of another file.
fn beside(target: &Path) -> io::Result<(File, TempPath)> {
    let directory = target.parent().filter(|d| !d.as_os_str().is_empty());
    let mut builder = Builder::new();
    let builder = builder.prefix(".gotracer-").suffix(".tmp");
    #[cfg(unix)]
    let builder = {
        use std::os::unix::fs::PermissionsExt;
        // Like `File::create`: the umask applies.
        builder.permissions(fs::Permissions::from_mode(0o666))
    };
    let made = builder.tempfile_in(directory.unwrap_or(Path::new(".")))?;
    Ok(made.into_parts())
}

/// Reports whether a path is an alias of an open file, such as `/dev/stdout`.
fn is_descriptor(path: &Path) -> bool {
    path.starts_with("/dev") || path.starts_with("/proc")
}

/// Returns the message for a file that cannot be written.
pub(crate) fn cannot_write(path: &Path) -> String {
    format!("cannot write {}", path.display())
}

/// Rejects outputs that are also inputs, under any path or link, and outputs that are named twice.
///
/// # Errors
/// Names the output and the input.
pub(crate) fn check<'a>(
    outputs: &[&Path],
    inputs: impl IntoIterator<Item = &'a Path>,
) -> anyhow::Result<()> {
    for (i, output) in outputs.iter().enumerate() {
        if outputs[..i].iter().any(|other| is_same(other, output)) {
            bail!("{} would be written twice", output.display());
        }
    }
    let opened = |path: &Path| match path.is_file() {
        true => Handle::from_path(path).ok(),
        false => None,
    };
    let handles = outputs
        .iter()
        .filter_map(|path| Some((path, opened(path)?)));
    let handles: Vec<_> = handles.collect();
    if handles.is_empty() {
        return Ok(());
    }
    for input in inputs {
        let Some(read) = opened(input) else { continue };
        if let Some((output, _)) = handles.iter().find(|(_, handle)| *handle == read) {
            let input = match *output == &input {
                true => String::new(),
                false => format!(" {}", input.display()),
            };
            bail!(
                "{}: it is the input{input}; give another file",
                cannot_write(output)
            );
        }
    }
    Ok(())
}

/// Reports whether two paths are the same file, existing or not.
fn is_same(a: &Path, b: &Path) -> bool {
    fn resolved(path: &Path) -> Option<PathBuf> {
        let parent = path.parent().filter(|p| !p.as_os_str().is_empty());
        let parent = fs::canonicalize(parent.unwrap_or(Path::new("."))).ok()?;
        Some(fs::canonicalize(path).unwrap_or(parent.join(path.file_name()?)))
    }
    // Devices may be written more than once.
    let file = fs::metadata(a).map_or(true, |m| m.is_file());
    file && (a == b || resolved(a).is_some_and(|a| Some(a) == resolved(b)))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn names(directory: &Path) -> usize {
        fs::read_dir(directory).unwrap().count()
    }

    #[test]
    fn a_file_is_replaced_only_when_it_is_whole() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("report");
        fs::write(&path, "old").unwrap();
        let (mut file, place) = Place::prepare(&path).unwrap();
        file.write_all(b"new").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"old");
        drop(place);
        assert_eq!(names(dir.path()), 1, "what was not finished is gone");
        let (mut file, place) = Place::prepare(&path).unwrap();
        file.write_all(b"new").unwrap();
        place.take().unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert_eq!(names(dir.path()), 1);
        let deep = dir.path().join("a/b/c");
        Place::prepare(&deep).unwrap().1.take().unwrap();
        assert!(deep.is_file());
    }

    #[cfg(unix)]
    #[test]
    fn a_link_and_permissions_stay() {
        use std::os::unix::fs::{PermissionsExt, symlink};
        let dir = tempfile::tempdir().unwrap();
        let (file, link) = (dir.path().join("file"), dir.path().join("link"));
        fs::write(&file, "old").unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
        symlink("file", &link).unwrap();
        Place::prepare(&link).unwrap().1.take().unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        let mode = fs::metadata(&file).unwrap().permissions().mode();
        assert_eq!((mode & 0o777, fs::read(&file).unwrap()), (0o640, vec![]));
    }

    #[test]
    fn inputs_are_not_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        let (a, hard) = (path("a"), path("hard"));
        fs::write(&a, "trace").unwrap();
        fs::hard_link(&a, &hard).unwrap();
        let check = |outputs: &[&Path], input: &Path| check(outputs, [input]).is_ok();
        assert!(check(&[&path("b")], &a));
        assert!(!check(&[&a], &a));
        assert!(!check(&[&hard], &a));
        assert!(!check(&[&dir.path().join("./a")], &a));
        assert!(!check(&[&path("b"), &path("./b")], &a));
        assert!(check(&[Path::new("/dev/null"), Path::new("/dev/null")], &a));
    }
}
