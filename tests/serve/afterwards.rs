//! What happens to files that were analysed, and what their names tell.

use std::fs;
use std::io::{BufReader, Write};
use std::net::TcpListener;

use crate::support::daemon::{
    Running, Scratch, TRACES, eventually_or, fixture, free_address, pack, read_request,
};

#[test]
fn files_are_moved_to_where_they_belong_and_the_budget_keeps_findings() {
    let scratch = Scratch::new();
    let directory = scratch.directory("in");
    let put = |from: &str, to: &str| fs::copy(fixture(from), directory.join(to)).unwrap();
    fs::create_dir(directory.join("sub")).unwrap();
    put("go1.25.5/mutex_contention.trace", "sub/lock.trace");
    fs::write(directory.join("page.trace"), "<html>").unwrap();
    put("go1.26.6/idle.trace", "idle.trace");
    let there = |path: &str| directory.join(path).exists();
    let wait = |gotracer: &Running, path: &str, wanted: bool| {
        let what = format!("{path} there: {wanted}");
        let holds = || (there(path) == wanted).then_some(());
        eventually_or(&what, || gotracer.log(), holds);
    };
    let gotracer = Running::gotracer(&directory, scratch.path(), &["--watch.after=move"]);
    wait(&gotracer, "findings/sub/lock.trace", true);
    wait(&gotracer, "failed/page.trace", true);
    wait(&gotracer, "done/idle.trace", true);
    assert!(!there("idle.trace") && !there("sub/lock.trace") && !there("page.trace"));
    // The same trace again is put away as well, beside the first.
    put("go1.26.6/idle.trace", "idle.trace");
    wait(&gotracer, "done/idle.trace.1", true);
    assert_eq!(gotracer.sample(TRACES), Some(2.0));
    drop(gotracer);

    let bytes = fs::metadata(directory.join("findings/sub/lock.trace"))
        .unwrap()
        .len();
    let budget = format!("--watch.retention.size={bytes}B");
    let more = ["--watch.after=move", &budget];
    let gotracer = Running::gotracer(&directory, scratch.path(), &more);
    wait(&gotracer, "done/idle.trace", false);
    wait(&gotracer, "failed/page.trace", false);
    assert!(there("findings/sub/lock.trace"));
    // What was moved is not watched.
    assert_eq!(gotracer.sample(TRACES), Some(0.0));
}

#[test]
fn files_are_deleted_if_so_wanted_and_found_without_events() {
    let scratch = Scratch::new();
    let directory = scratch.directory("in");
    let more = ["--watch.after=delete", "--watch.poll=200ms"];
    let gotracer = Running::gotracer(&directory, scratch.path(), &more);
    let path = directory.join("a.trace");
    fs::copy(fixture("go1.26.6/idle.trace"), &path).unwrap();
    gotracer.wait_sample(TRACES, 1.0);
    let gone = || (!path.exists()).then_some(());
    eventually_or("it is deleted", || gotracer.log(), gone);
}

