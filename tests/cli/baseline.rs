//! `gotracer analyze --baseline` and `--write-baseline`, and reports of older versions.

use super::*;

const WORSE: &str = "tests/fixtures/go1.25.5/gc_pause.trace";

#[test]
fn a_baseline_knows_what_was_found_before() {
    let dir = tempfile::tempdir().unwrap();
    let known = dir.path().join("known.json");
    let known = known.to_str().unwrap();
    assert_exit(&run(&["analyze", WORSE]), 1);
    assert_exit(&run(&["analyze", "--write-baseline", known, WORSE]), 0);
    let again = run(&["analyze", "--baseline", known, WORSE]);
    assert_exit(&again, 0);
    assert!(stdout(&again).contains(" known"), "{}", stdout(&again));
    assert!(
        !stdout(&again).contains("[GCPauseSpike]"),
        "{}",
        stdout(&again)
    );
    // Another program's findings are new.
    let other = run(&["analyze", "--baseline", known, FOUND]);
    assert_exit(&other, 1);
    // So is what was a warning and is an error.
    let warned = dir.path().join("warned.json");
    let warned = warned.to_str().unwrap();
    let lax = ["--rule=GCPauseSpike", "--set=GCPauseSpike.error=10s"];
    let write = ["analyze", "--write-baseline", warned, WORSE];
    assert_exit(&run(&[&write[..], &lax].concat()), 0);
    let read = ["analyze", "--baseline", warned, WORSE];
    assert_exit(&run(&[&read[..], &lax].concat()), 0);
    assert_exit(&run(&[&read[..], &lax[..1]].concat()), 1);
    let value = json(&run(&[
        "analyze",
        "--format=json",
        "--baseline",
        known,
        WORSE,
    ]));
    let report = &value["reports"][0];
    assert_eq!(report["findings"].as_array().unwrap().len(), 0);
    assert!(report["known"].as_u64().unwrap() > 0);
    assert_exit(&run(&["analyze", "--baseline", "no/such.json", WORSE]), 2);
    assert_exit(&run(&["analyze", "--baseline", WORSE, WORSE]), 2);
}

#[test]
fn reports_of_version_0_1_are_compared_with_a_note() {
    const SIMILAR: &str = "tests/fixtures/go1.26.6/gc_pause.trace";
    let old = "tests/compare/version-0.1.json";
    let note = format!("note: {old}: written by gotracer 0.1");
    let gated = ["analyze", "--baseline", old, SIMILAR];
    let known = run(&gated);
    assert!(stderr(&known).contains(&note), "{}", stderr(&known));
    // That version had the pauses at one place three times.
    assert!(
        !stdout(&known).contains("[GCPauseSpike]"),
        "{}",
        stdout(&known)
    );
    let quiet = run(&[&gated[..], &["-q"]].concat());
    assert!(!stderr(&quiet).contains("note:"), "{}", stderr(&quiet));
    let compared = run(&["diff", old, SIMILAR]);
    assert!(stderr(&compared).contains(&note), "{}", stderr(&compared));
    assert_eq!(stderr(&run(&["diff", SIMILAR, SIMILAR])), "");
}
