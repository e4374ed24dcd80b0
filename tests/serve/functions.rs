//! More start functions of goroutines than a report lists, and goroutines without one, in a trace that was made up.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;

use serde_json::Value;

use crate::support::daemon::{Running, Scratch, without_directories};
use crate::support::text_trace;

/// Start functions of the trace, each with one goroutine.
const FUNCTIONS: usize = 1_200;
/// Groups with a name in a report.
const REPORTED: usize = 1_000;
/// Thread of batches that are not a thread's.
const NONE: u64 = u64::MAX;

/// A trace of a second. Goroutine 2 waits all the time, and the trace does not tell where it started. The others are
/// created one after the other and never run, so the first one takes the most time.
fn trace() -> Vec<u8> {
    let mut text = format!(
        "-- expect --\nSUCCESS\n-- trace --\nTrace Go1.22\nEventBatch gen=1 m={NONE} time=0\n\
         Frequency freq=1000000000\nEventBatch gen=1 m=0 time=0\nProcStatus dt=1 p=0 pstatus=1\n\
         GoStatus dt=1 g=2 m={NONE} gstatus=4\nGoStatus dt=1 g=1 m=0 gstatus=2\n"
    );
    for i in 1..=FUNCTIONS {
        writeln!(
            text,
            "GoCreate dt=1000 new_g={} new_stack={i} stack=0",
            100 + i
        )
        .unwrap();
    }
    text += "ProcsChange dt=998000000 procs_value=1 stack=0\n";
    write!(text, "EventBatch gen=1 m={NONE} time=0\nStacks\n").unwrap();
    for i in 1..=FUNCTIONS {
        writeln!(
            text,
            "Stack id={i} nframes=1\npc={i} func={i} file=0 line=1"
        )
        .unwrap();
    }
    write!(text, "EventBatch gen=1 m={NONE} time=0\nStrings\n").unwrap();
    for i in 1..=FUNCTIONS {
        writeln!(text, "String id={i}\ndata=\"main.f{i}\"").unwrap();
    }
    text_trace::encode(&text).bytes
}

#[test]
fn functions_beyond_the_limit_are_other_and_a_missing_one_is_unknown() {
    let scratch = Scratch::new();
    let directory = scratch.directory("in");
    let config = scratch.config("prometheus: {goroutine_functions: 3}\n");
    let gotracer = Running::gotracer(&directory, scratch.path(), &[&config]);
    fs::write(directory.join("a.trace"), trace()).unwrap();
    gotracer.wait_sample("gotracer_traces_total", 1.0);

    let reports = gotracer.get("/api/v1/reports", "").text();
    let reports: Value = serde_json::from_str(&reports).unwrap();
    let groups = reports["reports"][0]["goroutines"].as_array().unwrap();
    let names: Vec<_> = groups
        .iter()
        .map(|g| g["function"].as_str().unwrap())
        .collect();
    assert_eq!(names.len(), REPORTED + 1);
    assert_eq!(names[..3], ["(unknown)", "main.f1", "main.f2"]);
    assert_eq!(
        names[REPORTED - 1..],
        [&format!("main.f{}", REPORTED - 1), "(other)"]
    );
    let counts =
        |name: &str| groups.iter().find(|g| g["function"] == name).unwrap()["count"].as_u64();
    // Goroutine 1 runs, and is not known either.
    assert_eq!(counts("(unknown)"), Some(2));
    assert_eq!(counts("(other)"), Some((FUNCTIONS + 1 - REPORTED) as u64));

    // The page lists all of them.
    let page = gotracer.get("/reports/1", "text/html").text();
    for name in &names {
        assert!(page.contains(&format!("<code>{name}</code>")), "{name}");
    }
    assert!(page.contains("951 more rows"));

    // The first functions have series, and their sum is the time of the program.
    let metrics = without_directories(&gotracer.get("/metrics", "text/plain").text());
    let mut times = BTreeMap::<_, f64>::new();
    let mut sum = 0.0;
    for line in metrics.lines() {
        let Some((series, value)) = line.rsplit_once(' ') else {
            continue;
        };
        let value = || value.parse::<f64>().unwrap();
        if series.starts_with("gotrace_goroutine_seconds_total{") {
            sum += value();
        }
        if let Some(labels) =
            series.strip_prefix("gotrace_goroutine_by_function_seconds_total{function=\"")
        {
            let function = labels.split('"').next().unwrap();
            *times.entry(function.to_owned()).or_default() += value();
        }
    }
    let functions: Vec<_> = times.keys().map(String::as_str).collect();
    assert_eq!(functions, ["(unknown)", "main.f1", "main.f2", "other"]);
    assert!(
        (times.values().sum::<f64>() - sum).abs() < 1e-6,
        "{times:?} {sum}"
    );
    assert!(times["other"] > 0.9 * sum, "{times:?} {sum}");
}
