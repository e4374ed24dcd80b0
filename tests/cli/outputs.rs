//! Files that are written: where to, and what they must not replace.

use super::*;

const READ: &str = "tests/fixtures/go1.25.5/mutex_contention.trace";

#[test]
fn missing_directories_are_made() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    let (html, csv) = (path("a/b/report.html"), path("c/findings.csv"));
    let (known, diff) = (path("d/known.json"), path("e/diff.html"));
    let (perfetto, copy) = (path("f/g.pftrace"), path("h/copy.trace"));
    let format = format!("csv={csv}");
    let analyzed = ["analyze", READ, "-o", &html, "--format", &format];
    assert_exit(&run(&analyzed), 1);
    assert_exit(&run(&["analyze", READ, "--write-baseline", &known]), 0);
    assert_exit(&run(&["diff", READ, READ, "-o", &diff]), 0);
    assert_exit(&run(&["export", "perfetto", READ, "-o", &perfetto]), 0);
    assert_exit(&run(&["anonymize", READ, &copy]), 0);
    for written in [&html, &csv, &known, &diff, &perfetto, &copy] {
        assert!(fs::metadata(written).unwrap().len() > 100, "{written}");
    }
}

/// Every way in which a file can be written, with the trace that is read and
/// the place.
fn writing(read: &str, to: &str) -> Vec<Vec<String>> {
    let html = format!("html={to}");
    let calls = [
        &["analyze", read, "-o", to][..],
        &["analyze", read, "--format", &html],
        &["analyze", read, "--write-baseline", to],
        &["diff", FOUND, read, "-o", to],
        &["export", "perfetto", read, "-o", to],
        &["anonymize", read, to],
        &["cut", read, "--to", "1s", "-o", to],
    ];
    calls
        .iter()
        .map(|call| call.iter().map(ToString::to_string).collect())
        .collect()
}

#[test]
fn no_output_replaces_what_is_read() {
    let trace = fs::read(READ).unwrap();
    let (dir, read) = with_file("trace.out", &trace);
    let path = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    fs::hard_link(&read, path("hard")).unwrap();
    #[cfg(unix)]
    std::os::unix::fs::symlink("trace.out", path("soft")).unwrap();
    #[cfg(not(unix))]
    fs::hard_link(&read, path("soft")).unwrap();
    for to in [&read, &path("./trace.out"), &path("hard"), &path("soft")] {
        for args in writing(&read, to) {
            let output = gotracer().args(&args).output().unwrap();
            assert_exit(&output, 2);
            assert!(stderr(&output).contains(": it is the input"), "{args:?}");
            assert_eq!(fs::read(&read).unwrap(), trace, "{args:?}");
        }
    }
    // One of many in a directory is read, too; so are configurations.
    let directory = dir.path().to_str().unwrap();
    assert_exit(&run(&["analyze", directory, "-o", &read]), 2);
    assert_exit(&run(&["diff", directory, FOUND, "-o", &read]), 2);
    let (_dir, config) = with_file("gotracer.yml", b"{}");
    assert_exit(
        &run(&["analyze", READ, "--config", &config, "-o", &config]),
        2,
    );
    assert_eq!(fs::read(&config).unwrap(), b"{}");
    // A baseline is brought up to date.
    let known = path("known.json");
    assert_exit(&run(&["analyze", READ, "--write-baseline", &known]), 0);
    let renew = [
        "analyze",
        READ,
        "--baseline",
        &known,
        "--write-baseline",
        &known,
    ];
    assert_exit(&run(&renew), 0);
    // One place takes one file.
    let html = format!("html={}", path("./r.html"));
    assert_exit(
        &run(&["analyze", READ, "-o", &path("r.html"), "--format", &html]),
        2,
    );
}

#[cfg(unix)]
#[test]
fn what_can_not_be_written_leaves_the_old_file() {
    let trace = fs::read(READ).unwrap();
    let (_source, read) = with_file("trace.out", &trace);
    let (dir, to) = with_file("old", b"what was there");
    for args in writing(&read, &to) {
        // A limit on the length of files is a full disk, without a disk.
        let mut limited = Command::new("sh");
        let script = "trap '' XFSZ; ulimit -f 1; exec \"$@\"";
        limited
            .args(["-c", script, "sh"])
            .arg(gotracer().get_program());
        let output = limited.args(&args).output().unwrap();
        assert_exit(&output, 2);
        let said = stderr(&output);
        assert!(
            said.contains(&format!("cannot write {to}: ")),
            "{args:?}: {said}"
        );
        assert_eq!(fs::read(&to).unwrap(), b"what was there", "{args:?}");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "{args:?}");
    }
    // A device is written as it is.
    for args in writing(&read, "/dev/full") {
        let output = gotracer().args(&args).output().unwrap();
        assert_exit(&output, 2);
        assert!(
            stderr(&output).contains("cannot write /dev/full: "),
            "{args:?}"
        );
    }
    assert_exit(&run(&["analyze", READ, "-o", "/dev/null"]), 1);
    let shown = run(&["analyze", READ, "-o", "/dev/stdout"]);
    assert_eq!(stdout(&shown), stdout(&run(&["analyze", READ])));
}

#[cfg(feature = "daemon")]
#[test]
fn a_capture_saves_its_raw_trace_beside_the_report() {
    let capture = |args: &[&str]| run(&[&["capture", "127.0.0.1:1"], args].concat());
    for (args, said) in [
        (&["--save-trace", "-"][..], "raw trace"),
        (&["-o", "trace.out"], "--save-trace"),
        (&["-o", "report.pdf"], ".pdf"),
    ] {
        let output = capture(args);
        assert_exit(&output, 2);
        assert!(stderr(&output).contains(said), "{}", stderr(&output));
        assert!(!Path::new(args[1]).exists());
    }
    // An old file stays if nothing comes.
    let (_dir, old) = with_file("old.trace", b"what was there");
    assert_exit(&capture(&["--save-trace", &old]), 2);
    assert_eq!(fs::read(&old).unwrap(), b"what was there");
}

#[test]
fn a_file_that_was_written_is_named_with_its_size() {
    let dir = tempfile::tempdir().unwrap();
    let page = dir.path().join("report.html");
    let page = page.to_str().unwrap();
    let output = run(&["analyze", READ, "-o", page]);
    assert_exit(&output, 1);
    assert_eq!(stdout(&output), "");
    let said = stderr(&output);
    let mut lines = said.lines();
    assert_eq!(lines.next(), Some("2 findings: 2 warnings"), "{said}");
    let wrote = lines.next().unwrap();
    assert!(wrote.starts_with(&format!("wrote {page} (")), "{said}");
    assert!(wrote.ends_with("KiB)"), "{said}");
    let quiet = run(&["analyze", "-q", READ, "-o", page]);
    assert_eq!(stderr(&quiet), "");
}

#[test]
fn columns_sets_the_width_without_a_terminal() {
    let longest = |columns: &str, args: &[&str]| {
        let mut command = gotracer();
        let output = command.args(args).env("COLUMNS", columns).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        // Commands stay whole, so that they can be copied.
        let lines = text.lines().filter(|line| !line.contains(" gotracer "));
        lines.map(|line| line.chars().count()).max().unwrap()
    };
    let analyze = ["analyze", READ];
    assert!(longest("60", &analyze) <= 60);
    assert!(longest("80", &["explain", READ]) <= 80);
    // A width that is none.
    assert!(longest("wide", &analyze) > 80);
    assert!(longest("0", &analyze) > 80);
}
