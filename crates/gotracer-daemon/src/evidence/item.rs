//! A trace that is kept: its document and the names of its files.

use std::io;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::labels::{Labels, UPLOAD, WATCH};
use crate::report::{Options, Report, Severity, json};

/// The ending of a trace that is kept.
pub const TRACE: &str = "trace";
/// The ending of the document beside it.
pub const DOCUMENT: &str = "json";
/// How much of a target's name is part of a file's.
const NAME: usize = 60;

/// A trace that is kept.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Item {
    /// Its number, in hexadecimal.
    pub id: String,
    /// The name of its file.
    pub file: String,
    /// When it was kept.
    pub time: Timestamp,
    /// Labels of the target.
    pub target: Labels,
    /// Path or URL.
    pub source: String,
    /// `finding`, or `alert` and its name.
    pub reason: String,
    /// The rule of the worst finding, if there is one.
    pub rule: Option<String>,
    /// How bad that is.
    pub severity: Option<Severity>,
    /// How large it is.
    pub bytes: u64,
    /// How large the document beside it is.
    #[serde(skip)]
    pub document_bytes: u64,
    /// Whether the names of the program were replaced.
    #[serde(default)]
    pub anonymized: bool,
}

/// Document beside a trace.
#[derive(Serialize)]
struct Document<'a> {
    #[serde(flatten)]
    item: &'a Item,
    /// As of `gotracer analyze --format json`.
    report: Box<RawValue>,
}

impl Item {
    /// What a report's trace is kept as; `number` tells it from others.
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
        // All files of a directory have the same instance.
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

    /// How many bytes it and the document beside it have.
    pub fn size(&self) -> u64 {
        self.bytes + self.document_bytes
    }

    /// The name of the document beside it.
    pub fn document(&self) -> String {
        let stem = self.file.strip_suffix(TRACE).unwrap_or(&self.file);
        format!("{stem}{DOCUMENT}")
    }

    /// Reads a document with this name; nothing if gotracer did not write it.
    pub fn read(document: &[u8], name: &str) -> Option<Self> {
        let mut item = serde_json::from_slice::<Self>(document).ok()?;
        item.document_bytes = document.len() as u64;
        (item.document() == name && !item.file.contains('/')).then_some(item)
    }

    /// Document to write beside the trace.
    ///
    /// # Errors
    /// If that can't be put in words.
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

/// A character that is one in every file system.
fn plain(c: char) -> char {
    match c {
        'a'..='z' | 'A'..='Z' | '0'..='9' | '.' | '-' => c,
        _ => '-',
    }
}

/// 48 bits of FNV-1a.
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
