//! What `gotracer analyze` can be given.

use super::*;

#[test]
fn stdin_and_compression_change_nothing() {
    let bytes = fs::read(FOUND).unwrap();
    let zstd = zstd::encode_all(&bytes[..], 3).unwrap();
    let plain = json(&run(&["analyze", "--format", "json", FOUND]));
    let findings = &plain["reports"][0]["findings"];
    assert!(!findings.as_array().unwrap().is_empty());
    for input in [bytes.clone(), gzip(&bytes), zstd] {
        let piped = run_with_stdin(&["analyze", "--format", "json", "-"], &input);
        assert_exit(&piped, 1);
        assert_eq!(&json(&piped)["reports"][0]["findings"], findings);
        // The name does not matter.
        let (_dir, path) = with_file("some.file", &input);
        let file = run(&["analyze", "--format", "json", &path]);
        assert_exit(&file, 1);
        assert_eq!(&json(&file)["reports"][0]["findings"], findings);
        let redirected = gotracer()
            .args(["analyze", "--format", "json", "-"])
            .stdin(fs::File::open(&path).unwrap())
            .output()
            .unwrap();
        assert_eq!(&json(&redirected)["reports"][0]["findings"], findings);
        assert_eq!(json(&redirected)["reports"][0]["trace"]["source"], "-");
    }
}

#[test]
fn what_is_in_a_directory() {
    let dir = tempfile::tempdir().unwrap();
    fs::copy(FOUND, dir.path().join("b.trace")).unwrap();
    fs::copy(CLEAN, dir.path().join("a.trace")).unwrap();
    fs::write(dir.path().join("notes.txt"), "not a trace at all").unwrap();
    let path = dir.path().to_str().unwrap();
    let output = run(&["analyze", path]);
    assert_exit(&output, 1);
    let text = stdout(&output);
    let position = |what: &str| text.find(what).expect(what);
    assert!(position("a.trace") < position("b.trace"));
    assert!(position("b.trace") < position("summary of 2 traces"));
    let warning = stderr(&output);
    assert!(
        warning.contains("notes.txt: skipped: not a Go execution trace"),
        "{warning}"
    );
    // Named, it is an error; quiet, it is none of our business.
    let named = format!("{path}/notes.txt");
    assert_exit(&run(&["analyze", &named]), 2);
    assert!(stderr(&run(&["analyze", "-q", path])).is_empty());
    for name in ["a.trace", "b.trace"] {
        fs::remove_file(dir.path().join(name)).unwrap();
    }
    assert_exit(&run(&["analyze", path]), 2);
}

#[test]
fn a_pattern_that_the_shell_did_not_expand() {
    let output = run(&[
        "analyze",
        "--format",
        "json",
        "tests/fixtures/go1.25.5/mutex_*.trace",
    ]);
    assert_exit(&output, 1);
    let reports = json(&output)["reports"].as_array().unwrap().clone();
    let sources: Vec<_> = reports.iter().map(|r| &r["trace"]["source"]).collect();
    assert!(sources.len() >= 2);
    assert!(sources.is_sorted_by_key(|s| s.as_str()), "{sources:?}");
    assert_exit(&run(&["analyze", "tests/fixtures/nothing*.trace"]), 2);
}

#[test]
fn results_are_in_the_order_of_the_arguments() {
    let traces = [FOUND, CLEAN, LONG, FOUND, CLEAN];
    for jobs in ["1", "4"] {
        let args = ["analyze", "--format", "json", "--jobs", jobs];
        let output = run(&[&args[..], &traces].concat());
        let value = json(&output);
        let reports = value["reports"].as_array().unwrap();
        let sources: Vec<_> = reports
            .iter()
            .map(|r| r["trace"]["source"].as_str().unwrap())
            .collect();
        assert_eq!(sources, traces);
    }
}

#[test]
fn what_can_not_be_read_does_not_hide_the_rest() {
    let (_dir, empty) = with_file("empty.trace", b"");
    for bad in [
        "no/such/file.trace",
        "src/lib.rs",
        &empty,
        "tests/fixtures/nothing*",
    ] {
        let output = run(&["analyze", bad, FOUND]);
        assert_exit(&output, 2);
        assert!(stderr(&output).contains(bad), "{bad}: {}", stderr(&output));
        assert!(stdout(&output).contains("MutexContention"), "{bad}");
    }
    assert!(stderr(&run(&["analyze", &empty])).contains("the input is empty"));
    assert_exit(&run_with_stdin(&["analyze", "-"], b""), 2);
}

#[test]
fn a_trace_that_breaks_off() {
    let bytes = fs::read(LONG).unwrap();
    let (_dir, path) = with_file("cut.trace", &bytes[..bytes.len() - 100]);
    let output = run(&["analyze", &path]);
    assert_exit(&output, 1);
    assert!(
        stdout(&output).contains("broke off:"),
        "{}",
        stdout(&output)
    );
    assert!(stderr(&output).contains("warning:"), "{}", stderr(&output));
    assert_exit(&run(&["analyze", "--strict", &path]), 2);
    assert_exit(&run(&["analyze", "--strict", LONG]), 1);
    let report = &json(&run(&["analyze", "--format", "json", &path]))["reports"][0];
    assert!(report["trace"]["error"].is_string());
    assert_ne!(report["trace"]["lost_bytes"], 0);
}

#[test]
fn compressed_data_that_breaks_off() {
    let bytes = gzip(&fs::read(LONG).unwrap());
    let output = run_with_stdin(&["analyze", "-"], &bytes[..bytes.len() - 100]);
    assert_exit(&output, 1);
    assert!(
        stdout(&output).contains("broke off:"),
        "{}",
        stdout(&output)
    );
}
