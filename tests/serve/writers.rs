//! Writers that pause, and files that can't be read for a while.
#![cfg(unix)]

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::daemon::{Running, Scratch, TRACES, eventually_or, fixture, pack};

const BROKE_OFF: &str = "gotracer_trace_failures_total{reason=\"broke_off\"}";
const UNREADABLE: &str = "gotracer_trace_failures_total{reason=\"unreadable\"}";

fn of(metric: &str, directory: &Path) -> String {
    let directory = directory.display();
    format!("gotracer_watch_{metric}{{directory=\"{directory}\"}}")
}

/// The names of files below a directory.
fn files(directory: &Path) -> Vec<String> {
    let mut files = Vec::new();
    let mut directories = vec![directory.to_path_buf()];
    while let Some(next) = directories.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                directories.push(path);
            } else {
                let below = path.strip_prefix(directory).unwrap();
                files.push(below.display().to_string());
            }
        }
    }
    files.sort();
    files
}

/// A trace in two parts, of which the first breaks off.
fn parts() -> (Vec<u8>, Vec<u8>) {
    let mut first = fs::read(fixture("go1.27.3/mutex_contention.trace")).unwrap();
    let second = first.split_off(first.len() * 3 / 4);
    (first, second)
}

/// A writer writes the first part, pauses until gotracer has read it, and goes
/// on: the trace is counted once, as a whole.
fn a_writer_that_pauses(options: &[&str], before: bool, left: &[&str]) {
    let scratch = Scratch::new();
    let directory = scratch.directory("in");
    let (first, second) = parts();
    let path = directory.join("slow.trace");
    let mut early = before.then(|| fs::File::create(&path).unwrap());
    if let Some(file) = &mut early {
        file.write_all(&first).unwrap();
    }
    let gotracer = Running::gotracer(&directory, scratch.path(), options);
    let mut file = early.unwrap_or_else(|| {
        let mut file = fs::File::create(&path).unwrap();
        file.write_all(&first).unwrap();
        file
    });
    gotracer.wait_sample(&of("incomplete_files", &directory), 1.0);
    assert_eq!(gotracer.sample(TRACES), Some(0.0));
    assert_eq!(gotracer.sample(BROKE_OFF), Some(0.0));
    assert!(path.exists());
    file.write_all(&second).unwrap();
    drop(file);
    gotracer.wait_sample(TRACES, 1.0);
    let there = || (files(&directory) == left).then_some(());
    eventually_or(
        "it is put away",
        || format!("{:?}", files(&directory)),
        there,
    );
    assert_eq!(gotracer.sample(TRACES), Some(1.0));
    assert_eq!(gotracer.sample(BROKE_OFF), Some(0.0));
    let lost = gotracer.sample("gotracer_trace_lost_bytes_total");
    assert_eq!(lost, Some(0.0));
    let bytes = gotracer.sample("gotracer_trace_bytes_total");
    assert_eq!(bytes, Some((first.len() + second.len()) as f64));
}

#[test]
fn a_writer_that_pauses_is_waited_for_without_events() {
    const POLL: &str = "--watch.poll=200ms";
    a_writer_that_pauses(&[POLL], false, &["slow.trace"]);
    let found = &["findings/slow.trace"];
    a_writer_that_pauses(&[POLL, "--watch.after=move"], false, found);
    a_writer_that_pauses(&[POLL, "--watch.after=delete"], false, &[]);
}

#[test]
fn a_writer_that_began_before_is_waited_for() {
    let found = &["findings/slow.trace"];
    a_writer_that_pauses(&["--watch.after=move"], true, found);
    a_writer_that_pauses(&["--watch.after=delete"], true, &[]);
}

#[test]
fn a_writer_that_does_not_close_is_waited_for() {
    // It is read after twelve times as long as others.
    a_writer_that_pauses(&["--watch.after=delete"], false, &[]);
}

#[test]
fn what_a_writer_left_is_final_in_the_end() {
    let scratch = Scratch::new();
    let directory = scratch.directory("in");
    let (first, second) = parts();
    let whole = [&first[..], &second].concat();
    fs::write(directory.join("cut.trace"), &first).unwrap();
    fs::write(directory.join("empty.trace"), "").unwrap();
    fs::write(directory.join("header.trace"), &first[..10]).unwrap();
    pack(&whole, &directory, "packed");
    let packed = fs::read(directory.join("packed.trace.gz")).unwrap();
    fs::write(
        directory.join("packed.trace.gz"),
        &packed[..packed.len() / 2],
    )
    .unwrap();
    let old = fs::read(fixture("go1.19/mutex_contention.trace")).unwrap();
    fs::write(directory.join("old.trace"), &old[..old.len() / 2]).unwrap();
    let options = ["--watch.after=move", "--watch.incomplete-after=3s"];
    let gotracer = Running::gotracer(&directory, scratch.path(), &options);
    gotracer.wait_sample(&of("incomplete_files", &directory), 5.0);
    assert_eq!(gotracer.sample(TRACES), Some(0.0));
    assert_eq!(files(&directory).len(), 5);
    let moved = || {
        let all = files(&directory);
        all.iter()
            .all(|name| name.starts_with("failed/"))
            .then_some(())
    };
    eventually_or("all are moved", || gotracer.log(), moved);
    gotracer.wait_sample(&of("incomplete_files", &directory), 0.0);
    let empty = "gotracer_trace_failures_total{reason=\"empty\"}";
    assert_eq!(gotracer.sample(empty), Some(1.0));
    // What was closed is final at once.
    fs::write(directory.join("closed.trace"), &whole[..whole.len() - 20]).unwrap();
    let there = || directory.join("failed/closed.trace").exists().then_some(());
    eventually_or("it is moved", || gotracer.log(), there);
}

