//! An output format, and lists of formats.

use std::fmt;
use std::io::{self, Write};
use std::path::Path;

use super::Options;

/// A format of `S`: reports or a comparison.
pub struct Format<S: ?Sized> {
    /// Name on the command line.
    pub name: &'static str,
    /// Purpose, in a few words.
    pub summary: &'static str,
    /// Endings of file names that mean this format, without the dot.
    pub endings: &'static [&'static str],
    /// Whether the format draws the program over time, see [`Report::course`](super::Report::course).
    pub course: bool,
    /// Writes `S`. A format ignores the options that do not concern it.
    pub write: fn(&mut dyn Write, &S, &Options) -> io::Result<()>,
}

/// A list of formats, in the order in which help lists them.
pub struct Formats<S: ?Sized + 'static>(pub &'static [&'static Format<S>]);

impl<S: ?Sized> Formats<S> {
    /// Returns all formats.
    pub fn iter(&self) -> impl Iterator<Item = &'static Format<S>> + use<S> {
        self.0.iter().copied()
    }

    /// Returns the format of that name.
    pub fn find(&self, name: &str) -> Option<&'static Format<S>> {
        self.iter().find(|format| format.name == name)
    }

    /// Returns the formats that a file's ending may mean, the most likely first. `x.sarif.json` has two endings, and
    /// the longer one decides.
    pub fn of_file(&self, path: &Path) -> Vec<&'static Format<S>> {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let name = name.to_ascii_lowercase();
        let ending = |format: &Format<S>| {
            let matching = format.endings.iter().filter(|ending| {
                let stem = name.strip_suffix(**ending);
                stem.is_some_and(|stem| stem.ends_with('.'))
            });
            matching.map(|ending| ending.len()).max()
        };
        let longest = self.iter().filter_map(ending).max();
        self.iter()
            .filter(|format| longest.is_some() && ending(format) == longest)
            .collect()
    }
}

impl<S: ?Sized> PartialEq for Format<S> {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl<S: ?Sized> Eq for Format<S> {}

impl<S: ?Sized> fmt::Debug for Format<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}
