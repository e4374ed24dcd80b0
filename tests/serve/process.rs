//! As a container runs it, and how it ends.
#![cfg(target_os = "linux")]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use crate::support::daemon::{Running, Scratch, eventually_or, fixture, free_address};
use crate::support::endpoint::Endpoint;
use crate::support::tools::skip;

#[test]
fn a_capture_that_was_begun_is_finished_before_the_end() {
    let scratch = Scratch::new();
    let Some(endpoint) = Endpoint::start(&scratch, &[]) else {
        return;
    };
    let url = endpoint.url();
    let flags = ["--scrape", &url, "--scrape.seconds=2", "--log.level=debug"];
    let mut gotracer = Running::gotracer_with(scratch.path(), &flags, &[]);
    // Somebody else is refused: so it has begun.
    eventually_or(
        "the capture has begun",
        || gotracer.log(),
        || {
            let path = "/debug/pprof/trace?seconds=0.01";
            let answer = crate::support::daemon::get(&endpoint.address, path, "").unwrap();
            (answer.status == 500).then_some(())
        },
    );
    gotracer.signal("-TERM");
    assert!(gotracer.wait().success());
    let log = gotracer.log();
    let analysed = log.find("trace analyzed");
    assert!(analysed.is_some() && analysed < log.find("ended"), "{log}");
}

/// Whether this machine lets us be another process 1.
fn can_isolate() -> bool {
    let tried = Command::new("unshare")
        .args(["-m", "-p", "-f", "mount", "-o", "remount,bind,ro", "/"])
        .output();
    let can = tried.is_ok_and(|output| output.status.success());
    if !can {
        skip("unshare is not permitted on this machine");
    }
    can
}

#[test]
fn it_is_process_1_and_nobody_on_a_read_only_file_system() {
    if !can_isolate() {
        return;
    }
    let scratch = Scratch::new();
    let directory = scratch.directory("in");
    fs::copy(fixture("go1.26.6/idle.trace"), directory.join("a.trace")).unwrap();
    let binary = scratch.path().join("gotracer");
    fs::copy(env!("CARGO_BIN_EXE_gotracer"), &binary).unwrap();
    let readable = fs::Permissions::from_mode(0o755);
    fs::set_permissions(scratch.path(), readable).unwrap();
    let address = free_address();
    let mut command = Command::new("unshare");
    command
        .args(["-m", "-p", "-f", "--kill-child", "sh", "-c"])
        .arg(
            "set -e; mount --bind \"$0\" \"$0\"; mount -o remount,bind,ro \"$0\"; \
             mount -o remount,bind,ro /; cd \"$0\"; \
             exec setpriv --reuid=65534 --regid=65534 --clear-groups --no-new-privs \
             ./gotracer serve --watch in --web.listen-address \"$1\"",
        )
        .arg(scratch.path())
        .arg(&address);
    let log = scratch.path().join("gotracer.log");
    let mut gotracer = Running::start(&mut command, address, log);
    gotracer.wait_ready();
    gotracer.wait_sample("gotracer_traces_total", 1.0);
    let id = gotracer.id();
    let children = fs::read_to_string(format!("/proc/{id}/task/{id}/children")).unwrap();
    let child = children.trim();
    let status = fs::read_to_string(format!("/proc/{child}/status")).unwrap();
    let field = |name: &str| {
        let line = status.lines().find(|line| line.starts_with(name)).unwrap();
        line.split_whitespace().last().unwrap().to_string()
    };
    assert_eq!(field("NSpid:"), "1", "{status}");
    assert_eq!(field("Uid:"), "65534", "{status}");
    let write = Command::new("nsenter")
        .args(["-t", child, "-m", "sh", "-c", "touch /x"])
        .output();
    assert!(!write.unwrap().status.success(), "it is not read-only");
    // A process 1 without a handler would not even notice.
    let told = Command::new("kill").args(["-TERM", child]).status();
    assert!(told.unwrap().success());
    assert!(gotracer.wait().success(), "{}", gotracer.log());
    assert!(gotracer.log().contains("ended"), "{}", gotracer.log());
}
