//! Tasks and regions: their times against those of the Go project's own summarizer, their bounds, and the ids that
//! programs log.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use gotracer::analysis::analyze_plainly;
use gotracer::report::{Region, Report, Task};
use gotracer::rules::Settings;
use gotracer::timeline::{Leaf, State, StateVector};
use gotracer::trace::Input;
use serde_json::Value;

use crate::program::report;
use crate::support;

/// 40 requests that are tasks of about 37 ms with four regions each; its source is beside it.
fn requests() -> PathBuf {
    support::tests_dir("time/traces/tasks.trace")
}

fn gotracer(args: &[&str]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gotracer"));
    let output = command.args(args).output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{args:?}: {errors}");
    String::from_utf8(output.stdout).unwrap()
}

fn task<'r>(report: &'r Report, name: &str) -> &'r Task {
    report.tasks.iter().find(|task| task.name == name).unwrap()
}

fn region<'r>(report: &'r Report, name: &str) -> &'r Region {
    report
        .regions
        .iter()
        .find(|region| region.name == name)
        .unwrap()
}

/// Milliseconds with three digits, as the reference of the trace has them.
fn ms(ns: u64) -> String {
    format!("{:.3}", ns as f64 / 1e6)
}

#[test]
fn regions_of_a_known_program_equal_the_summarizer_s_to_the_digit() {
    let report = report(&requests());
    let of = |name: &str, state: State| ms(region(&report, name).time.of(state));
    assert_eq!(of("db", State::Select), "836.286");
    assert_eq!(of("db", State::Running), "2.497");
    for name in ["cpu", "db", "lock", "fanout"] {
        let region = region(&report, name);
        assert_eq!((region.duration.count(), region.open), (40, 0), "{name}");
        assert_eq!(region.time.total(), region.duration.sum(), "{name}");
    }
    assert!(region(&report, "lock").time.of(State::Sleep) > 100_000_000);
    let checkout = task(&report, "GET /checkout");
    assert_eq!((checkout.duration.count(), checkout.open), (40, 0));
    // One goroutine does all of a task, but for those of the fanout, which have neither regions nor logs.
    assert_eq!(checkout.time.total(), checkout.duration.sum());
    assert_eq!(checkout.time_others, StateVector::default());
    assert_eq!(checkout.slowest.len(), 10);
    assert_eq!(checkout.slowest[0].duration_ns, checkout.duration.max());
    let slowest = &checkout.slowest[0];
    let id = slowest.trace_id.as_deref().unwrap();
    assert_eq!((id.len(), slowest.span_id.as_ref()), (32, None));
    assert!(
        (1..=40).contains(&u128::from_str_radix(id, 16).unwrap()),
        "{id}"
    );
    // A region belongs to its task.
    let db = &region(&report, "db").slowest[0];
    assert!(db.task.is_some() && db.trace_id.is_some());
}

#[test]
fn a_wait_for_another_goroutine_is_what_that_one_does_meanwhile() {
    let report = report(&requests());
    let of = |name: &str, leaf: Leaf| region(&report, name).time_in_the_end.of(leaf);
    // The request's goroutine waits in a select for one that waits for the network.
    let network = of("db", Leaf::of(State::Network));
    assert!(network > 820_000_000, "{network}");
    assert!(of("db", Leaf::of(State::Select)) < 10_000_000);
    // It receives from goroutines that sleep.
    let sleep = of("fanout", Leaf::of(State::Sleep));
    assert!(sleep > 80_000_000, "{sleep}");
    let wholes = report
        .regions
        .iter()
        .map(|r| (r.name.as_str(), r.time, r.time_in_the_end));
    let tasks = report
        .tasks
        .iter()
        .map(|t| (t.name.as_str(), t.time, t.time_in_the_end));
    for (name, time, end) in wholes.chain(tasks) {
        assert_eq!(end.total(), time.total(), "{name}");
    }
    let text = gotracer(&["tasks", "--slowest=0", requests().to_str().unwrap()]);
    let mut lines = text.lines().skip_while(|line| !line.starts_with("db "));
    let end = lines.nth(1).unwrap();
    assert!(end.trim().starts_with("in the end: network 9"), "{text}");
}

/// Count, duration and, of regions, times by name.
type Sums = BTreeMap<(String, String), Vec<u64>>;

fn theirs(trace: &Path) -> Sums {
    let program = support::go_summary();
    let output = Command::new(program)
        .arg("-user")
        .arg(trace)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", trace.display());
    let text = String::from_utf8(output.stdout).unwrap();
    let line = |line: &str| {
        let mut fields = line.split('\t').map(str::to_owned);
        let kind = fields.next().unwrap();
        let name = fields.next().unwrap();
        let numbers = fields.map(|number| number.parse().unwrap());
        ((kind, name.trim_matches('"').to_owned()), numbers.collect())
    };
    let all = text.lines().map(line);
    // Odd names are quoted.
    all.filter(|((_, name), _): &((_, String), _)| !name.contains('\\'))
        .collect()
}

/// The same of our report, without the types that the trace's start or end cuts off.
fn ours(report: &Report) -> Sums {
    let mut sums = Sums::new();
    for task in report.tasks.iter().filter(|task| task.open == 0) {
        let numbers = vec![task.duration.count(), task.duration.sum()];
        sums.insert(("task".into(), task.name.clone()), numbers);
    }
    for region in report.regions.iter().filter(|region| region.open == 0) {
        let time = &region.time;
        let numbers = vec![
            region.duration.count(),
            region.duration.sum(),
            time.of(State::Running) + time.marking(),
            time.of(State::Runnable),
            time.of(State::Syscall),
            time.waits(),
        ];
        sums.insert(("region".into(), region.name.clone()), numbers);
    }
    sums
}

