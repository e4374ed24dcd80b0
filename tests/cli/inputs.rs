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
    // Of several there is one line with a count, unless each is asked for.
    for (name, content) in [
        ("a.json", "{}"),
        ("b.json", "[1]"),
        ("c.prof", "\x5a\x04\x08\x01\x10\x02"),
    ] {
        fs::write(dir.path().join(name), content).unwrap();
    }
    let several = run(&["analyze", path]);
    let line = "warning: skipped 4 files that are no Go execution traces \
                (JSON: 2, a pprof profile: 1, text: 1); -v lists them\n";
    assert_eq!(stderr(&several), line);
    let listed = stderr(&run(&["analyze", "-v", path]));
    assert_eq!(
        listed
            .matches(": skipped: not a Go execution trace")
            .count(),
        4,
        "{listed}"
    );
    let compared = stderr(&run(&["diff", path, FOUND]));
    assert!(
        compared.contains("skipped 3 files that are no"),
        "{compared}"
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

/// A traced program's likeliest other files, as people pass them.
#[test]
fn other_files_are_named_with_what_to_do() {
    let pprof = b"\x5a\x04\x08\x01\x10\x02\x60\x80\x80\x20\x0a\x04\x08\x03\x10\x04\x12\x02\x08\x01";
    let mut tar = vec![0; 1024];
    tar[..5].copy_from_slice(b"a.trc");
    tar[257..262].copy_from_slice(b"ustar");
    let dump = b"goroutine 1 [running]:\nmain.main()\n\t/src/main.go:3 +0x1d\n";
    for (bytes, wanted) in [
        (
            gzip(pprof),
            "a pprof profile; a trace comes from /debug/pprof/trace?seconds=5",
        ),
        (
            pprof.to_vec(),
            "a pprof profile; a trace comes from /debug/pprof/trace?seconds=5",
        ),
        (tar.clone(), "a tar archive; unpack it"),
        (gzip(&tar), "a tar archive; unpack it"),
        (gzip(b"hello\n"), "text that begins with \"hello\""),
        (gzip(&gzip(b"hello\n")), "gzip data within compressed data"),
        (dump.to_vec(), "a goroutine dump; a trace comes from"),
        (
            b"FLR\0\0\x02\0\x01".to_vec(),
            "a recording of Java Flight Recorder",
        ),
        (b"\xfd7zXZ\0\0\x04".to_vec(), "an xz file; unpack it"),
    ] {
        let (_dir, path) = with_file("trace.out", &bytes);
        for output in [
            run(&["analyze", &path]),
            run_with_stdin(&["analyze", "-"], &bytes),
        ] {
            assert_exit(&output, 2);
            let said = stderr(&output);
            let wanted = format!("not a Go execution trace but {wanted}");
            assert!(said.contains(&wanted), "{wanted}: {said}");
            assert!(!said.contains("could not be used"), "{said}");
        }
    }
}

#[test]
fn a_trace_needs_no_subcommand() {
    let long = run(&["analyze", FOUND]);
    assert_eq!(stdout(&run(&[FOUND])), stdout(&long));
    assert_exit(&run(&[FOUND]), 1);
    let verbose = run(&["-v", FOUND, "--top=0"]);
    assert_exit(&verbose, 1);
    assert_eq!(stdout(&verbose), stdout(&run(&["analyze", "-v", FOUND])));
    let missing = run(&["no.trace"]);
    assert_exit(&missing, 2);
    let wanted = "error: no.trace: cannot read: No such file or directory (os error 2)\n";
    assert_eq!(stderr(&missing), wanted);
    let misspelled = run(&["anlyze", FOUND]);
    assert_exit(&misspelled, 2);
    assert!(
        stderr(&misspelled).contains("'analyze'"),
        "{}",
        stderr(&misspelled)
    );
}
