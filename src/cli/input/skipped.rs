//! Files in directories that are not traces, summarized in one line.

use std::collections::BTreeMap;

use gotracer::report::human::plural;
use gotracer::trace::ErrorKind;

use crate::cli::input::Source;

/// Count of files that are not traces.
#[derive(Default)]
pub(crate) struct Skipped {
    kinds: BTreeMap<&'static str, u64>,
    first: Option<String>,
    files: u64,
}

impl Skipped {
    /// Counts a file that was found in a directory and is not a trace. Returns its line, or `None` for any other error.
    pub(crate) fn add(&mut self, source: &Source, error: &ErrorKind) -> Option<String> {
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

    /// Returns one line for all files, if there are any. `hint` explains how to list them.
    pub(crate) fn summary(&self, hint: &str) -> Option<String> {
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
