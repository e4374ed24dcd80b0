//! Evidence in a bucket of a real S3 server.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::evidence::{kept, opens};
use crate::support::daemon::{Running, Scratch, eventually_or, fixture, post};
use crate::support::endpoint::Endpoint;
use crate::support::s3::S3;

/// Traces with an error in them.
const ERRORS: [&str; 3] = [
    "go1.22.10/mutex_long.trace",
    "go1.25.5/mutex_long.trace",
    "go1.27.3/mutex_long.trace",
];

/// More bytes than the document beside one of these traces has, and fewer than
/// two of them.
const DOCUMENT: u64 = 22_000;

/// A daemon that keeps evidence in a bucket, and what it is told.
struct Keeper {
    scratch: Scratch,
    flags: Vec<String>,
    variables: Vec<(&'static str, String)>,
}

impl Keeper {
    fn new(s3: &S3, more: &[String]) -> Self {
        let scratch = Scratch::new();
        let directory = scratch.directory("in");
        let mut flags = vec![
            format!("--watch={}", directory.display()),
            "--watch.settle=300ms".into(),
            format!("--config={}", scratch.path().join("c.yml").display()),
            "--web.enable-lifecycle".into(),
            format!("--evidence.path={}", s3.url("evidence/one")),
        ];
        flags.extend_from_slice(more);
        let keeper = Self {
            scratch,
            flags,
            variables: s3.variables().into(),
        };
        keeper.configure("interval: 0s");
        keeper
    }

    fn configure(&self, evidence: &str) {
        let yaml = format!("evidence: {{{evidence}}}\n");
        fs::write(self.scratch.path().join("c.yml"), yaml).unwrap();
    }

    fn start(&self) -> Running {
        let flags: Vec<_> = self.flags.iter().map(String::as_str).collect();
        let variables = self.variables.iter().map(|(n, v)| (*n, v.as_str()));
        let variables: Vec<_> = variables.collect();
        Running::gotracer_with(self.scratch.path(), &flags, &variables)
    }

