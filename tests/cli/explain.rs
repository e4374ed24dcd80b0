//! `gotracer explain`.

use super::*;

fn fixture(name: &str) -> String {
    format!("tests/fixtures/go1.27.3/{name}.trace")
}

fn explain(name: &str, args: &[&str]) -> String {
    let output = run(&[&["explain", &fixture(name)], args].concat());
    assert_exit(&output, 0);
    assert_eq!(stderr(&output), "");
    stdout(&output)
}

#[test]
fn a_lock_and_who_held_it() {
    let text = explain("mutex_contention", &["--at", "300ms", "--window", "60ms"]);
    insta::assert_snapshot!("explain_lock", text);
}

#[test]
fn a_long_pause_and_who_held_it_up() {
    let value = json(&run(&["analyze", "--format=json", &fixture("gc_pause")]));
    let findings = value["reports"][0]["findings"].as_array().unwrap();
    let pause = findings.iter().find(|f| f["rule"] == "GCPauseSpike");
    let id = pause.unwrap()["id"].as_str().unwrap();
    let text = explain("gc_pause", &["--finding", id, "--window=200ms"]);
    insta::assert_snapshot!("explain_pause", text);
}

#[test]
fn a_window_in_which_nothing_happens_is_within_the_trace() {
    // No thread writes an event from 1.95 to 2.2 s.
    let text = explain("gc_pause", &["--at=2.1s", "--window=10ms"]);
    assert!(text.contains("of the trace"), "{text}");
}

#[test]
fn goroutines_that_are_left() {
    insta::assert_snapshot!("explain_leak", explain("goroutine_leak", &["--at=200ms"]));
}

#[test]
fn a_finding_is_named_by_number_or_id() {
    let value = json(&run(&["analyze", "--format=json", &fixture("gc_pause")]));
    let by_number = explain("gc_pause", &["--finding=1"]);
    let findings = value["reports"][0]["findings"].as_array().unwrap();
    let told = |f: &&serde_json::Value| by_number.contains(f["message"].as_str().unwrap());
    let id = findings.iter().find(told).unwrap()["id"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_eq!(explain("gc_pause", &[]), by_number);
    assert_eq!(explain("gc_pause", &["--finding", &id]), by_number);
    assert_eq!(explain("gc_pause", &["--finding", &id[..8]]), by_number);
}

#[test]
fn every_trace_can_be_explained_at_any_time() {
    for dir in fs::read_dir("tests/fixtures").unwrap() {
        let dir = dir.unwrap().path();
        for name in [
            "gc_pause",
            "syscall_long",
            "goroutine_leak",
            "coroutine",
            "empty",
        ] {
            let trace = dir.join(name).with_extension("trace");
            if !trace.exists() {
                continue;
            }
            for at in ["0s", "10ms", "500ms"] {
                let args = [
                    "explain",
                    trace.to_str().unwrap(),
                    "--at",
                    at,
                    "--window=1s",
                ];
                assert_exit(&run(&args), 0);
            }
        }
    }
}

#[test]
fn a_trace_that_breaks_off_is_explained_as_far_as_it_goes() {
    let whole = fs::read(LONG).unwrap();
    let (_dir, path) = with_file("half.trace", &whole[..whole.len() / 2]);
    assert_exit(&run(&["explain", &path, "--at", "1s"]), 0);
    let behind = run(&["explain", &path, "--at", "1000s"]);
    assert_exit(&behind, 2);
    assert!(
        stderr(&behind).contains("is over after"),
        "{}",
        stderr(&behind)
    );
    let whole = run_with_stdin(&["explain", "-", "--at", "1s"], &whole);
    assert_exit(&whole, 0);
}

#[test]
fn mistakes_of_explain_are_explained() {
    let trace = fixture("gc_pause");
    for (args, expected) in [
        (
            &[trace.as_str(), "--at", "1s", "--finding", "1"][..],
            "cannot be used with",
        ),
        (&[CLEAN], "no findings to explain"),
        (&[&trace, "--at", "soon"], "soon"),
        (&[&trace, "--finding", "99"], "none is 99"),
        (&["-", "--finding", "1"], "give a file"),
        (&["README.md", "--at", "1s"], "README.md"),
        (&["no/such", "--at", "1s"], "no/such"),
    ] {
        assert_refused(&[&["explain"], args].concat(), expected);
    }
}

#[test]
fn a_finding_is_explained_at_its_worst() {
    for (name, value) in [
        ("mutex_contention", "waited for a lock"),
        ("gc_pause", "world stopped"),
    ] {
        let report = run(&["analyze", "--format=json", &fixture(name)]);
        let findings = &json(&report)["reports"][0]["findings"];
        let finding = findings.as_array().unwrap().iter().position(|f| {
            let times = ["worst_at_ns", "first_ns"].map(|key| f[key].as_u64().unwrap());
            f["count"].as_u64() > Some(1) && times[0] > times[1]
        });
        let finding = finding.unwrap();
        let worst = findings[finding]["worst"].as_u64().unwrap();
        let worst = gotracer::units::duration(worst);
        let id = findings[finding]["id"].as_str().unwrap();
        let text = explain(name, &["--finding", id]);
        let shown = |line: &str| line.contains(value) && line.contains(&worst);
        assert!(text.lines().skip(1).any(shown), "{worst}: {text}");
    }
}
