//! `gotracer export`. What is in the file is looked at in tests/perfetto.

use super::*;

fn fixture(name: &str) -> String {
    format!("tests/fixtures/go1.27.3/{name}.trace")
}

fn export(trace: &str, args: &[&str]) -> Vec<u8> {
    let output = run(&[&["export", "perfetto", trace], args].concat());
    assert_exit(&output, 0);
    let said = stderr(&output);
    assert!(said.is_empty() || said.starts_with("wrote "), "{said}");
    output.stdout
}

/// The packets of a file: each begins with its tag and its length.
fn packets(mut bytes: &[u8]) -> usize {
    let mut n = 0;
    while let [0x0a, rest @ ..] = bytes {
        let mut length = 0;
        let digits = rest.iter().take_while(|byte| **byte >= 0x80).count() + 1;
        for (i, byte) in rest[..digits].iter().enumerate() {
            length |= usize::from(byte & 0x7f) << (7 * i);
        }
        bytes = &rest[digits + length..];
        n += 1;
    }
    assert_eq!(bytes, b"");
    n
}

#[test]
fn every_trace_is_exported() {
    for dir in fs::read_dir("tests/fixtures").unwrap() {
        let dir = dir.unwrap().path();
        for name in ["gc_pause", "syscall_long", "coroutine", "empty"] {
            let trace = dir.join(name).with_extension("trace");
            if trace.exists() {
                assert!(packets(&export(trace.to_str().unwrap(), &[])) > 10);
            }
        }
    }
}

#[test]
fn from_anywhere_to_anywhere() {
    let trace = fixture("mutex_contention");
    let bytes = fs::read(&trace).unwrap();
    let to_stdout = export(&trace, &[]);
    let (_dir, file) = with_file("locks.trace.gz", &gzip(&bytes));
    let out = format!("{file}.pftrace");
    assert_eq!(export(&file, &["-o", &out]), b"");
    let to_file = fs::read(&out).unwrap();
    let from_stdin = run_with_stdin(&["export", "-", "--perfetto", "-o", "-"], &bytes);
    assert_exit(&from_stdin, 0);
    for other in [&to_file, &from_stdin.stdout] {
        assert_eq!(packets(other), packets(&to_stdout));
    }
    let part = export(&trace, &["--at=300ms", "--window", "10ms"]);
    assert!(part.len() < to_stdout.len() / 3, "{}", part.len());
    assert!(packets(&export(&trace, &["--finding=1"])) > 10);
}

#[test]
fn a_trace_that_breaks_off_is_exported_as_far_as_it_goes() {
    let whole = fs::read(LONG).unwrap();
    let (_dir, path) = with_file("half.trace", &whole[..whole.len() / 2]);
    let half = run(&["export", "perfetto", &path]);
    assert_exit(&half, 0);
    assert!(stderr(&half).contains("breaks off"), "{}", stderr(&half));
    let n = packets(&half.stdout);
    assert!(n > 100 && n < packets(&export(LONG, &[])), "{n}");
    // What is missing is said even where it is not asked for.
    let start = run(&["export", "perfetto", &path, "--at=100ms"]);
    assert_exit(&start, 0);
    assert_eq!(stderr(&start), stderr(&half));
}

#[test]
fn mistakes_of_export_are_explained() {
    let trace = fixture("gc_pause");
    let (_dir, copy) = with_file("copy.trace", &fs::read(&trace).unwrap());
    let (_dir, text) = with_file("text.trace", b"no trace at all");
    let nowhere = format!("{text}/out.pftrace");
    for (args, expected) in [
        (&[trace.as_str()][..], "unrecognized subcommand"),
        (
            &["perfetto", &trace, "--at", "1s", "--finding", "1"],
            "cannot be used with",
        ),
        (&["perfetto", &trace, "--window", "1s"], "--at"),
        (&["perfetto", &trace, "--at", "1000s"], "is over after"),
        (&["perfetto", &trace, "--finding", "99"], "none is 99"),
        (&["perfetto", "-", "--finding", "1"], "give a file"),
        (&["perfetto", &text], "not a Go execution trace"),
        (&["perfetto", "no/such"], "no/such"),
        (&["perfetto", &copy, "-o", &copy], "it is the input"),
        (&["perfetto", &trace, "-o", &nowhere], "cannot write"),
    ] {
        let output = run(&[&["export"], args].concat());
        assert_exit(&output, 2);
        let text = stderr(&output);
        assert!(text.contains(expected), "{args:?}: {text}");
    }
    assert_eq!(fs::read(&copy).unwrap(), fs::read(&trace).unwrap());
    // What can't be read leaves no file behind.
    let out = format!("{text}.pftrace");
    assert_exit(&run(&["export", "perfetto", &text, "-o", &out]), 2);
    assert!(!Path::new(&out).exists());
}

#[test]
fn all_of_a_large_trace_is_written_only_if_asked_for() {
    let whole = fs::read(fixture("gc_pause")).unwrap();
    let (_dir, path) = with_file("large.trace", &whole);
    // A hole behind the trace makes it large without taking space.
    let file = fs::File::options().write(true).open(&path).unwrap();
    file.set_len(64 << 20).unwrap();
    let refused = run(&["export", "perfetto", &path]);
    assert_exit(&refused, 2);
    let said = stderr(&refused);
    assert!(
        said.contains("about 1.56GiB") && said.contains("--all"),
        "{said}"
    );
    assert!(refused.stdout.is_empty());
    let window = run(&["export", "perfetto", &path, "--at", "1s"]);
    assert_exit(&window, 0);
}
