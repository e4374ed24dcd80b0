//! What happens to a trace's file when it was analysed.

use std::path::{Path, PathBuf};
use std::{fs, io};

use serde::{Deserialize, Serialize};

use super::FileTrace;
use super::stamp::Stamp;

/// What to do with files that were analysed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum After {
    /// They stay where they are.
    #[default]
    Keep,
    /// They are deleted.
    Delete,
    /// They are moved to folders that are not watched.
    Move,
}

impl std::str::FromStr for After {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "keep" => Ok(Self::Keep),
            "delete" => Ok(Self::Delete),
            "move" => Ok(Self::Move),
            _ => Err("there are keep, delete and move"),
        }
    }
}

/// A folder for files that were analysed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Shelf {
    /// Nothing was found.
    Done,
    /// Something was found.
    Findings,
    /// They could not be read, or only in part.
    Failed,
}

impl Shelf {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Done, Self::Findings, Self::Failed];

    /// The folder, below the watched directory.
    pub const fn folder(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Findings => "findings",
            Self::Failed => "failed",
        }
    }
}

impl FileTrace {
    /// Does with the file what is to be done with one that was analysed, if it
    /// is still the same.
    ///
    /// # Errors
    /// If the system does not allow it.
    pub fn put_away(&self, shelf: Shelf) -> io::Result<()> {
        if self.after == After::Keep || Stamp::of(&self.path).ok() != Some(Some(self.stamp)) {
            return Ok(());
        }
        if self.after == After::Delete {
            return fs::remove_file(&self.path);
        }
        let below = self.path.strip_prefix(&*self.root);
        let below = below.map_err(io::Error::other)?;
        let to = free(&self.root.join(shelf.folder()).join(below));
        if let Some(folder) = to.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::rename(&self.path, to)
    }
}

/// That path, or one like it that nothing has.
fn free(path: &Path) -> PathBuf {
    let numbered = |n: u32| {
        let mut name = path.as_os_str().to_owned();
        name.push(format!(".{n}"));
        PathBuf::from(name)
    };
    let is_free = |path: &PathBuf| path.symlink_metadata().is_err();
    let all = std::iter::once(path.to_path_buf()).chain((1..).map(numbered));
    all.into_iter().find(is_free).unwrap_or_else(|| path.into())
}