#[test]
fn names_and_the_configuration_give_labels() {
    let scratch = Scratch::new();
    let (directory, other) = (scratch.directory("in"), scratch.directory("other"));
    let name = "api_v1.2_20261123T0800.trace";
    fs::copy(fixture("go1.26.6/idle.trace"), directory.join(name)).unwrap();
    fs::copy(fixture("go1.25.5/idle.trace"), other.join("web@7.trace")).unwrap();
    let yaml = format!(
        "watch_configs:\n- directory: {}\n  settle: 100ms\n  labels: {{job: uploads}}\n  \
         patterns: ['{{service}}@{{version}}.trace']\n",
        other.display()
    );
    let config = scratch.config(yaml);
    let more = [
        "--watch.pattern={service}_{version}_{timestamp}.trace",
        &config,
    ];
    let gotracer = Running::gotracer(&directory, scratch.path(), &more);
    let api = r#"{service="api",version="v1.2"}"#;
    gotracer.wait_sample(&format!("{TRACES}{api}"), 1.0);
    // Without an instance of its own, a directory is the instance.
    let instance = other.display();
    let web = format!(r#"{{instance="{instance}",job="uploads",service="web",version="7"}}"#);
    gotracer.wait_sample(&format!("{TRACES}{web}"), 1.0);
}

#[test]
fn copies_are_put_away_as_well() {
    for after in ["move", "delete"] {
        let scratch = Scratch::new();
        let directory = scratch.directory("in");
        let after = format!("--watch.after={after}");
        let options = [after.as_str(), "--jobs=4"];
        let gotracer = Running::gotracer(&directory, scratch.path(), &options);
        let trace = fs::read(fixture("go1.27.3/pingpong.trace")).unwrap();
        for round in 0..5 {
            pack(&trace, scratch.path(), &format!("{round}"));
            let packed = scratch.path().join(format!("{round}.trace.gz"));
            // All copies come at once, while the first is being read.
            let names: Vec<_> = (0..6).map(|i| format!("{round}-{i}")).collect();
            for name in &names {
                fs::copy(&packed, directory.join(format!(".{name}"))).unwrap();
            }
            for name in &names {
                let (from, to) = (format!(".{name}"), format!("{name}.trace"));
                fs::rename(directory.join(from), directory.join(to)).unwrap();
            }
        }
        let left = || {
            let entries = fs::read_dir(&directory).unwrap();
            let names = entries.map(|e| e.unwrap().file_name().into_string().unwrap());
            names.filter(|name| name.contains("trace")).count()
        };
        let gone = || (left() == 0).then_some(());
        eventually_or("all are put away", || gotracer.log(), gone);
        assert_eq!(gotracer.sample(TRACES), Some(5.0));
    }
}

/// Answers OTLP requests as a receiver that takes everything.
fn receive(listener: &TcpListener) {
    for mut stream in listener.incoming().flatten() {
        std::thread::spawn(move || {
            let mut request = BufReader::new(stream.try_clone().unwrap());
            while read_request(&mut request).is_some() {
                let answer = b"HTTP/1.1 200 OK\r\nContent-Type: application/x-protobuf\r\n\
                    Content-Length: 0\r\n\r\n";
                if stream.write_all(answer).is_err() {
                    return;
                }
            }
        });
    }
}

#[test]
fn copies_and_renamed_files_are_deleted_when_their_trace_was_sent() {
    let scratch = Scratch::new();
    let directory = scratch.directory("in");
    let receiver = free_address();
    let endpoint = format!("--otlp.endpoint=http://{receiver}");
    let options = [
        "--watch.after=delete",
        "--otlp.protocol=http/protobuf",
        &endpoint,
    ];
    let gotracer = Running::gotracer(&directory, scratch.path(), &options);
    let trace = fs::read(fixture("go1.27.3/mutex_contention.trace")).unwrap();
    pack(&trace, &directory, "a");
    pack(&trace, &directory, "b");
    gotracer.wait_sample(TRACES, 2.0);
    let path = |name: &str| directory.join(format!("{name}.trace.gz"));
    fs::copy(path("a"), path("copy")).unwrap();
    fs::rename(path("b"), path("renamed")).unwrap();
    // Nothing goes before somebody has it.
    let retries = format!("gotracer_otlp_failures_total{{signal=\"{}\"}}", "logs");
    let tried = || (gotracer.sample(&retries)? >= 1.0).then_some(());
    eventually_or("it tries to send", || gotracer.log(), tried);
    assert!(path("a").exists() && path("copy").exists() && path("renamed").exists());
    let listener = TcpListener::bind(&receiver).unwrap();
    std::thread::spawn(move || receive(&listener));
    let gone = || (fs::read_dir(&directory).unwrap().count() == 0).then_some(());
    eventually_or("all are deleted", || gotracer.log(), gone);
    assert_eq!(gotracer.sample(TRACES), Some(2.0));
}

#[test]
#[cfg(unix)]
fn shelves_that_lead_elsewhere_are_not_used() {
    use std::os::unix::fs::symlink;
    let scratch = Scratch::new();
    let (directory, victim) = (scratch.directory("in"), scratch.directory("victim"));
    fs::write(victim.join("database.db"), "precious").unwrap();
    symlink("../victim", directory.join("done")).unwrap();
    symlink(&victim, directory.join("failed")).unwrap();
    fs::create_dir(directory.join("findings")).unwrap();
    symlink(&victim, directory.join("findings/sub")).unwrap();
    fs::create_dir(directory.join("sub")).unwrap();
    fs::copy(
        fixture("go1.27.3/mutex_contention.trace"),
        directory.join("sub/found.trace"),
    )
    .unwrap();
    fs::copy(fixture("go1.27.3/idle.trace"), directory.join("good.trace")).unwrap();
    fs::write(directory.join("evil.trace"), "#!/bin/sh\n").unwrap();
    let options = [
        "--watch.after=move",
        "--watch.retention.size=1B",
        "--watch.retention.time=1ms",
    ];
    let gotracer = Running::gotracer(&directory, scratch.path(), &options);
    let refused = || {
        let log = gotracer.log();
        let swept = log.contains("cannot delete old traces");
        let names = ["good.trace", "evil.trace"];
        let kept = |name: &&str| {
            let line = |l: &&str| l.contains("cannot move or delete") && l.contains(*name);
            log.lines().any(|l| line(&l))
        };
        (swept && names.iter().all(kept)).then_some(())
    };
    eventually_or("it refuses", || gotracer.log(), refused);
    // The link in the shelf that is one goes itself, and the file follows then.
    let moved = || (!directory.join("sub/found.trace").exists()).then_some(());
    eventually_or("what can be moved is", || gotracer.log(), moved);
    let left: Vec<_> = fs::read_dir(&victim).unwrap().collect();
    assert_eq!(left.len(), 1, "{left:?}");
    let text = fs::read_to_string(victim.join("database.db")).unwrap();
    assert_eq!(text, "precious");
    assert!(directory.join("good.trace").exists() && directory.join("evil.trace").exists());
}