/// A file system that fails or hangs for as long as a file is there.
struct BadDisk {
    library: PathBuf,
    bad: PathBuf,
}

impl BadDisk {
    fn new(scratch: &Scratch) -> Self {
        let library = scratch.path().join("bad_disk.so");
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/serve/bad_disk.c");
        let mut cc = Command::new("cc");
        cc.args(["-shared", "-fPIC", "-o"]).arg(&library);
        assert!(cc.arg(source).status().unwrap().success());
        let bad = scratch.path().join("bad");
        fs::write(&bad, "").unwrap();
        Self { library, bad }
    }

    fn gotracer(&self, scratch: &Scratch, directory: &Path, options: &[&str]) -> Running {
        let watch = format!("--watch={}", directory.display());
        let options = [&[watch.as_str()], options].concat();
        let variables = [
            ("LD_PRELOAD", self.library.to_str().unwrap()),
            ("BAD_WHILE", self.bad.to_str().unwrap()),
        ];
        Running::gotracer_with(scratch.path(), &options, &variables)
    }

    fn heal(&self) {
        fs::remove_file(&self.bad).unwrap();
    }
}

/// Puts a file into a directory that can't be read while the disk is bad.
fn a_file_that_cannot_be_read(name: &str) {
    let scratch = Scratch::new();
    let directory = scratch.directory("in");
    let disk = BadDisk::new(&scratch);
    let gotracer = disk.gotracer(&scratch, &directory, &["--watch.after=move"]);
    fs::copy(fixture("go1.27.3/idle.trace"), directory.join(name)).unwrap();
    let retries = of("retries_total", &directory);
    let again = || (gotracer.sample(&retries)? >= 2.0).then_some(());
    eventually_or("it is tried again", || gotracer.log(), again);
    assert_eq!(gotracer.sample(UNREADABLE), Some(1.0));
    assert_eq!(files(&directory), [name]);
    disk.heal();
    gotracer.wait_sample(TRACES, 1.0);
    let moved = || (files(&directory) == [format!("done/{name}")]).then_some(());
    eventually_or("it is moved", || gotracer.log(), moved);
    assert_eq!(gotracer.sample(UNREADABLE), Some(1.0));
}

#[test]
#[cfg(target_os = "linux")]
fn a_file_that_could_not_be_read_is_neither_given_up_nor_moved() {
    a_file_that_cannot_be_read("stale.trace");
}

#[test]
#[cfg(target_os = "linux")]
fn a_file_that_a_descriptor_lacks_for_is_read_later() {
    a_file_that_cannot_be_read("full.trace");
}

#[test]
#[cfg(target_os = "linux")]
fn reads_that_hang_stop_neither_other_files_nor_the_end() {
    let scratch = Scratch::new();
    let directory = scratch.directory("in");
    let disk = BadDisk::new(&scratch);
    let mut gotracer = disk.gotracer(&scratch, &directory, &["--jobs=2"]);
    for name in ["hang-a", "hang-b"] {
        let trace = fs::read(fixture("go1.27.3/empty.trace")).unwrap();
        pack(&trace, &directory, name);
    }
    // Both have their turn first.
    let begun = || {
        let length = gotracer.sample("gotracer_queue_length")?;
        (length == 0.0 && gotracer.log().contains("watching")).then_some(())
    };
    eventually_or("they are being read", || gotracer.log(), begun);
    fs::copy(fixture("go1.27.3/idle.trace"), directory.join("good.trace")).unwrap();
    gotracer.wait_sample(TRACES, 1.0);
    gotracer.wait_sample("gotracer_stalled_reads", 2.0);
    gotracer.signal("-TERM");
    assert!(gotracer.wait().success());
    let log = gotracer.log();
    assert_eq!(log.matches("is not awaited").count(), 2, "{log}");
    assert!(log.contains("hang-a.trace.gz"), "{log}");
    // What hung was not done: with the server back, it is read.
    disk.heal();
    let gotracer = disk.gotracer(&scratch, &directory, &[]);
    gotracer.wait_sample(TRACES, 3.0);
}
