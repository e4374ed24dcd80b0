//! Watched directories by whatever path, and directories that go and come.
#![cfg(unix)]

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::support::daemon::{
    Running, Scratch, TRACES, eventually_or, fixture, free_address, get, pack,
};

/// Every directory is looked at after 30 seconds, whether or not there are
/// events of it.
const BEFORE_RESCAN: Duration = Duration::from_secs(20);

/// `gotracer serve` in a current directory.
fn gotracer_in(directory: &Path, options: &[&str]) -> Running {
    let address = free_address();
    let mut command = Command::new(env!("CARGO_BIN_EXE_gotracer"));
    command
        .current_dir(directory)
        .args(["serve", "--web.listen-address", &address])
        .args(options);
    let mut running = Running::start(&mut command, address, directory.join("gotracer.log"));
    running.wait_ready();
    running
}

fn up(directory: &str) -> String {
    format!("gotracer_watch_directory_up{{directory=\"{directory}\"}}")
}

/// Puts a trace like no other into a directory.
fn put(directory: &Path, name: &str) {
    let trace = fs::read(fixture("go1.27.3/empty.trace")).unwrap();
    pack(&trace, directory, name);
}

/// Waits for so many traces. Events bring them, not the next look at everything.
fn wait_for_events(gotracer: &Running, traces: f64) {
    let asked = Instant::now();
    gotracer.wait_sample(TRACES, traces);
    let took = asked.elapsed();
    assert!(took < BEFORE_RESCAN, "{took:?}\n{}", gotracer.log());
}

#[test]
fn a_directory_may_be_named_by_any_path() {
    let scratch = Scratch::new();
    let own = scratch.path().file_name().unwrap().to_str().unwrap();
    let mut written = Vec::new();
    for by in ["flag", "key"] {
        for n in 0..7 {
            scratch.directory(&format!("{by}{n}"));
        }
        symlink(format!("{by}5"), scratch.path().join(format!("{by}5-link"))).unwrap();
        symlink(format!("{by}6"), scratch.path().join(format!("{by}6-link"))).unwrap();
        let absolute = scratch.path().join(format!("{by}0"));
        written.extend([
            absolute.to_str().unwrap().to_owned(),
            format!("{by}1"),
            format!("./{by}2"),
            format!("{by}3/"),
            format!("../{own}/{by}4"),
            format!("{by}5-link"),
            format!("{by}6-link/"),
        ]);
    }
    let (flags, keys) = written.split_at(7);
    let flags: Vec<_> = flags.iter().map(|path| format!("--watch={path}")).collect();
    let entries = keys.iter().map(|path| format!("- directory: {path}\n"));
    let yaml = format!("watch_configs:\n{}", entries.collect::<String>());
    fs::write(scratch.path().join("gotracer.yml"), yaml).unwrap();
    let mut options: Vec<_> = flags.iter().map(String::as_str).collect();
    options.push("--config=gotracer.yml");
    let gotracer = gotracer_in(scratch.path(), &options);
    for path in &written {
        gotracer.wait_sample(&up(path), 1.0);
    }
    for (i, path) in written.iter().enumerate() {
        put(&scratch.path().join(path), &format!("trace{i}"));
    }
    wait_for_events(&gotracer, written.len() as f64);
    // People find what they wrote.
    let reports = gotracer.get("/api/v1/reports", "").text();
    for source in ["flag1/trace1.", "./flag2/trace2.", "flag5-link/trace5."] {
        assert!(
            reports.contains(&format!("\"{source}")),
            "{source}: {reports}"
        );
    }
}

#[test]
fn a_directory_that_is_deleted_and_made_again_is_said_and_watched() {
    let scratch = Scratch::new();
    let directory = scratch.directory("in");
    let other = scratch.directory("other");
    let watches = ["--watch=in", "--watch=other"];
    let gotracer = gotracer_in(scratch.path(), &watches);
    put(&directory, "before");
    wait_for_events(&gotracer, 1.0);
    fs::remove_dir_all(&directory).unwrap();
    gotracer.wait_sample(&up("in"), 0.0);
    assert_eq!(gotracer.sample(&up("other")), Some(1.0));
    let ready = get(&gotracer.address, "/-/ready", "").unwrap();
    assert_eq!(ready.status, 503);
    let text = ready.text();
    assert!(text.contains("cannot watch in: "), "{text}");
    assert!(!text.contains("other"), "{text}");
    assert_eq!(gotracer.get("/-/healthy", "").status, 200);
    // The others go on.
    put(&other, "meanwhile");
    wait_for_events(&gotracer, 2.0);

    fs::create_dir(&directory).unwrap();
    gotracer.wait_sample(&up("in"), 1.0);
    assert_eq!(gotracer.get("/-/ready", "").status, 200);
    put(&directory, "after");
    wait_for_events(&gotracer, 3.0);
    let log = gotracer.log();
    assert_eq!(
        log.matches("cannot look into directory").count(),
        1,
        "{log}"
    );
    assert!(log.contains("directory is back"), "{log}");
}

#[test]
fn a_directory_that_is_replaced_has_events_again() {
    let scratch = Scratch::new();
    let directory = scratch.directory("in");
    let (first, second) = (scratch.directory("first"), scratch.directory("second"));
    let link = scratch.path().join("link");
    symlink(&first, &link).unwrap();
    let gotracer = gotracer_in(scratch.path(), &["--watch=in", "--watch=link"]);
    put(&directory, "a");
    put(&first, "b");
    wait_for_events(&gotracer, 2.0);

    fs::rename(&directory, scratch.path().join("old")).unwrap();
    fs::create_dir(&directory).unwrap();
    put(&directory, "c");
    wait_for_events(&gotracer, 3.0);
    put(&directory, "d");
    wait_for_events(&gotracer, 4.0);

    // A link that is swapped, as who deploys does it.
    symlink(&second, scratch.path().join("link.new")).unwrap();
    fs::rename(scratch.path().join("link.new"), &link).unwrap();
    put(&second, "e");
    wait_for_events(&gotracer, 5.0);
    put(&second, "f");
    wait_for_events(&gotracer, 6.0);
    // What is no longer there is no longer watched.
    put(&first, "g");
    put(&second, "h");
    wait_for_events(&gotracer, 7.0);
    assert_eq!(gotracer.get("/-/ready", "").status, 200);
}

#[test]
fn a_reload_forgets_a_directory_that_is_gone() {
    let scratch = Scratch::new();
    let directory = scratch.directory("in");
    scratch.directory("other");
    let config = scratch.path().join("gotracer.yml");
    let both = "watch_configs:\n- directory: in\n- directory: other\n";
    fs::write(&config, both).unwrap();
    let gotracer = gotracer_in(scratch.path(), &["--config=gotracer.yml"]);
    fs::remove_dir(&directory).unwrap();
    gotracer.wait_sample(&up("in"), 0.0);
    fs::write(&config, "watch_configs:\n- directory: other\n").unwrap();
    gotracer.signal("-HUP");
    let gone = || gotracer.sample(&up("in")).is_none().then_some(());
    eventually_or("its metric is gone", || gotracer.log(), gone);
    assert_eq!(gotracer.sample(&up("other")), Some(1.0));
    assert_eq!(gotracer.get("/-/ready", "").status, 200);
}
