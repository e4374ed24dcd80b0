//! Traces without evidence: they never look like traces without findings.

use super::*;

/// Traces in which nothing was recorded, as every Go version writes them.
fn silent() -> Vec<(String, Vec<u8>)> {
    let header = |version| format!("go 1.{version} trace\0\0\0").into_bytes();
    let mut traces: Vec<_> = [11, 19, 21, 22, 23, 25, 26, 27]
        .map(|version| (format!("header of 1.{version}"), header(version)))
        .into();
    for name in ["no-stop-go1.22", "no-stop-go1.26"] {
        let bytes = fs::read(format!("tests/damaged/{name}.trace")).unwrap();
        // A generation of Go 1.25 needs no marker to be whole.
        let as_25 = [&header(25)[..], &bytes[16..]].concat();
        traces.push((format!("{name} as 1.25"), as_25));
        traces.push((name.into(), bytes));
    }
    traces
}

#[test]
fn a_trace_without_events_is_an_error_in_every_format() {
    const FORMATS: [&str; 9] = [
        "table", "json", "jsonl", "csv", "html", "markdown", "junit", "sarif", "github",
    ];
    for (name, bytes) in silent() {
        let (_dir, path) = with_file("silent.trace", &bytes);
        for format in FORMATS.map(|format| ["--format", format]) {
            for more in [&[][..], &["--strict"], &["--quiet"]] {
                let args = [&["analyze"][..], &format, more, &[&path]].concat();
                let output = run(&args);
                assert_exit(&output, 2);
                let said = stderr(&output);
                assert_eq!(said.lines().count(), 1, "{name}: {said}");
                for part in ["nothing was recorded", "trace.Stop", "go test -trace"] {
                    assert!(said.contains(part), "{name}: {said}");
                }
                assert!(!stdout(&output).contains("no findings"), "{name}");
            }
        }
        assert_exit(&run_with_stdin(&["analyze", "-"], &gzip(&bytes)), 2);
    }
}

#[test]
fn no_command_takes_a_trace_without_events_for_a_good_one() {
    for (name, bytes) in silent() {
        let (_dir, path) = with_file("silent.trace", &bytes);
        for args in [
            &["explain", &path, "--at", "0s"][..],
            &["explain", &path, "--finding", "1"],
            &["export", "perfetto", &path],
            &["events", &path],
            &["diff", CLEAN, &path],
            &["diff", &path, CLEAN],
        ] {
            let output = run(args);
            assert_exit(&output, 2);
            let said = stderr(&output);
            assert_eq!(
                said.matches("nothing was recorded").count(),
                1,
                "{name}: {said}"
            );
        }
    }
}

#[test]
fn a_trace_that_ends_in_its_first_generation_says_why() {
    for version in ["go1.19", "go1.21.13", "go1.27.3"] {
        let whole = fs::read(format!("tests/fixtures/{version}/gc_pause.trace")).unwrap();
        let (_dir, path) = with_file("cut.trace", &whole[..whole.len() / 8]);
        let output = run(&["analyze", &path]);
        assert_exit(&output, 2);
        let said = stderr(&output);
        assert!(
            said.contains("the program ended before trace.Stop"),
            "{said}"
        );
    }
}

#[test]
fn a_clock_that_stands_still_is_said() {
    let mut bytes = fs::read("tests/fixtures/go1.22.10/mutex_contention.trace").unwrap();
    // A frequency of 15,625,000 becomes one of 0, in as many bytes.
    const FREQUENCY: [u8; 5] = [8, 0xa8, 0xd6, 0xb9, 7];
    let mut generations = 0;
    for at in 0..bytes.len() - FREQUENCY.len() {
        if bytes[at..].starts_with(&FREQUENCY) {
            bytes[at + 1..at + 5].copy_from_slice(&[0x80, 0x80, 0x80, 0]);
            generations += 1;
        }
    }
    assert!(generations > 0);
    let (_dir, path) = with_file("still.trace", &bytes);
    let output = run(&["analyze", &path]);
    assert_exit(&output, 2);
    let (out, said) = (stdout(&output), stderr(&output));
    assert!(said.contains("a frequency of 0"), "{said}");
    assert!(out.contains("no rule could be judged"), "{out}");
    assert!(!out.contains("no findings"), "{out}");
}

#[test]
fn rules_without_evidence_are_not_a_clean_bill() {
    let args = ["analyze", "--rule", "HeapGrowthSpike", CLEAN];
    let output = run(&args);
    assert_exit(&output, 2);
    assert!(
        stdout(&output).contains("no rule could be judged\n"),
        "{}",
        stdout(&output)
    );
    assert!(
        stderr(&output).contains("no rule could be judged"),
        "{}",
        stderr(&output)
    );
    for format in ["html", "markdown"] {
        let output = run(&[&args[..], &["--format", format]].concat());
        assert_exit(&output, 2);
        assert!(
            stdout(&output).contains("no rule could be judged"),
            "{format}"
        );
        assert!(!stdout(&output).contains("no findings"), "{format}");
    }
}

#[test]
fn callbacks_from_c_before_go_1_22_are_named() {
    let output = run(&[
        "analyze",
        "tests/damaged/cgo-callback-inconsistent-go1.21.trace",
    ]);
    let said = stderr(&output);
    assert!(
        said.contains("golang/go#29707") && said.contains("Go 1.22"),
        "{said}"
    );
}
