//! Traces that a real Go program pushes.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::evidence::{kept, opens};
use crate::support::daemon::{Running, Scratch, get, program, tests_dir, without_directories};

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

#[test]
fn tasks_and_requests_have_metrics_with_the_ids_that_the_program_logs() {
    let scratch = Scratch::new();
    let config = configured(&scratch, "prometheus: {regions: true}");
    let gotracer = Running::gotracer_with(scratch.path(), &["--web.enable-uploads", &config], &[]);
    let tasks = fs::read(tests_dir("time/traces/tasks.trace")).unwrap();
    assert_eq!(push(&gotracer, "POST", "?service=shop", &tasks).status, 202);
    let count = "gotrace_task_seconds_count{service=\"shop\",task=\"GET /checkout\"}";
    gotracer.wait_sample(count, 40.0);
    let region = "gotrace_region_seconds_count{service=\"shop\",region=\"db\"}";
    assert_eq!(gotracer.sample(region), Some(40.0));
    let select = "gotrace_task_state_seconds_total{service=\"shop\",task=\"GET /checkout\",state=\"select\"}";
    assert!(
        gotracer.sample(select) > Some(0.8),
        "{:?}",
        gotracer.sample(select)
    );
    // A scraper of another format sees new series at 0 first.
    gotracer.get("/metrics", "application/openmetrics-text");
    let text = gotracer.get("/metrics", "application/openmetrics-text");
    let text = without_directories(&text.text());
    let ids = |line: &&str| {
        line.starts_with("gotrace_task_seconds_bucket{") && line.contains(" # {trace_id=\"0000")
    };
    assert_eq!(text.lines().filter(ids).count(), 1, "{text}");
    // The server of the same program.
    let handler = "gotrace_request_seconds_count{service=\"shop\",handler=\"main.main.";
    let requests = text.lines().find(|line| line.starts_with(handler));
    let requests = requests.and_then(|line| line.rsplit(' ').next()?.parse::<f64>().ok());
    assert!(requests >= Some(38.0), "{text}");
}