#[test]
fn tasks_and_regions_equal_the_go_project_s_summary() {
    if !support::have_go() {
        return;
    }
    let old = |version: &str| ["1.19", "1.21"].iter().any(|v| version.starts_with(v));
    let fixtures = support::fixtures().into_iter();
    let fixtures = fixtures
        .filter(|(version, ..)| !old(version))
        .map(|(.., path)| path);
    let mut compared = 0;
    for trace in fixtures.chain([requests()]) {
        let ours = ours(&report(&trace));
        if ours.is_empty() {
            continue;
        }
        let theirs = theirs(&trace);
        for (name, numbers) in &ours {
            if let Some(known) = theirs.get(name) {
                assert_eq!(numbers, known, "{}: {name:?}", trace.display());
                compared += 1;
            }
        }
    }
    assert!(compared > 50, "{compared}");
    eprintln!("{compared} types of tasks and regions are the same");
}

#[test]
fn every_way_of_reading_gives_the_same_tasks() {
    for trace in [
        requests(),
        support::tests_dir("fixtures/go1.27.3/annotations.trace"),
    ] {
        let bytes = std::fs::read(&trace).unwrap();
        let plain = analyze_plainly(Input::from_slice(&bytes), "a", &Settings::default());
        let plain = plain.unwrap().report;
        let packed = report(&trace);
        assert!(!packed.tasks.is_empty());
        assert_eq!(format!("{:?}", packed.tasks), format!("{:?}", plain.tasks));
        assert_eq!(
            format!("{:?}", packed.regions),
            format!("{:?}", plain.regions)
        );
    }
}

#[test]
fn tasks_that_the_trace_cuts_off_are_lower_bounds() {
    let report = report(&support::tests_dir("fixtures/go1.27.3/annotations.trace"));
    let before = task(&report, "(unknown)");
    assert_eq!((before.duration.count(), before.open), (1, 1));
    assert!(before.slowest[0].lower_bound);
    assert_eq!(before.slowest[0].start_ns, 0);
    let never = task(&report, "never ended");
    assert_eq!((never.duration.count(), never.open), (1, 1));
    let end = never.slowest[0].start_ns + never.slowest[0].duration_ns;
    assert_eq!(end, report.trace.duration_ns);
    // A goroutine of a task's region is another one than that which began the task.
    let job = task(&report, "job 0");
    assert!(job.time_others.of(State::Running) > 0, "{job:?}");
    let whole = task(&report, "whole run");
    assert!(whole.time_others.of(State::Running) >= job.time_others.of(State::Running));
}

#[test]
fn the_command_shows_types_their_slowest_and_where_their_time_went() {
    let trace = requests();
    let trace = trace.to_str().unwrap();
    let text = gotracer(&["tasks", "--slowest=1", trace]);
    let find = |start: &str| text.lines().find(|line| line.starts_with(start)).unwrap();
    let checkout = find("GET /checkout ");
    assert!(
        checkout.contains("×40") && checkout.contains("select 5"),
        "{text}"
    );
    assert!(find("db ").contains("select 9"), "{text}");
    let slowest = text
        .lines()
        .find(|line| line.contains("trace 0000"))
        .unwrap();
    let number = slowest.split("task ").nth(1).unwrap();
    let number = number.split(|c: char| !c.is_ascii_digit()).next().unwrap();

    let explained = gotracer(&["explain", trace, "--task", number]);
    assert!(explained.starts_with("task GET /checkout: "), "{explained}");
    // The task's goroutine comes first, with its wait for the database.
    let goroutine = slowest.split("goroutine ").nth(1).unwrap();
    let goroutine = goroutine.split(',').next().unwrap();
    let (_, own) = explained
        .split_once(&format!("\ngoroutine {goroutine}\n"))
        .unwrap();
    let (own, _) = own.split_once("\n\n").unwrap();
    assert!(
        own.contains("waited (select)") && own.contains("ran until"),
        "{explained}"
    );
    let export = ["export", "perfetto", trace, "--task", number, "-o"];
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("task.pftrace");
    gotracer(&[&export[..], &[file.to_str().unwrap()]].concat());
    assert!(std::fs::metadata(&file).unwrap().len() > 1_000);

    let only = gotracer(&["tasks", "--type=d*", "--format=json", trace]);
    let only: Value = serde_json::from_str(&only).unwrap();
    assert_eq!(only["tasks"].as_array().unwrap().len(), 0);
    assert_eq!(only["regions"][0]["type"], "db");
    let select = only["regions"][0]["time"]["select"].as_u64().unwrap();
    assert_eq!(ms(select), "836.286");

    let table = gotracer(&["analyze", "--fail-on=never", trace]);
    assert!(table.contains("GET /checkout"), "{table}");
    let document = gotracer(&["analyze", "--fail-on=never", "--format=json", trace]);
    let document: Value = serde_json::from_str(&document).unwrap();
    let task = &document["reports"][0]["tasks"][0];
    assert_eq!(task["type"], "GET /checkout");
    assert_eq!(task["count"], 40);
    assert!(task["slowest"][0]["trace_id"].is_string());
    assert_eq!(
        document["reports"][0]["regions"].as_array().unwrap().len(),
        4
    );
    let without = "tests/fixtures/go1.27.3/idle.trace";
    assert!(gotracer(&["tasks", without]).contains("no tasks, regions or requests"));
}
