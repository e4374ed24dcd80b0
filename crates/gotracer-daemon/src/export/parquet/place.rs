//! Destination of files: a directory or a bucket.

use std::fmt;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use crate::objects::{ObjectWriter, Store};

/// Destination of files.
#[derive(Clone)]
pub enum Place {
    /// Below a directory.
    Directory(PathBuf),
    /// In a bucket.
    Bucket(Store),
}

/// A file that is there once it is finished, and not before.
pub(super) enum Target {
    File {
        file: BufWriter<File>,
        /// Temporary name.
        partial: PathBuf,
        path: PathBuf,
    },
    Object(Box<ObjectWriter>),
}

impl Place {
    /// Begins a file.
    pub(super) fn create(&self, name: &str) -> io::Result<Target> {
        match self {
            Self::Directory(directory) => {
                let path = directory.join(name);
                fs::create_dir_all(path.parent().unwrap_or(Path::new(".")))?;
                let mut partial = path.clone().into_os_string();
                partial.push(".partial");
                let partial = PathBuf::from(partial);
                Ok(Target::File {
                    file: BufWriter::new(File::create(&partial)?),
                    partial,
                    path,
                })
            }
            Self::Bucket(store) => Ok(Target::Object(Box::new(store.write(name)))),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Directory(directory) => directory.display().fmt(f),
            Self::Bucket(store) => store.location().fmt(f),
        }
    }
}

impl Target {
    /// The end of the file.
    pub(super) fn finish(self) -> io::Result<()> {
        match self {
            Self::File {
                file,
                partial,
                path,
            } => {
                file.into_inner().map_err(io::IntoInnerError::into_error)?;
                fs::rename(partial, path)
            }
            Self::Object(object) => object.finish().map_err(io::Error::other),
        }
    }
}

impl Write for Target {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::File { file, .. } => file.write(bytes),
            Self::Object(object) => object.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::File { file, .. } => file.flush(),
            Self::Object(object) => object.flush(),
        }
    }
}
