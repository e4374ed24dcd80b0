//! Metadata of a kept trace: its document and the names of its files.

use std::io;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::labels::{Labels, UPLOAD, WATCH};
use crate::report::{Options, Report, Severity, json};

/// File extension of a kept trace.
pub(super) const TRACE: &str = "trace";
/// File extension of its document.
pub(super) const DOCUMENT: &str = "json";
/// Longest part of a target's name in a file name, in characters.
const NAME: usize = 60;

/// A kept trace.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Item {
    /// Identifier, in hexadecimal.
    pub id: String,
    /// Name of the trace's file.
    pub file: String,
    /// Time at which the trace was kept.
    pub time: Timestamp,
    /// Labels of the target.
    pub target: Labels,
    /// Path or URL.
    pub source: String,
    /// `finding`, or `alert` and its name.
    pub reason: String,
    /// Rule of the worst finding, if there is one.
    pub rule: Option<String>,
    /// Severity of the worst finding.
    pub severity: Option<Severity>,
    /// Size of the trace in bytes.
    pub bytes: u64,
    /// Size of the document in bytes.
    #[serde(skip)]
    pub document_bytes: u64,
    /// Whether the names of the program were replaced.
    #[serde(default)]
    pub anonymized: bool,
}

/// JSON document beside a trace.
#[derive(Serialize)]
struct Document<'a> {
    #[serde(flatten)]
    item: &'a Item,
    /// Report in the form of `gotracer analyze --format json`.
    report: Box<RawValue>,
}

impl Item {
    /// Creates the metadata of a report's trace. `number` makes the identifier unique.
    pub fn new(
        target: &Labels,
        report: &Report,
        now: Timestamp,
        reason: &str,
        number: u64,
    ) -> Self {
        let worst = report.findings.first();
        let rule = worst.map(|f| f.rule.name);
        let what = rule.unwrap_or("clean");
        // Targets of a directory share an instance, so the file name is part of the name.
        let file = report.trace.source.rsplit('/').next().unwrap_or_default();
        let of = match (target.get("job"), target.get("instance")) {
            (WATCH | UPLOAD, _) | (_, "") => file,
            (_, instance) => instance,
        };
        let of: String = of.chars().take(NAME).map(plain).collect();
        let time = now.strftime("%Y%m%dT%H%M%S%.3fZ").to_string();
        let name = format!("{of}_{time}_{what}");
        let id = id(&format!("{target}{name}{number}"));
        Self {
            file: format!("{name}_{id}.{TRACE}"),
            id,
            time: now,
            target: target.clone(),
            source: report.trace.source.clone(),
            reason: reason.into(),
            rule: rule.map(Into::into),
            severity: worst.map(|f| f.severity),
            bytes: 0,
            document_bytes: 0,
            anonymized: false,
        }
    }

    /// Returns the size of the trace and its document in bytes.
    pub fn size(&self) -> u64 {
        self.bytes + self.document_bytes
    }

    /// Returns the name of the document.
    pub fn document(&self) -> String {
        let stem = self.file.strip_suffix(TRACE).unwrap_or(&self.file);
        format!("{stem}{DOCUMENT}")
    }

    /// Parses a document with this name. Returns `None` if gotracer did not write it.
    pub fn read(document: &[u8], name: &str) -> Option<Self> {
        let mut item = serde_json::from_slice::<Self>(document).ok()?;
        item.document_bytes = document.len() as u64;
        (item.document() == name && !item.file.contains('/')).then_some(item)
    }

    /// Serializes the document to write beside the trace.
    ///
    /// # Errors
    /// If the report cannot be serialized.
    pub fn told(&self, report: &Report) -> io::Result<Vec<u8>> {
        let mut text = Vec::new();
        json::write(&mut text, std::slice::from_ref(report), &Options::default())?;
        let document = Document {
            item: self,
            report: serde_json::from_slice(&text)?,
        };
        Ok(serde_json::to_vec_pretty(&document)?)
    }
}

/// Replaces a character that some file systems do not allow.
fn plain(c: char) -> char {
    match c {
        'a'..='z' | 'A'..='Z' | '0'..='9' | '.' | '-' => c,
        _ => '-',
    }
}

/// Returns 48 bits of FNV-1a.
fn id(text: &str) -> String {
    let hash = text.bytes().fold(0xcbf2_9ce4_8422_2325, |h: u64, b| {
        (h ^ u64::from(b)).wrapping_mul(0x100_0000_01b3)
    });
    format!("{:012x}", (hash ^ hash >> 48) & 0xffff_ffff_ffff)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    #[test]
    fn files_are_named_by_target_time_and_rule() {
        let report = sample::eventful("dir/a");
        let at = Timestamp::from_second(1_000_000).unwrap();
        let file = |target: &Labels| Item::new(target, &report, at, "finding", 0).file;
        let of_source = file(&Labels::new());
        assert!(of_source.starts_with("a_19700112T134640.000Z_MutexContention_"));
        let hostile: Labels = [("instance", "../x y")].into_iter().collect();
        let of_instance = file(&hostile);
        assert!(of_instance.starts_with("..-x-y_"), "{of_instance}");
    }

    #[test]
    fn a_document_is_known_by_its_name() {
        let report = sample::eventful("a");
        let mut item = Item::new(&Labels::new(), &report, Timestamp::UNIX_EPOCH, "alert A", 7);
        let told = item.told(&report).unwrap();
        item.document_bytes = told.len() as u64;
        let name = item.document();
        assert_eq!(Item::read(&told, &name), Some(item.clone()));
        assert_eq!(Item::read(&told, "package.json"), None);
        assert_eq!(Item::read(b"{}", &name), None);
    }
}
