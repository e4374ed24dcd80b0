//! What survives a restart, and a daemon that is killed.
#![cfg(unix)]

use std::collections::HashSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use crate::resilience::largest_batch;
use crate::support::daemon::{
    Running, Scratch, TRACES, eventually, eventually_or, fixture, free_address, pack, program,
};

const FILES: usize = 300;

#[test]
fn killed_in_the_middle_each_trace_is_analysed_and_none_twice() {
    let scratch = Scratch::new();
    let directory = scratch.directory("in");
    let trace = fs::read(fixture("go1.27.3/idle.trace")).unwrap();
    for i in 0..FILES {
        // Each breaks off elsewhere, so that each is another trace.
        let cut = &trace[..trace.len() - i];
        fs::write(directory.join(format!("{i}.trace")), cut).unwrap();
    }
    let state = scratch.path().join("state");
    let flag = format!("--storage.path={}", state.display());
    let lines = || {
        let done = |line: &str| !line.ends_with("begun") && !line.ends_with("interrupted");
        let text = fs::read_to_string(state.join("analysed")).unwrap_or_default();
        let lines = text.lines().filter(|line| done(line));
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    let options = [
        flag.as_str(),
        "--watch.incomplete-after=300ms",
        "--jobs=1",
        "--log.level=error",
    ];
    let mut gotracer = Running::gotracer(&directory, scratch.path(), &options);
    eventually("some are done", || (lines().len() > 20).then_some(()));
    gotracer.signal("-KILL");
    gotracer.wait();
    let before = lines().len();
    assert!(before < FILES, "it was too fast to be killed");

    let gotracer = Running::gotracer(&directory, scratch.path(), &options);
    gotracer.wait_sample(TRACES, (FILES - before) as f64);
    eventually("all are remembered", || {
        (lines().len() == FILES).then_some(())
    });
    assert_eq!(lines().iter().collect::<HashSet<_>>().len(), FILES);
    drop(gotracer);

    // Nothing is left to do.
    let more = scratch.directory("more");
    fs::copy(fixture("go1.26.6/idle.trace"), more.join("new.trace")).unwrap();
    let watch = format!("--watch={}", more.display());
    let options = [&options[..], &[&watch]].concat();
    let gotracer = Running::gotracer(&directory, scratch.path(), &options);
    gotracer.wait_sample(TRACES, 1.0);
    gotracer.wait_sample("gotracer_queue_length", 0.0);
    assert_eq!(gotracer.sample(TRACES), Some(1.0));
}

/// Lines of the journal.
fn journal(state: &Path) -> Vec<String> {
    let text = fs::read_to_string(state.join("analysed")).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

/// Starts gotracer with a trace in its directory, and kills it while it reads
/// that. Gives up if it was too slow for that.
fn killed_while_reading(directory: &Path, scratch: &Scratch, options: &[&str]) -> bool {
    let state = scratch.path().join("state");
    let begun = |lines: &[String]| lines.iter().filter(|l| l.ends_with(" begun")).count();
    let before = begun(&journal(&state));
    let mut gotracer = Running::gotracer(directory, scratch.path(), options);
    let started = std::time::Instant::now();
    while begun(&journal(&state)) == before {
        assert!(started.elapsed().as_secs() < 60, "{}", gotracer.log());
        std::thread::yield_now();
    }
    gotracer.kill();
    let lines = journal(&state);
    lines.last().is_some_and(|line| line.ends_with(" begun"))
}

#[test]
fn a_trace_that_kills_gotracer_is_set_aside_after_the_second_time() {
    // A generation without an end takes its time.
    let trace = fs::read(fixture("go1.27.3/pingpong.trace")).unwrap();
    let (header, batches) = trace.split_at(16);
    let long = [header, &largest_batch(batches).repeat(1_000)].concat();
    let packed = Scratch::new();
    pack(&long, packed.path(), "poison");
    let packed = fs::read(packed.path().join("poison.trace.gz")).unwrap();
    // Whether a kill meets the reading is chance.
    let met = (0..10).any(|attempt| {
        let scratch = Scratch::new();
        let directory = scratch.directory("in");
        let path = directory.join("poison.trace");
        fs::write(&path, &packed[..packed.len() - attempt]).unwrap();
        let state = format!("--storage.path={}", scratch.path().join("state").display());
        let options = [state.as_str(), "--watch.after=move"];
        let died = || killed_while_reading(&directory, &scratch, &options);
        let met = died() && died();
        if met {
            is_set_aside(&scratch, &path, &options);
        }
        met
    });
    assert!(met, "no kill met the reading");
}

/// A trace is not read again, and others are; until somebody puts it back.
fn is_set_aside(scratch: &Scratch, path: &Path, options: &[&str]) {
    let directory = path.parent().unwrap();
    add(directory, 0);
    let gotracer = Running::gotracer(directory, scratch.path(), options);
    let failures = |why: &str| format!("gotracer_trace_failures_total{{reason=\"{why}\"}}");
    gotracer.wait_sample(&failures("crashed"), 1.0);
    gotracer.wait_sample(TRACES, 1.0);
    let aside = directory.join("failed/poison.trace");
    eventually("it is moved", || aside.exists().then_some(()));
    let log = gotracer.log();
    assert!(log.contains("reason=\"crashed\""), "{log}");
    assert_eq!(gotracer.sample(&failures("broke_off")), Some(0.0));
    eventually_or(
        "it is read again",
        || gotracer.log(),
        || {
            // Times of change have seconds.
            if aside.exists() {
                fs::rename(&aside, path).unwrap();
            }
            (gotracer.sample(&failures("broke_off"))? == 1.0).then_some(())
        },
    );
    assert_eq!(gotracer.sample(&failures("crashed")), Some(1.0));
}

/// Adds a trace to a directory that is none of the others.
fn add(directory: &Path, number: usize) {
    let trace = fs::read(fixture("go1.27.3/empty.trace")).unwrap();
    pack(&trace, directory, &format!("shop_1_{number}"));
}

const PATTERN: &str = "--watch.pattern={service}_{version}_{timestamp}.trace.gz";
const SHOP: &str = "gotracer_traces_total{service=\"shop\",version=\"1\"}";

fn up(store: &str) -> String {
    format!("gotracer_storage_up{{store=\"{store}\"}}")
}

fn failures(store: &str) -> String {
    format!("gotracer_storage_failures_total{{store=\"{store}\"}}")
}

#[test]
fn a_storage_directory_that_is_deleted_is_created_again() {
    let scratch = Scratch::new();
    let directory = scratch.directory("in");
    let state = scratch.path().join("state");
    let flag = format!("--storage.path={}", state.display());
    let options = [flag.as_str(), PATTERN];
    let gotracer = Running::gotracer(&directory, scratch.path(), &options);
    add(&directory, 1);
    gotracer.wait_sample(SHOP, 1.0);
    for store in ["traces", "releases"] {
        gotracer.wait_sample(&up(store), 1.0);
        gotracer.wait_sample(&failures(store), 0.0);
    }
    fs::remove_dir_all(&state).unwrap();
    for store in ["traces", "releases"] {
        gotracer.wait_sample(&failures(store), 1.0);
        gotracer.wait_sample(&up(store), 1.0);
    }
    add(&directory, 2);
    gotracer.wait_sample(SHOP, 2.0);
    let log = gotracer.log();
    assert_eq!(log.matches("ERROR").count(), 2, "{log}");
    drop(gotracer);

    add(&directory, 3);
    let gotracer = Running::gotracer(&directory, scratch.path(), &options);
    gotracer.wait_sample(SHOP, 1.0);
    gotracer.wait_sample("gotracer_queue_length", 0.0);
    assert_eq!(gotracer.sample(SHOP), Some(1.0), "{}", gotracer.log());
}

#[test]
fn what_a_full_disk_did_not_take_is_written_when_there_is_room() {
    const FILES: usize = 100;
    let Some(prlimit) = program("prlimit") else {
        return;
    };
    let scratch = Scratch::new();
    let directory = scratch.directory("in");
    let state = scratch.path().join("state");
    let address = free_address();
    let mut command = Command::new("sh");
    command
        .args(["-c", "trap '' XFSZ; exec \"$0\" \"$@\""])
        .arg(env!("CARGO_BIN_EXE_gotracer"))
        .args([
            "serve",
            "--log.level=error",
            "--web.listen-address",
            &address,
        ])
        .args([PATTERN, "--watch.settle=300ms"])
        .arg(format!("--storage.path={}", state.display()))
        .arg("--watch")
        .arg(&directory);
    let log = scratch.path().join("gotracer.log");
    let mut gotracer = Running::start(&mut command, address, log);
    gotracer.wait_ready();
    let id = gotracer.id().to_string();
    let limit = |bytes: &str| {
        // As a disk does: whatever is longer cannot be written.
        let mut command = Command::new(&prlimit);
        let status = command.args(["--pid", &id, &format!("--fsize={bytes}:unlimited")]);
        assert!(status.status().unwrap().success());
    };
    limit("4096");
    (0..FILES).for_each(|i| add(&directory, i));
    gotracer.wait_sample(SHOP, FILES as f64);
    for store in ["traces", "releases"] {
        gotracer.wait_sample(&up(store), 0.0);
        assert!(gotracer.sample(&failures(store)) > Some(0.0));
    }
    // What cannot be written is logged for each store, not for each trace.
    let log = gotracer.log();
    assert_eq!(log.matches("ERROR").count(), 2, "{log}");
    limit("unlimited");
    for store in ["traces", "releases"] {
        gotracer.wait_sample(&up(store), 1.0);
    }
    drop(gotracer);

    add(&directory, FILES);
    let flag = format!("--storage.path={}", state.display());
    let gotracer = Running::gotracer(&directory, scratch.path(), &[&flag, PATTERN]);
    gotracer.wait_sample(SHOP, 1.0);
    gotracer.wait_sample("gotracer_queue_length", 0.0);
    assert_eq!(gotracer.sample(SHOP), Some(1.0), "{}", gotracer.log());
    let releases = gotracer.get("/api/v1/releases", "").text();
    assert!(releases.contains("shop"), "{releases}");
}

/// Adds a trace with findings that is none of the others.
fn add_found(directory: &Path, number: usize) {
    let trace = fs::read(fixture("go1.25.5/mutex_long.trace")).unwrap();
    pack(&trace, directory, &format!("i{number}_1"));
}

/// Each trace is of a program of its own.
const INSTANCES: &str = "--watch.pattern={instance}_{timestamp}.trace.gz";
const LOST: &str = "gotracer_evidence_lost_total{reason=\"missing\"}";

/// Identifiers of what is listed, and how many of them are there.
fn listed(gotracer: &Running) -> (usize, usize) {
    let answer = gotracer.get("/api/v1/evidence", "").body;
    let answer: serde_json::Value = serde_json::from_slice(&answer).unwrap();
    let items = answer["data"].as_array().unwrap();
    let is_there = |item: &&serde_json::Value| {
        let path = format!("/api/v1/evidence/{}", item["id"].as_str().unwrap());
        gotracer.get(&path, "").status == 200
    };
    (items.len(), items.iter().filter(is_there).count())
}

#[test]
fn an_evidence_directory_that_is_deleted_is_created_again() {
    let scratch = Scratch::new();
    let directory = scratch.directory("in");
    let evidence = scratch.path().join("evidence");
    let config = scratch.path().join("gotracer.yml");
    fs::write(&config, "evidence: {interval: 1ms}\n").unwrap();
    let options = [
        format!("--evidence.path={}", evidence.display()),
        format!("--config={}", config.display()),
        INSTANCES.to_owned(),
    ];
    let options: Vec<_> = options.iter().map(String::as_str).collect();
    let gotracer = Running::gotracer(&directory, scratch.path(), &options);
    gotracer.wait_sample(&up("evidence"), 1.0);
    (0..3).for_each(|i| add_found(&directory, i));
    gotracer.wait_sample("gotracer_evidence_kept_total", 3.0);
    assert_eq!(listed(&gotracer), (3, 3));
    fs::remove_dir_all(&evidence).unwrap();
    assert_eq!(listed(&gotracer), (0, 0));
    assert_eq!(gotracer.sample(LOST), Some(3.0));
    (3..6).for_each(|i| add_found(&directory, i));
    gotracer.wait_sample("gotracer_evidence_kept_total", 6.0);
    assert_eq!(listed(&gotracer), (3, 3));
    assert_eq!(gotracer.sample(&failures("evidence")), Some(1.0));
    gotracer.wait_sample(&up("evidence"), 1.0);

    // Nobody else may use it meanwhile.
    let mut second = Command::new(env!("CARGO_BIN_EXE_gotracer"));
    second.args(["serve", "--web.listen-address=127.0.0.1:0", "--watch"]);
    let second = second.arg(&directory).args(&options).output().unwrap();
    let said = String::from_utf8_lossy(&second.stderr);
    assert!(
        !second.status.success() && said.contains("another gotracer uses it"),
        "{said}"
    );
    // But the same one may, after a reload.
    fs::write(&config, "evidence: {interval: 2ms}\n").unwrap();
    gotracer.signal("-HUP");
    eventually("it is reloaded", || {
        gotracer
            .get("/config", "")
            .text()
            .contains("interval: 2ms")
            .then_some(())
    });
    assert_eq!(listed(&gotracer), (3, 3));
}

#[test]
fn evidence_that_a_full_disk_does_not_take_is_lost_and_counted() {
    let Some(prlimit) = program("prlimit") else {
        return;
    };
    let scratch = Scratch::new();
    let directory = scratch.directory("in");
    let config = scratch.config("evidence: {interval: 1ms}\n");
    let address = free_address();
    let mut command = Command::new("sh");
    command
        .args(["-c", "trap '' XFSZ; exec \"$0\" \"$@\""])
        .arg(env!("CARGO_BIN_EXE_gotracer"))
        .args([
            "serve",
            "--log.level=error",
            "--web.listen-address",
            &address,
        ])
        .arg(INSTANCES)
        .arg(config)
        .arg(format!(
            "--evidence.path={}",
            scratch.path().join("evidence").display()
        ))
        .arg("--watch")
        .arg(&directory);
    let log = scratch.path().join("gotracer.log");
    let mut gotracer = Running::start(&mut command, address, log);
    gotracer.wait_ready();
    let id = gotracer.id().to_string();
    let limit = |bytes: &str| {
        let mut command = Command::new(&prlimit);
        let status = command.args(["--pid", &id, &format!("--fsize={bytes}:unlimited")]);
        assert!(status.status().unwrap().success());
    };
    limit("1024");
    (0..3).for_each(|i| add_found(&directory, i));
    gotracer.wait_sample("gotracer_evidence_lost_total{reason=\"disk\"}", 3.0);
    gotracer.wait_sample(&up("evidence"), 0.0);
    assert_eq!(listed(&gotracer), (0, 0));
    limit("unlimited");
    add_found(&directory, 3);
    gotracer.wait_sample("gotracer_evidence_kept_total", 1.0);
    gotracer.wait_sample(&up("evidence"), 1.0);
    assert_eq!(listed(&gotracer), (1, 1));
}
