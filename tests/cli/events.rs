//! `gotracer events`.

use super::*;

fn lines(args: &[&str]) -> Vec<String> {
    let output = run(&[&["events", FOUND], args].concat());
    assert_exit(&output, 0);
    stdout(&output).lines().map(String::from).collect()
}

fn without_stacks(lines: Vec<String>) -> Vec<String> {
    lines
        .into_iter()
        .filter(|l| !l.starts_with("S\t"))
        .collect()
}

fn time(line: &str) -> i64 {
    line.split('\t').next().unwrap().parse().unwrap()
}

#[test]
fn by_kind() {
    let all = without_stacks(lines(&[]));
    let some = without_stacks(lines(&[
        "--kind",
        "statetransition",
        "--kind",
        "Metric,Sync",
    ]));
    let wanted = |l: &&String| {
        ["StateTransition", "Metric", "Sync"].contains(&l.split('\t').nth(4).unwrap())
    };
    assert!(some.len() < all.len());
    assert_eq!(some.len(), all.iter().filter(wanted).count());
    assert_exit(&run(&["events", "--kind", "Nothing", FOUND]), 2);
}

#[test]
fn by_goroutine() {
    let all = without_stacks(lines(&[]));
    let some = without_stacks(lines(&["--goroutine", "20"]));
    let about = |l: &&String| l.contains("\tg20\t");
    assert!(!some.is_empty());
    assert_eq!(some.len(), all.iter().filter(about).count());
    assert!(some.iter().all(|l| about(&l)));
    assert_eq!(
        lines(&["--goroutine", "g20"]),
        lines(&["--goroutine", "20"])
    );
    assert_exit(&run(&["events", "--goroutine", "main", FOUND]), 2);
}

#[test]
fn by_time() {
    let all = without_stacks(lines(&[]));
    let start = time(&all[0]);
    let (from, to) = (start + 300_000_000, start + 400_000_000);
    let inside = |l: &&String| (from..to).contains(&time(l));
    let expected: Vec<_> = all.iter().filter(inside).cloned().collect();
    assert!(!expected.is_empty() && expected.len() < all.len());
    let relative = lines(&["--from", "300ms", "--to", "0.4s"]);
    assert_eq!(without_stacks(relative).len(), expected.len());
    let (from, to) = (from.to_string(), to.to_string());
    let absolute = lines(&["--from", &from, "--to", &to]);
    assert_eq!(without_stacks(absolute).len(), expected.len());
    assert_exit(&run(&["events", "--from", "soon", FOUND]), 2);
}

#[test]
fn only_stacks_that_are_used_are_defined() {
    let some = lines(&["--kind", "Metric"]);
    let defined = some.iter().filter(|l| l.starts_with("S\t")).count();
    let used: std::collections::HashSet<_> = some
        .iter()
        .filter_map(|l| l.rsplit("\ts=").next().filter(|s| s.parse::<u32>().is_ok()))
        .collect();
    assert_eq!(defined, used.len());
}

#[test]
fn the_error_is_the_last_line() {
    let bytes = fs::read(LONG).unwrap();
    let output = run_with_stdin(&["events", "-"], &bytes[..bytes.len() - 100]);
    assert_exit(&output, 2);
    let text = stdout(&output);
    let last = text.lines().last().unwrap();
    assert!(last.starts_with("ERR\t\""), "{last}");
    assert_eq!(text.matches("\nERR\t").count(), 1);
    assert!(stderr(&output).contains("-: "), "{}", stderr(&output));
    let nothing = run(&["events", "no/such/file"]);
    assert_exit(&nothing, 2);
    assert!(nothing.stdout.is_empty());
}

#[test]
fn compressed_or_not_is_the_same() {
    let plain = run(&["events", FOUND]);
    let piped = run_with_stdin(&["events", "-"], &gzip(&fs::read(FOUND).unwrap()));
    assert!(plain.stdout == piped.stdout && !plain.stdout.is_empty());
}
