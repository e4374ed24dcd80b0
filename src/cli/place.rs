//! Files that are written beside their place, and what they must not replace.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use anyhow::bail;
use same_file::Handle;
use tempfile::{Builder, TempPath};

/// Where a file goes once it is written.
pub struct Place {
    /// The path as it was given.
    pub path: PathBuf,
    /// The file that is written, and where it goes; none if it is there
    /// already.
    beside: Option<(TempPath, PathBuf)>,
}

impl Place {
    /// A file to write, which does not replace what is at `path` yet.
    ///
    /// Devices and pipes, and files in a directory that takes no others, are
    /// written where they are.
    pub fn prepare(path: &Path) -> io::Result<(File, Self)> {
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
            // Who may not write a file may not replace it.
            File::options().write(true).open(path)?;
        }
        // A link stays one: the file that it leads to is replaced.
        let target = fs::canonicalize(path).unwrap_or_else(|_| path.into());
        let Ok((file, temporary)) = beside(&target) else {
            return Ok((File::create(path)?, place(None)));
        };
        if let Some(before) = before {
            file.set_permissions(before.permissions())?;
        }
        Ok((file, place(Some((temporary, target)))))
    }

    /// A file that is written where it is, so that it is there as far as it
    /// came whatever happens.
    #[cfg(feature = "daemon")]
    pub fn at(path: &Path) -> io::Result<(File, Self)> {
        make_directory(path)?;
        let place = Self {
            path: path.into(),
            beside: None,
        };
        Ok((File::create(path)?, place))
    }

    /// Replaces what was there.
    pub fn take(self) -> io::Result<()> {
        match self.beside {
            Some((temporary, target)) => temporary.persist(target).map_err(|e| e.error),
            None => Ok(()),
        }
    }
}

/// Makes the directory of a file.
fn make_directory(path: &Path) -> io::Result<()> {
    let Some(directory) = path.parent().filter(|d| !d.as_os_str().is_empty()) else {
        return Ok(());
    };
    fs::create_dir_all(directory).map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => io::ErrorKind::NotADirectory.into(),
        _ => error,
    })
}

/// A new file in the directory of another; it is deleted unless it is kept.
fn beside(target: &Path) -> io::Result<(File, TempPath)> {
    let directory = target.parent().filter(|d| !d.as_os_str().is_empty());
    let mut builder = Builder::new();
    let builder = builder.prefix(".gotracer-").suffix(".tmp");
    #[cfg(unix)]
    let builder = {
        use std::os::unix::fs::PermissionsExt;
        // As `File::create` does: the umask applies.
        builder.permissions(fs::Permissions::from_mode(0o666))
    };
    let made = builder.tempfile_in(directory.unwrap_or(Path::new(".")))?;
    Ok(made.into_parts())
}

/// Whether a path stands for an open file, as `/dev/stdout` does.
fn is_descriptor(path: &Path) -> bool {
    path.starts_with("/dev") || path.starts_with("/proc")
}

/// What could not be done.
pub fn cannot_write(path: &Path) -> String {
    format!("cannot write {}", path.display())
}

/// Refuses outputs that are inputs, by whatever path or link, and outputs that
/// are given twice.
///
/// # Errors
/// Names the output and the input.
pub fn check<'a>(
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

/// Whether two paths lead to the same file, or will once it is there.
fn is_same(a: &Path, b: &Path) -> bool {
    fn resolved(path: &Path) -> Option<PathBuf> {
        let parent = path.parent().filter(|p| !p.as_os_str().is_empty());
        let parent = fs::canonicalize(parent.unwrap_or(Path::new("."))).ok()?;
        Some(fs::canonicalize(path).unwrap_or(parent.join(path.file_name()?)))
    }
    // Devices may be written as often as one likes.
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
