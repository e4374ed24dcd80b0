//! The directory in which evidence is kept.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::recording::Recording;
use super::settings::Settings;
use crate::labels::Labels;
use crate::report::{Finding, Options, Report, Severity, json};

/// The ending of a trace that is kept.
const TRACE: &str = "trace";
/// The ending of the document beside it.
const DOCUMENT: &str = "json";
/// The ending of what is not complete.
const PARTIAL: &str = "partial";
/// How much of a target's name is part of a file's.
const NAME: usize = 60;

/// Why evidence can't be kept.
#[derive(Debug, thiserror::Error)]
#[error("cannot keep evidence in {}: {error}", .path.display())]
pub struct EvidenceError {
    path: PathBuf,
    #[source]
    error: io::Error,
}

/// A trace that is kept.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Item {
    /// Its number, in hexadecimal.
    pub id: String,
    /// The name of its file.
    pub file: String,
    /// When it was kept.
    pub time: Timestamp,
    /// Whose it is.
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
}

/// What is written beside a trace.
#[derive(Serialize)]
struct Document<'a> {
    #[serde(flatten)]
    item: &'a Item,
    /// As of `gotracer analyze --format json`.
    report: Box<RawValue>,
}

/// Where the bytes of a trace are.
pub enum Kept {
    /// In memory.
    Bytes(Vec<u8>),
    /// In a file of their own.
    Recording(Recording),
}

/// Keeps evidence.
pub struct Evidence {
    settings: Settings,
    directory: PathBuf,
    url: String,
    recordings: AtomicU64,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The oldest first.
    items: Vec<Item>,
    /// When a target's rule was last worth it, how bad it was, and what was
    /// kept of it.
    last: HashMap<(Labels, String), (Timestamp, Severity, String)>,
}

impl Evidence {
    /// Keeps it where the settings say, if they do. `url` is where gotracer's
    /// pages are.
    ///
    /// # Errors
    /// If the directory can't be used.
    pub fn open(settings: Settings, url: &str) -> Result<Option<Self>, EvidenceError> {
        let Some(directory) = settings.directory.clone() else {
            return Ok(None);
        };
        let items = known(&directory).map_err(|error| EvidenceError {
            path: directory.clone(),
            error,
        })?;
        let evidence = Self {
            settings,
            directory,
            url: url.trim_end_matches('/').into(),
            recordings: AtomicU64::new(0),
            state: Mutex::new(State {
                items,
                ..State::default()
            }),
        };
        evidence.sweep(Timestamp::now());
        Ok(Some(evidence))
    }

    /// What it is kept by.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// A recording that may become evidence. None if that can't be: then it is
    /// logged why.
    pub fn record(&self) -> Option<Recording> {
        let number = self.recordings.fetch_add(1, Ordering::Relaxed);
        let path = self.directory.join(format!("{number}.{PARTIAL}"));
        let recording = Recording::create(path);
        recording
            .inspect_err(|error| tracing::error!(%error, "a trace can't be recorded as evidence"))
            .ok()
    }

    /// Whether a report's findings are worth keeping its trace, and if so, as
    /// what: of a rule that was kept a while ago only if it got worse.
    pub fn judge(&self, target: &Labels, report: &Report, now: Timestamp) -> Option<Item> {
        let worth = report
            .findings
            .iter()
            .filter(|f| f.severity >= self.settings.severity);
        let mut state = self.lock();
        let news = worth.filter(|finding| {
            let last = state.last.get(&(target.clone(), finding.rule.name.into()));
            last.is_none_or(|(at, severity, _)| {
                let since = now.duration_since(*at).unsigned_abs();
                finding.severity > *severity || since >= self.settings.interval
            })
        });
        // They are sorted by what hurts most.
        let (rule, severity) = news.map(|f| (f.rule.name, f.severity)).next()?;
        let key = (target.clone(), rule.into());
        let item = self.item(target, report, now, "finding");
        state.last.insert(key, (now, severity, item.id.clone()));
        Some(Item {
            rule: Some(rule.into()),
            severity: Some(severity),
            ..item
        })
    }

    /// Where to find what was kept a short while ago for a rule that found
    /// something again.
    pub fn recent(&self, target: &Labels, report: &Report) -> Option<String> {
        let state = self.lock();
        let last = |f: &Finding| state.last.get(&(target.clone(), f.rule.name.into()));
        let worth = |f: &&Finding| f.severity >= self.settings.severity;
        let mut last = report.findings.iter().filter(worth).filter_map(last);
        last.next().map(|(.., id)| self.url(id))
    }