    /// A trace with an error comes; what is kept of it.
    fn comes(&self, gotracer: &Running, trace: &str) -> Value {
        let name = trace.replace('/', "-");
        let to = self.scratch.path().join("in").join(&name);
        fs::copy(fixture(trace), to).unwrap();
        eventually_or(
            "it is kept",
            || gotracer.log(),
            || {
                let items = list(gotracer);
                let of = |item: &&Value| item["source"].as_str().unwrap().ends_with(&name);
                items.iter().find(of).cloned()
            },
        )
    }
}

fn list(gotracer: &Running) -> Vec<Value> {
    let answer = gotracer.get("/api/v1/evidence", "").body;
    let answer: Value = serde_json::from_slice(&answer).unwrap();
    answer["data"].as_array().unwrap().clone()
}

/// Waits until the bucket has what is kept, or no longer has it.
fn in_bucket(s3: &S3, gotracer: &Running, item: &Value, there: bool) {
    let trace = s3.file(&format!("evidence/one/{}", item["file"].as_str().unwrap()));
    let document = trace.with_extension("json");
    let holds = || {
        let both = [&trace, &document].map(|path| path.is_file());
        (both == [there; 2]).then_some(())
    };
    let what = format!("{} is there: {there}", trace.display());
    eventually_or(&what, || gotracer.log(), holds);
}

fn downloaded(gotracer: &Running, item: &Value) -> Vec<u8> {
    let path = format!("/api/v1/evidence/{}", item["id"].as_str().unwrap());
    let answer = gotracer.get(&path, "");
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.body
}

fn is_fixture(bytes: &[u8], name: &str) -> bool {
    fs::read(fixture(name)).unwrap() == bytes
}

#[test]
fn what_a_service_did_gets_to_the_bucket_and_back() {
    let Some(s3) = S3::start() else { return };
    let outside = Scratch::new();
    let Some(endpoint) = Endpoint::start(&outside, &[]) else {
        return;
    };
    let scrape = [
        format!("--scrape={}", endpoint.url()),
        "--scrape.mode=stream".into(),
    ];
    let mut keeper = Keeper::new(&s3, &scrape);
    keeper.configure("severity: warn");
    let gotracer = keeper.start();
    let item = kept(&gotracer, "?rule=MutexContention");
    in_bucket(&s3, &gotracer, &item, true);
    gotracer.wait_sample("gotracer_evidence_waiting_bytes", 0.0);
    let Some(trace) = opens(&gotracer, &item, &outside) else {
        return;
    };
    let id = item["id"].as_str().unwrap();
    let report = gotracer.get(&format!("/api/v1/evidence/{id}/report"), "");
    let report: Value = serde_json::from_slice(&report.body).unwrap();
    assert_eq!(report["report"]["schema"], "gotracer.report/v1");
    let shown = gotracer.get("/config", "").text();
    assert!(shown.contains("s3://traces/evidence/one"), "{shown}");
    assert!(!shown.contains(crate::support::s3::SECRET), "{shown}");

    // Another process knows what there is.
    drop(gotracer);
    keeper.flags.retain(|flag| !flag.starts_with("--scrape"));
    let gotracer = keeper.start();
    assert_eq!(kept(&gotracer, ""), item);
    assert_eq!(downloaded(&gotracer, &item), fs::read(trace).unwrap());

    // The oldest makes room.
    let most = item["bytes"].as_u64().unwrap();
    let most = most.max(fs::metadata(fixture(ERRORS[0])).unwrap().len());
    keeper.configure(&format!("max_bytes: {}B", most + DOCUMENT));
    assert_eq!(
        post(&gotracer.address, "/-/reload", b"").unwrap().status,
        200
    );
    let newer = keeper.comes(&gotracer, ERRORS[0]);
    in_bucket(&s3, &gotracer, &newer, true);
    in_bucket(&s3, &gotracer, &item, false);
    let gone = gotracer.get(&format!("/api/v1/evidence/{id}"), "");
    assert_eq!(gone.status, 404);
    assert_eq!(list(&gotracer), [newer]);
}

#[test]
fn a_bucket_that_is_down_gets_everything_when_it_is_back() {
    let Some(mut s3) = S3::start() else { return };
    let keeper = Keeper::new(&s3, &[]);
    let gotracer = keeper.start();
    let first = ERRORS[0];
    let first_item = keeper.comes(&gotracer, first);
    in_bucket(&s3, &gotracer, &first_item, true);
    s3.stop();
    let second = keeper.comes(&gotracer, ERRORS[1]);
    let failures = "gotracer_evidence_upload_failures_total";
    let failed = || gotracer.sample(failures).filter(|n| *n >= 1.0);
    eventually_or("it fails", || gotracer.log(), failed);
    let waiting = gotracer.sample("gotracer_evidence_waiting_bytes");
    // With the document beside it.
    assert!(waiting > second["bytes"].as_f64(), "{waiting:?}");
    assert!(is_fixture(&downloaded(&gotracer, &second), ERRORS[1]));
    // What is only there can't be had for now, and that is said.
    let path = format!("/api/v1/evidence/{}", first_item["id"].as_str().unwrap());
    assert_eq!(gotracer.get(&path, "").status, 502);
    assert_eq!(gotracer.get("/-/ready", "").status, 200);

    s3.resume();
    in_bucket(&s3, &gotracer, &second, true);
    gotracer.wait_sample("gotracer_evidence_waiting_bytes", 0.0);
    assert!(is_fixture(&downloaded(&gotracer, &second), ERRORS[1]));
    assert!(is_fixture(&downloaded(&gotracer, &first_item), first));
    assert!(gotracer.log().contains("evidence arrives again"));
}

#[test]
fn what_waits_is_bounded_and_outlives_the_daemon() {
    let Some(mut s3) = S3::start() else { return };
    s3.stop();
    let outside = Scratch::new();
    let waiting = outside.path().join("waiting");
    let keeper = Keeper::new(&s3, &[format!("--evidence.path={}", waiting.display())]);
    let largest = ERRORS.map(|trace| fs::metadata(fixture(trace)).unwrap().len());
    let largest = largest.into_iter().max().unwrap();
    keeper.configure(&format!(
        "interval: 0s, max_waiting_bytes: {}B",
        largest + DOCUMENT
    ));
    let mut gotracer = keeper.start();
    keeper.comes(&gotracer, ERRORS[0]);
    let last = keeper.comes(&gotracer, ERRORS[1]);
    gotracer.wait_sample("gotracer_evidence_lost_total{reason=\"waiting\"}", 1.0);
    assert_eq!(list(&gotracer), std::slice::from_ref(&last));
    assert_eq!(files(&waiting), 2);
    gotracer.signal("-TERM");
    assert!(gotracer.wait().success());

    // The next one comes up without the bucket as well, and brings it there.
    fs::remove_dir_all(keeper.scratch.path().join("in")).unwrap();
    keeper.scratch.directory("in");
    let gotracer = keeper.start();
    assert_eq!(list(&gotracer), std::slice::from_ref(&last));
    s3.resume();
    in_bucket(&s3, &gotracer, &last, true);
    gotracer.wait_sample("gotracer_evidence_waiting_bytes", 0.0);
    assert_eq!(files(&waiting), 0);
    assert!(is_fixture(&downloaded(&gotracer, &last), ERRORS[1]));
}

#[test]
fn the_end_waits_for_the_bucket() {
    let Some(s3) = S3::start() else { return };
    let keeper = Keeper::new(&s3, &[]);
    let mut gotracer = keeper.start();
    let items: Vec<Value> = ERRORS.map(|trace| keeper.comes(&gotracer, trace)).into();
    gotracer.signal("-TERM");
    assert!(gotracer.wait().success());
    for item in items {
        in_bucket(&s3, &gotracer, &item, true);
    }
}

#[test]
fn a_reload_moves_a_directory_to_a_bucket() {
    let Some(s3) = S3::start() else { return };
    let mut keeper = Keeper::new(&s3, &[]);
    keeper.flags.retain(|flag| !flag.starts_with("--evidence"));
    let directory = keeper.scratch.path().join("evidence");
    let here = format!("directory: '{}'", directory.display());
    keeper.configure(&here);
    let gotracer = keeper.start();
    let item = keeper.comes(&gotracer, ERRORS[0]);
    assert_eq!(files(&directory), 2);
    let reload = |evidence: &str| {
        keeper.configure(evidence);
        post(&gotracer.address, "/-/reload", b"").unwrap()
    };
    let bucket = format!("{here}, bucket: '{}'", s3.url("evidence/one"));
    assert_eq!(reload(&bucket).status, 200);
    in_bucket(&s3, &gotracer, &item, true);
    gotracer.wait_sample("gotracer_evidence_waiting_bytes", 0.0);
    assert_eq!(files(&directory), 0);
    // What is no bucket changes nothing.
    let refused = reload("bucket: 'http://traces'");
    assert_eq!(refused.status, 500);
    assert!(refused.text().contains("s3://BUCKET/PREFIX"));
    let refused = reload("directory: 's3://traces'");
    assert!(refused.text().contains("`bucket` is for that"));
    assert!(is_fixture(&downloaded(&gotracer, &item), ERRORS[0]));
}

fn files(directory: &Path) -> usize {
    fs::read_dir(directory).unwrap().count()
}
