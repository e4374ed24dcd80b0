//! Tests of the evidence store in a directory.

use super::*;
use crate::report::sample;
use crate::source::Limits;
use std::fs;
use std::path::Path;

/// Size of a trace in these tests, far larger than its document.
const PART: u64 = 20_000;

fn settings(directory: &Path) -> Settings {
    Settings {
        directory: Some(directory.into()),
        max_bytes: 100 * PART,
        max_target_bytes: 50 * PART,
        ..Settings::default()
    }
}

fn open(settings: &Settings) -> Evidence {
    let stats = Arc::default();
    Evidence::open(settings, "http://x", &stats, None)
        .unwrap()
        .unwrap()
}

fn names(directory: &Path) -> usize {
    fs::read_dir(directory).unwrap().count()
}

fn keep(evidence: &Evidence, instance: &str, bytes: usize) -> String {
    let target: Labels = [("instance", instance)].into_iter().collect();
    let report = sample::eventful("a");
    let item = evidence.item(&target, &report, Timestamp::now(), "alert A");
    let id = item.id.clone();
    put(evidence, item, Kept::Bytes(parts(bytes)));
    id
}

fn parts(n: usize) -> Vec<u8> {
    vec![7; n * PART as usize]
}

fn put(evidence: &Evidence, item: Item, trace: Kept) -> bool {
    let again = Again {
        report: &|_| None,
        limits: &Limits::default(),
    };
    evidence.keep(item, &sample::eventful("a"), trace, &again)
}

#[test]
fn quotas_hold_and_a_restart_knows_what_there_is() {
    let directory = tempfile::tempdir().unwrap();
    let settings = settings(directory.path());
    let evidence = open(&settings);
    let ids = ["a", "b", "a", "c"].map(|instance| keep(&evidence, instance, 30));
    let kept = |evidence: &Evidence| {
        let is = |id: &String| {
            let item = evidence.find(id);
            item.is_some_and(|item| evidence.read(&item.file).is_ok())
        };
        ids.iter().map(is).collect::<Vec<_>>()
    };
    // The first trace of a was deleted for its second.
    assert_eq!(kept(&evidence), [false, true, true, true]);
    assert_eq!(names(directory.path()), 6);
    assert_eq!(evidence.url("1"), "http://x/api/v1/evidence/1");
    keep(&evidence, "d", 30);
    assert_eq!(kept(&evidence), [false, false, true, true]);

    fs::write(directory.path().join("package.json"), "{}").unwrap();
    let all = evidence.all();
    drop(evidence);
    let again = open(&settings);
    assert_eq!(again.all(), all);
    assert_eq!(names(directory.path()), 7);
    // A trace whose file was deleted is not listed.
    fs::remove_file(directory.path().join(&all[0].file)).unwrap();
    assert_eq!(again.find(&all[0].id), None);
    assert_eq!(again.all(), all[1..]);
    assert_eq!(again.stats.lost(Lost::Missing), 1);
    assert_eq!(names(directory.path()), 5);
    again.sweep(Timestamp::now() + jiff::SignedDuration::from_hours(24 * 8));
    assert!(again.all().is_empty());
    assert_eq!(names(directory.path()), 1);
}

#[test]
fn what_no_quota_can_hold_drives_nothing_out() {
    let directory = tempfile::tempdir().unwrap();
    let evidence = open(&settings(directory.path()));
    let first = keep(&evidence, "a", 49);
    let report = sample::eventful("a");
    let item = evidence.judge(&Labels::new(), &report, Timestamp::now());
    let item = item.unwrap();
    assert!(evidence.recent(&Labels::new(), &report).is_some());
    assert!(!put(&evidence, item, Kept::Bytes(parts(50))));
    assert_eq!(evidence.recent(&Labels::new(), &report), None);
    assert_eq!(evidence.stats.lost(Lost::Quota), 1);
    assert!(evidence.find(&first).is_some());
    assert_eq!(names(directory.path()), 2);
}

#[test]
fn what_can_not_be_anonymised_is_not_kept() {
    let directory = tempfile::tempdir().unwrap();
    let evidence = open(&Settings {
        anonymize: true,
        ..settings(directory.path())
    });
    let id = keep(&evidence, "a", 30);
    assert_eq!(evidence.find(&id), None);
    assert_eq!(evidence.stats.lost(Lost::Names), 1);
    assert_eq!(names(directory.path()), 0);
}

#[test]
fn a_recording_that_nobody_keeps_is_gone() {
    use std::io::Read;
    let directory = tempfile::tempdir().unwrap();
    let evidence = open(&settings(directory.path()));
    let record = || {
        let recording = evidence.record().unwrap();
        let mut reader = recording.of(&b"bytes"[..]);
        reader.read_to_end(&mut Vec::new()).unwrap();
        recording
    };
    let recording = record();
    assert_eq!(names(directory.path()), 1);
    drop(recording);
    assert_eq!(names(directory.path()), 0);
    let report = sample::eventful("a");
    let item = evidence.item(&Labels::new(), &report, Timestamp::now(), "alert A");
    assert!(put(&evidence, item, Kept::Recording(record())));
    let item = evidence.all().remove(0);
    let mut bytes = Vec::new();
    let mut file = evidence.read(&item.file).unwrap();
    file.read_to_end(&mut bytes).unwrap();
    assert_eq!((item.bytes, bytes), (5, b"bytes".to_vec()));
}