    /// What a report's trace is kept as for a reason that is not its findings.
    pub fn item(&self, target: &Labels, report: &Report, now: Timestamp, reason: &str) -> Item {
        let worst = report.findings.first();
        let rule = worst.map(|f| f.rule.name);
        let what = rule.unwrap_or("clean");
        let of = match target.get("instance") {
            "" => report.trace.source.rsplit('/').next().unwrap_or_default(),
            instance => instance,
        };
        let of: String = of.chars().take(NAME).map(plain).collect();
        let time = now.strftime("%Y%m%dT%H%M%S%.3fZ").to_string();
        let name = format!("{of}_{time}_{what}");
        let number = self.recordings.fetch_add(1, Ordering::Relaxed);
        let id = id(&format!("{target}{name}{number}"));
        Item {
            file: format!("{name}_{id}.{TRACE}"),
            id,
            time: now,
            target: target.clone(),
            source: report.trace.source.clone(),
            reason: reason.into(),
            rule: rule.map(Into::into),
            severity: worst.map(|f| f.severity),
            bytes: 0,
        }
    }

    /// Keeps a trace and its report; what can't be kept is logged.
    pub fn keep(&self, mut item: Item, report: &Report, trace: Kept) {
        let path = self.directory.join(&item.file);
        let written = match trace {
            Kept::Bytes(bytes) => write(&path, &bytes).map(|()| Some(bytes.len() as u64)),
            Kept::Recording(recording) => recording.keep(&path),
        };
        let written = written.and_then(|bytes| {
            let Some(bytes) = bytes else { return Ok(false) };
            item.bytes = bytes;
            let document = Document {
                item: &item,
                report: raw(report)?,
            };
            let text = serde_json::to_vec_pretty(&document)?;
            write(&path.with_extension(DOCUMENT), &text)?;
            Ok(true)
        });
        match written {
            Ok(false) => {}
            Ok(true) => {
                tracing::info!(
                    file = item.file,
                    reason = item.reason,
                    bytes = item.bytes,
                    "kept as evidence"
                );
                self.lock().items.push(item);
            }
            Err(error) => {
                tracing::error!(file = %path.display(), %error, "cannot keep evidence");
                let _ = fs::remove_file(&path);
            }
        }
        self.sweep(Timestamp::now());
    }

    /// Where the evidence with an id is to be had.
    pub fn url(&self, id: &str) -> String {
        format!("{}/api/v1/evidence/{id}", self.url)
    }

    /// All that is kept, the newest first.
    pub fn all(&self) -> Vec<Item> {
        self.lock().items.iter().rev().cloned().collect()
    }

    /// What has an id, and where it is.
    pub fn find(&self, id: &str) -> Option<(Item, PathBuf)> {
        let state = self.lock();
        let item = state.items.iter().find(|item| item.id == id)?.clone();
        let path = self.directory.join(&item.file);
        Some((item, path))
    }

    /// The document beside a trace.
    pub fn document(trace: &Path) -> PathBuf {
        trace.with_extension(DOCUMENT)
    }

    /// Deletes what is too old or too much, the oldest first.
    pub fn sweep(&self, now: Timestamp) {
        let mut state = self.lock();
        let (mut all, mut own) = (0, HashMap::<Labels, u64>::new());
        let mut gone = Vec::new();
        for (i, item) in state.items.iter().enumerate().rev() {
            let target = own.entry(item.target.clone()).or_default();
            let old = now.duration_since(item.time).unsigned_abs() > self.settings.max_age;
            if old
                || all + item.bytes > self.settings.max_bytes
                || *target + item.bytes > self.settings.max_target_bytes
            {
                gone.push(i);
            } else {
                all += item.bytes;
                *target += item.bytes;
            }
        }
        for i in gone {
            let item = state.items.remove(i);
            let path = self.directory.join(&item.file);
            for path in [Self::document(&path), path] {
                if let Err(error) = fs::remove_file(&path) {
                    tracing::warn!(file = %path.display(), %error, "cannot delete old evidence");
                }
            }
        }
        let interval = self.settings.interval;
        state
            .last
            .retain(|_, (at, ..)| now.duration_since(*at).unsigned_abs() < interval);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a directory holds; what was not complete is deleted.
fn known(directory: &Path) -> io::Result<Vec<Item>> {
    fs::create_dir_all(directory)?;
    let mut items = Vec::new();
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        match path.extension().and_then(|e| e.to_str()) {
            Some(PARTIAL) => fs::remove_file(&path)?,
            Some(DOCUMENT) => {
                let item = serde_json::from_slice::<Item>(&fs::read(&path)?);
                // Files of others are left alone.
                let own = |item: &Item| path.with_extension(TRACE).ends_with(&item.file);
                items.extend(item.ok().filter(own));
            }
            _ => {}
        }
    }
    items.sort_by_key(|item| item.time);
    Ok(items)
}

/// Writes a file that is there as a whole or not at all.
fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut partial = path.as_os_str().to_owned();
    partial.push(".");
    partial.push(PARTIAL);
    fs::write(&partial, bytes)?;
    fs::rename(&partial, path)
}

