//! `gotracer cut`.

use super::*;

const TRACE: &str = "tests/fixtures/go1.27.3/syscall_long.trace";

/// Duration and generations of a trace, as its report has them.
fn measured(trace: &str) -> (u64, u64) {
    let output = run(&["analyze", "--format=json", "--fail-on=never", trace]);
    assert_exit(&output, 0);
    let report = &json(&output)["reports"][0]["trace"];
    let number = |key: &str| report[key].as_u64().unwrap();
    (number("duration_ns"), number("generations"))
}

#[test]
fn a_part_is_a_shorter_trace() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("part.trace").to_str().unwrap().to_owned();
    let output = run(&["cut", TRACE, "--from=1500ms", "--to=2.5s", "-o", &out]);
    assert_exit(&output, 0);
    assert!(
        stderr(&output).starts_with("2 generations, from 1"),
        "{}",
        stderr(&output)
    );
    let (whole, part) = (measured(TRACE), measured(&out));
    assert_eq!(part.1, 2);
    assert!(
        part.0 >= 1_000_000_000 && part.0 < whole.0,
        "{part:?} {whole:?}"
    );
}

#[test]
fn a_part_of_standard_input_is_the_same() {
    let file = run(&["cut", TRACE, "--to=1s", "-o", "-"]);
    assert_exit(&file, 0);
    let mut piped = gotracer();
    piped.args(["cut", "-", "--to=1s", "-o", "-"]);
    piped.stdin(std::fs::File::open(TRACE).unwrap());
    let piped = piped.output().unwrap();
    assert_exit(&piped, 0);
    assert!(file.stdout.len() > 1_000);
    assert!(file.stdout == piped.stdout);
}

#[test]
fn what_cannot_be_cut_is_refused() {
    let refused = |args: &[&str], text: &str| {
        let output = run(&[&["cut"], args, &["-o", "-"]].concat());
        assert_exit(&output, 2);
        assert!(output.stdout.is_empty());
        assert!(stderr(&output).contains(text), "{}", stderr(&output));
    };
    refused(&[TRACE, "--from=2m"], "the trace ends before 120s");
    refused(
        &[TRACE, "--from=2s", "--to=1s"],
        "--from must be before --to",
    );
    refused(&[TRACE], "--from <TIME>|--to <TIME>");
    refused(
        &["tests/fixtures/go1.19/idle.trace", "--to=1s"],
        "a trace of Go 1.19 can't be cut",
    );
}

#[test]
fn a_damaged_trace_is_cut_as_far_as_it_is_whole() {
    let whole = std::fs::read(TRACE).unwrap();
    let (_dir, damaged) = with_file("damaged.trace", &whole[..whole.len() * 9 / 10]);
    let output = run(&["cut", &damaged, "--from=0s", "-o", "-"]);
    assert_exit(&output, 0);
    assert!(stderr(&output).contains("warning"), "{}", stderr(&output));
    let (_dir, part) = with_file("part.trace", &output.stdout);
    assert_exit(&run(&["analyze", "--fail-on=never", "--strict", &part]), 0);
}
