//! Action on a file after its analysis.

use std::io;
use std::path::{Path, PathBuf};

use cap_std::fs::Dir;
use serde::{Deserialize, Serialize};

use super::root::Root;
use super::shelf::Shelf;

/// Action on files that were analyzed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum After {
    /// Keep the file in place.
    #[default]
    Keep,
    /// Delete the file.
    Delete,
    /// Move the file to a folder that is not watched.
    Move,
}

impl std::str::FromStr for After {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "keep" => Ok(Self::Keep),
            "delete" => Ok(Self::Delete),
            "move" => Ok(Self::Move),
            _ => Err("expected keep, delete or move"),
        }
    }
}

impl After {
    /// Deletes or moves the file `below` a watched directory. A symbolic link is
    /// itself deleted or moved, not the file it leads to.
    ///
    /// # Errors
    /// If the system does not allow it, or the file or its new place would lie
    /// outside of the watched directory.
    pub(super) fn apply(self, root: &Root, below: &Path, shelf: Shelf) -> io::Result<()> {
        match self {
            Self::Keep => Ok(()),
            Self::Delete => root.open()?.remove_file(below),
            Self::Move => {
                let root = root.open()?;
                let shelf = shelf.open_or_make(&root)?;
                if let Some(folder) = below.parent() {
                    shelf.create_dir_all(folder)?;
                }
                root.rename(below, &shelf, free(&shelf, below))
            }
        }
    }
}

/// Returns a path in a directory that no file has: that path, or that path with a
/// number.
fn free(directory: &Dir, path: &Path) -> PathBuf {
    let numbered = |n: u32| {
        let mut name = path.as_os_str().to_owned();
        name.push(format!(".{n}"));
        PathBuf::from(name)
    };
    let is_free = |path: &PathBuf| directory.symlink_metadata(path).is_err();
    let mut all = std::iter::once(path.to_path_buf()).chain((1..).map(numbered));
    all.find(is_free).unwrap_or_else(|| path.into())
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::symlink;

    struct Scene {
        scratch: tempfile::TempDir,
        root: Root,
    }

    impl Scene {
        fn new() -> Self {
            let scratch = tempfile::tempdir().unwrap();
            let root = scratch.path().join("in");
            fs::create_dir_all(root.join("sub")).unwrap();
            fs::create_dir(scratch.path().join("victim")).unwrap();
            fs::write(scratch.path().join("victim/a.trace"), "victim").unwrap();
            let root = Root::new(root);
            Self { scratch, root }
        }

        fn path(&self, below: &str) -> PathBuf {
            self.scratch.path().join(below)
        }

        fn victims(&self) -> Vec<String> {
            let entries = fs::read_dir(self.path("victim")).unwrap();
            let names = entries.map(|e| e.unwrap().file_name().into_string().unwrap());
            names.collect()
        }
    }

    #[test]
    fn a_file_moves_beside_one_of_its_name() {
        let scene = Scene::new();
        for text in ["1", "2"] {
            fs::write(scene.path("in/sub/a.trace"), text).unwrap();
            let below = Path::new("sub/a.trace");
            After::Move
                .apply(&scene.root, below, Shelf::Findings)
                .unwrap();
        }
        let text = |path| fs::read_to_string(scene.path(path)).unwrap();
        assert_eq!(text("in/findings/sub/a.trace"), "1");
        assert_eq!(text("in/findings/sub/a.trace.1"), "2");
    }

    #[test]
    fn a_directory_that_became_a_link_is_not_followed_out() {
        let scene = Scene::new();
        fs::remove_dir(scene.path("in/sub")).unwrap();
        symlink(scene.path("victim"), scene.path("in/sub")).unwrap();
        for after in [After::Delete, After::Move] {
            let below = Path::new("sub/a.trace");
            assert!(after.apply(&scene.root, below, Shelf::Done).is_err());
        }
        assert_eq!(scene.victims(), ["a.trace"]);
    }

    #[test]
    fn a_folder_of_a_shelf_that_is_a_link_is_not_followed_out() {
        let scene = Scene::new();
        fs::write(scene.path("in/sub/b.trace"), "b").unwrap();
        fs::create_dir(scene.path("in/done")).unwrap();
        symlink(scene.path("victim"), scene.path("in/done/sub")).unwrap();
        let below = Path::new("sub/b.trace");
        assert!(After::Move.apply(&scene.root, below, Shelf::Done).is_err());
        assert_eq!(scene.victims(), ["a.trace"]);
        assert!(scene.path("in/sub/b.trace").exists());
    }

    #[test]
    fn a_link_goes_itself_and_what_it_leads_to_stays() {
        let scene = Scene::new();
        let link = scene.path("in/a.trace");
        for after in [After::Delete, After::Move] {
            symlink(scene.path("victim/a.trace"), &link).unwrap();
            let below = Path::new("a.trace");
            after.apply(&scene.root, below, Shelf::Done).unwrap();
            assert!(link.symlink_metadata().is_err());
        }
        assert!(scene.path("in/done/a.trace").is_symlink());
        assert_eq!(scene.victims(), ["a.trace"]);
    }
}