fn raw(report: &Report) -> io::Result<Box<RawValue>> {
    let mut text = Vec::new();
    json::write(&mut text, std::slice::from_ref(report), &Options::default())?;
    Ok(serde_json::from_slice(&text)?)
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

    fn settings(directory: &Path) -> Settings {
        Settings {
            directory: Some(directory.into()),
            max_bytes: 100,
            max_target_bytes: 50,
            ..Settings::default()
        }
    }

    fn names(directory: &Path) -> usize {
        fs::read_dir(directory).unwrap().count()
    }

    #[test]
    fn the_same_is_kept_once_in_a_while_and_what_is_worse_at_once() {
        let directory = tempfile::tempdir().unwrap();
        let evidence = Evidence::open(settings(directory.path()), "http://x/")
            .unwrap()
            .unwrap();
        let (report, target) = (sample::eventful("a"), Labels::new());
        let at = |second: i64| Timestamp::from_second(1_000_000 + second).unwrap();
        let first = evidence.judge(&target, &report, at(0)).unwrap();
        assert_eq!(first.rule.as_deref(), Some("MutexContention"));
        assert!(
            first
                .file
                .starts_with("a_19700112T134640.000Z_MutexContention_")
        );
        assert!(evidence.judge(&target, &report, at(299)).is_none());
        assert!(evidence.judge(&target, &report, at(300)).is_some());
        let other: Labels = [("instance", "../x y")].into_iter().collect();
        let item = evidence.judge(&other, &report, at(1)).unwrap();
        assert!(item.file.starts_with("..-x-y_"), "{}", item.file);
        let calm = sample::report("b");
        assert!(evidence.judge(&target, &calm, at(5_000)).is_none());
    }

    #[test]
    fn quotas_hold_and_a_restart_knows_what_there_is() {
        let directory = tempfile::tempdir().unwrap();
        let open = || {
            let settings = settings(directory.path());
            Evidence::open(settings, "http://x/").unwrap().unwrap()
        };
        let evidence = open();
        let report = sample::eventful("a");
        let keep = |instance: &str, bytes: usize| {
            let target: Labels = [("instance", instance)].into_iter().collect();
            let item = evidence.item(&target, &report, Timestamp::now(), "alert A");
            let id = item.id.clone();
            evidence.keep(item, &report, Kept::Bytes(vec![7; bytes]));
            id
        };
        let ids = [keep("a", 30), keep("b", 30), keep("a", 30), keep("c", 30)];
        let kept = |evidence: &Evidence| {
            let is = |id: &String| evidence.find(id).is_some_and(|(_, p)| p.exists());
            ids.iter().map(is).collect::<Vec<_>>()
        };
        // The first of a made room for its second.
        assert_eq!(kept(&evidence), [false, true, true, true]);
        assert_eq!(names(directory.path()), 6);
        assert_eq!(evidence.url("1"), "http://x/api/v1/evidence/1");
        drop(keep("d", 30));
        assert_eq!(kept(&evidence), [false, false, true, true]);

        fs::write(directory.path().join("7.partial"), "").unwrap();
        fs::write(directory.path().join("package.json"), "{}").unwrap();
        let again = open();
        assert_eq!(again.all(), evidence.all());
        assert_eq!(names(directory.path()), 7);
        let week = Timestamp::now() + jiff::SignedDuration::from_hours(24 * 8);
        again.sweep(week);
        assert!(again.all().is_empty());
        assert_eq!(names(directory.path()), 1);
    }

    #[test]
    fn a_recording_that_nobody_keeps_is_gone() {
        use std::io::Read;
        let directory = tempfile::tempdir().unwrap();
        let evidence = Evidence::open(settings(directory.path()), "")
            .unwrap()
            .unwrap();
        let recording = evidence.record().unwrap();
        let mut reader = recording.of(&b"bytes"[..]);
        reader.read_to_end(&mut Vec::new()).unwrap();
        assert_eq!(names(directory.path()), 1);
        drop(recording);
        assert_eq!(names(directory.path()), 0);
        let recording = evidence.record().unwrap();
        recording
            .of(&b"bytes"[..])
            .read_to_end(&mut Vec::new())
            .unwrap();
        let report = sample::eventful("a");
        let item = evidence.item(&Labels::new(), &report, Timestamp::now(), "alert A");
        evidence.keep(item, &report, Kept::Recording(recording));
        let (item, path) = evidence.find(&evidence.all()[0].id).unwrap();
        assert_eq!(
            (item.bytes, fs::read(path).unwrap()),
            (5, b"bytes".to_vec())
        );
    }
}
