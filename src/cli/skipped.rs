//! Files of directories that are no traces: one line for all of them.

use std::collections::BTreeMap;

use gotracer::report::human::plural;
use gotracer::trace::ErrorKind;

use super::inputs::Source;

/// What was found beside traces.
#[derive(Default)]
pub struct Skipped {
    kinds: BTreeMap<&'static str, u64>,
    first: Option<String>,
    files: u64,
}

impl Skipped {
    /// Counts a file that was found in a directory and is no trace; its own
    /// line, or none if the error is another.
    pub fn add(&mut self, source: &Source, error: &ErrorKind) -> Option<String> {
        let ErrorKind::NotATrace(it) = error else {
            return None;
        };
        if !source.found {
            return None;
        }
        let kind = it.as_ref().map_or("other files", |it| it.name);
        *self.kinds.entry(kind).or_default() += 1;
        self.files += 1;
        let line = format!("{}: skipped: {error}", source.name());
        self.first.get_or_insert_with(|| line.clone());
        Some(line)
    }

    /// A line for all of them, if there are some; `hint` says how to list them.
    pub fn summary(&self, hint: &str) -> Option<String> {
        if self.files < 2 {
            return self.first.clone();
        }
        let mut kinds: Vec<_> = self.kinds.iter().collect();
        kinds.sort_by_key(|(_, files)| std::cmp::Reverse(**files));
        let kinds = kinds.iter().map(|(kind, files)| format!("{kind}: {files}"));
        let kinds = kinds.collect::<Vec<_>>().join(", ");
        let files = plural(self.files, "file");
        Some(format!(
            "skipped {files} that are no Go execution traces ({kinds}){hint}"
        ))
    }
}
