//! Traces that a real Go program pushes.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::evidence::{kept, opens};
use crate::support::daemon::{Running, Scratch, TRACES, get, program, tests_dir};

/// A Go program with the file of docs/go/slowtrace, and its address.
struct Pusher(Child, String);

impl Pusher {
    fn start(go: &Path, scratch: &Scratch, gotracer: &Running) -> Self {
        let module = scratch.directory("pusher");
        fs::create_dir(module.join("slowtrace")).unwrap();
        for (from, to) in [
            ("serve/pusher/main.go", "main.go"),
            ("serve/pusher/go.mod", "go.mod"),
            (
                "../docs/go/slowtrace/slowtrace.go",
                "slowtrace/slowtrace.go",
            ),
        ] {
            fs::copy(tests_dir(from), module.join(to)).unwrap();
        }
        let binary = module.join("run");
        let mut build = Command::new(go);
        build.args(["build", "-o"]).arg(&binary).arg(".");
        build.env("GOTOOLCHAIN", "local").env_remove("GOROOT");
        assert!(build.current_dir(&module).status().unwrap().success());
        let mut vet = Command::new(go);
        vet.args(["vet", "./slowtrace"]).env("GOTOOLCHAIN", "local");
        assert!(
            vet.env_remove("GOROOT")
                .current_dir(&module)
                .status()
                .unwrap()
                .success()
        );
        let mut command = Command::new(&binary);
        command.arg(format!("http://{}", gotracer.address));
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut address = String::new();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        out.read_line(&mut address).unwrap();
        Self(child, address.trim().into())
    }
}

impl Drop for Pusher {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_go_server_pushes_a_trace_of_a_slow_request() {
    let Some(go) = program("go") else { return };
    let scratch = Scratch::new();
    let path = format!("--evidence.path={}", scratch.path().join("kept").display());
    let flags = ["--web.enable-uploads", "--preset=batch", &path];
    let gotracer = Running::gotracer_with(scratch.path(), &flags, &[]);
    let pusher = Pusher::start(&go, &scratch, &gotracer);
    for path in ["/fast", "/slow", "/fast", "/slow"] {
        assert_eq!(get(&pusher.1, path, "").unwrap().status, 200);
    }
    // The instance and the job of an upload are left out.
    let labels = r#"service="shop",version="1.2.3""#;
    gotracer.wait_sample(&format!("{TRACES}{{{labels}}}"), 1.0);
    let item = kept(&gotracer, "?service=shop");
    assert_eq!(item["target"]["instance"], "shop-1");
    let reason = item["reason"].as_str().unwrap();
    assert!(reason.starts_with("GET /slow took "), "{reason}");
    let waits = format!("gotrace_mutex_wait_seconds_count{{{labels}}}");
    assert!(
        gotracer.sample(&waits) >= Some(1.0),
        "the slow request waited for a lock"
    );
    opens(&gotracer, &item, &scratch);
    let log = gotracer.log();
    assert_eq!(log.matches("pushed trace stored").count(), 1, "{log}");
}
