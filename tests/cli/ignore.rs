//! Findings that are known and accepted: `ignore` and `.gotracerignore`.

use super::*;

/// Runs in a directory with a trace, a configuration and a `.gotracerignore`.
fn run_in(config: &str, file: &str, args: &[&str]) -> Output {
    let directory = tempfile::tempdir().unwrap();
    fs::copy(FOUND, directory.path().join("a.trace")).unwrap();
    fs::write(directory.path().join("gotracer.yml"), config).unwrap();
    if !file.is_empty() {
        fs::write(directory.path().join(".gotracerignore"), file).unwrap();
    }
    let mut command = gotracer();
    command.args(args).current_dir(directory.path());
    command.output().unwrap()
}

const ENTRY: &str =
    "ignore:\n- {rule: MutexContention, function: main.lockForever, reason: JIRA-1}\n";
const LEAK: &str = "- {rule: GoroutineLeakGrowth, reason: on purpose}\n";
const ANALYZE: [&str; 2] = ["analyze", "a.trace"];

#[test]
fn a_suppressed_finding_fails_nothing_and_is_still_measured() {
    let before = json(&run_in("", "", &["analyze", "--format=json", "a.trace"]));
    let file = format!("{ENTRY}{LEAK}");
    let output = run_in("", &file, &ANALYZE);
    assert_exit(&output, 0);
    let text = stdout(&output);
    assert!(text.contains("no findings; 2 suppressed"), "{text}");
    assert_eq!(stderr(&output), "");
    let verbose = stdout(&run_in("", &file, &["analyze", "-v", "a.trace"]));
    let line = "suppressed: MutexContention at main.lockForever locks.go:";
    assert!(verbose.contains(line), "{verbose}");
    let place = "(.gotracerignore, line 2: JIRA-1)";
    assert!(
        verbose
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ")
            .contains(place),
        "{verbose}"
    );

    let after = json(&run_in("", &file, &["analyze", "--format=json", "a.trace"]));
    let (before, after) = (&before["reports"][0], &after["reports"][0]);
    assert_eq!(after["findings"].as_array().unwrap().len(), 0);
    let suppressed = after["suppressed"].as_array().unwrap();
    assert_eq!(
        suppressed.len(),
        before["findings"].as_array().unwrap().len()
    );
    let lock = suppressed.iter().find(|s| s["reason"] == "JIRA-1").unwrap();
    assert_eq!(lock["finding"]["rule"], "MutexContention");
    assert_eq!(lock["until"], serde_json::Value::Null);
    for (before, after) in before["rules"]
        .as_array()
        .unwrap()
        .iter()
        .zip(after["rules"].as_array().unwrap())
    {
        assert_eq!(before["measurement"], after["measurement"]);
        assert_ne!(after["status"], "found");
    }
    let all = run_in("", &file, &["analyze", "--no-ignore", "a.trace"]);
    assert_exit(&all, 1);
    assert!(!stdout(&all).contains("suppressed"));
}

#[test]
fn the_configuration_suppresses_by_service_and_stack() {
    let config = format!(
        "{ENTRY}- {{stack: ['main.*', '**', 'sync.(*Mutex).Lock'], service: shop, reason: a}}\n\
         - {{rule: GoroutineLeakGrowth, service: shop, reason: b}}\n"
    );
    let with = |more: &[&str]| {
        let args = [&["analyze", "--config=gotracer.yml", "a.trace"], more].concat();
        stdout(&run_in(&config, "", &args))
    };
    assert!(with(&[]).contains("; 1 suppressed"), "{}", with(&[]));
    let shop = with(&["--service=shop"]);
    assert!(shop.contains("no findings; 2 suppressed"), "{shop}");
    let other = with(&["--service=other"]);
    assert!(other.contains("; 1 suppressed"), "{other}");
}

#[test]
fn entries_that_are_over_or_fit_nothing_are_named() {
    let file = "ignore:\n\
        - {rule: MutexContention, reason: old, until: 2024-02-29}\n\
        - {rule: MutexContention, function: main.gone, reason: moved}\n\
        - {rule: GCAssist, reason: never seen}\n";
    let output = run_in("", file, &["analyze", "--skip-rule=GCAssist", "a.trace"]);
    assert_exit(&output, 1);
    let said = stderr(&output);
    for line in [
        "warning: .gotracerignore, line 2: over since 2024-02-29, shown again (old)",
        "warning: .gotracerignore, line 3: suppresses nothing (moved)",
    ] {
        assert!(said.contains(line), "{said}");
    }
    assert!(!said.contains("line 4"), "{said}");
    let quiet = run_in("", file, &["analyze", "-q", "a.trace"]);
    assert_eq!(stderr(&quiet), "");
}

#[test]
fn an_entry_without_a_reason_is_an_error() {
    let output = run_in("", "ignore:\n- {rule: GCAssist}\n", &ANALYZE);
    assert_exit(&output, 2);
    let said = stderr(&output);
    assert!(
        said.contains(".gotracerignore") && said.contains("line 2"),
        "{said}"
    );
    assert!(said.contains("needs a reason"), "{said}");
}

#[test]
fn sarif_has_suppressions() {
    let output = run_in("", ENTRY, &["analyze", "--format=sarif", "a.trace"]);
    let log = json(&output);
    let results = log["runs"][0]["results"].as_array().unwrap();
    let lock = results
        .iter()
        .find(|r| r["ruleId"] == "MutexContention")
        .unwrap();
    let expected = serde_json::json!([
        {"kind": "external", "status": "accepted", "justification": "JIRA-1"}
    ]);
    assert_eq!(lock["suppressions"], expected);
    let others = results.iter().filter(|r| r["ruleId"] != "MutexContention");
    assert!(others.into_iter().all(|r| r.get("suppressions").is_none()));
    let Some(schema) = formats::sarif_schema() else {
        return;
    };
    let validator = jsonschema::validator_for(&schema).unwrap();
    assert!(validator.is_valid(&log));
}
