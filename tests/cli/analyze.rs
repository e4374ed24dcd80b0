//! `gotracer analyze`.

use super::*;

#[test]
fn exit_code_says_what_was_found() {
    assert_exit(&run(&["analyze", CLEAN]), 0);
    assert_exit(&run(&["analyze", FOUND]), 1);
    assert_exit(&run(&["analyze", CLEAN, FOUND]), 1);
    assert_exit(&run(&["analyze", "--fail-on", "never", FOUND]), 0);
    assert_exit(&run(&["analyze", "--fail-on", "error", FOUND]), 1);
    let only_warn = [
        "analyze",
        "--rule",
        "GoroutineLeakGrowth",
        "--fail-on",
        "error",
    ];
    let leak = "tests/fixtures/go1.25.5/mutex_stuck.trace";
    assert_exit(&run(&[&only_warn[..], &[leak]].concat()), 0);
}

#[test]
fn a_table_for_people() {
    let output = run(&["analyze", FOUND]);
    let text = stdout(&output);
    assert!(text.contains("MutexContention"), "{text}");
    assert!(text.contains("50 times, worst ≥1.5s"), "{text}");
    assert!(text.contains("next: gotracer explain "), "{text}");
    assert!(text.contains("main.lockForever locks.go:"), "{text}");
    assert!(
        stderr(&output).is_empty(),
        "no progress where there is no terminal"
    );
}

#[test]
fn output_to_a_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("report.json");
    let file = path.to_str().unwrap();
    let output = run(&["analyze", "--format", "json", "--output", file, FOUND]);
    assert_exit(&output, 1);
    assert!(output.stdout.is_empty());
    let value: serde_json::Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    assert_eq!(value["schema"], "gotracer.report/v1");
    assert_exit(&run(&["analyze", "--output", "Cargo.toml/x", FOUND]), 2);
}

#[test]
fn real_reports_follow_the_schema() {
    let schema = fs::read("schema/report-v1.json").unwrap();
    let schema = serde_json::from_slice(&schema).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let output = run(&["analyze", "--format", "json", "tests/fixtures/go*/*.trace"]);
    let value = json(&output);
    assert!(value["reports"].as_array().unwrap().len() > 20);
    let errors: Vec<_> = validator
        .iter_errors(&value)
        .map(|e| e.to_string())
        .collect();
    assert!(errors.is_empty(), "{errors:#?}");
}

#[test]
fn colour_when_asked_for() {
    let colored = |args: &[&str], variable: &str| {
        let mut command = gotracer();
        command
            .arg("analyze")
            .args(args)
            .arg(FOUND)
            .env(variable, "1");
        command.output().unwrap().stdout.contains(&0x1b)
    };
    assert!(!colored(&[], "NONE"), "there is no terminal");
    assert!(colored(&["--color", "always"], "NO_COLOR"));
    assert!(colored(&[], "CLICOLOR_FORCE"));
    assert!(!colored(&["--color=never"], "CLICOLOR_FORCE"));
    assert!(!colored(&["--format=json"], "CLICOLOR_FORCE"));
}

#[test]
fn rules_are_chosen() {
    let rules = |args: &[&str]| -> Vec<String> {
        let args = [&["analyze", "--format", "json", FOUND], args].concat();
        let value = json(&run(&args));
        let rules = value["reports"][0]["rules"].as_array().unwrap();
        let name = |r: &serde_json::Value| r["rule"].as_str().unwrap().to_owned();
        rules.iter().map(name).collect()
    };
    assert_eq!(rules(&[]).len(), RULES.len());
    let two = ["GCPauseSpike", "GCAssist"];
    assert_eq!(rules(&["--rule", "gcassist,GCPauseSpike"]), two);
    assert_eq!(
        rules(&["--rule", "GCAssist", "--rule", "GCPauseSpike"]),
        two
    );
    assert_eq!(rules(&["--skip-rule", "GCAssist"]).len(), RULES.len() - 1);
    let none = run(&[
        "analyze",
        "--rule",
        "GCAssist",
        "--skip-rule",
        "GCAssist",
        FOUND,
    ]);
    assert_exit(&none, 2);
}

#[test]
fn thresholds_are_set() {
    let (_dir, config) = with_file(
        "config.yml",
        b"rules: {GoroutineLeakGrowth: {enabled: false}}\n\
          services: {slow: {rules: {MutexContention: {warn: 10s, error: 20s}}}}\n",
    );
    let exit = |args: &[&str]| run(&[&["analyze", FOUND], args].concat());
    let lax = [
        "--set",
        "MutexContention.warn=1m",
        "--set",
        "MutexContention.error=2m",
    ];
    let only = ["--rule", "MutexContention"];
    assert_exit(&exit(&only), 1);
    assert_exit(&exit(&[&only[..], &lax].concat()), 0);
    assert_exit(&exit(&["--config", &config]), 1);
    assert_exit(&exit(&["--config", &config, "--service", "slow"]), 0);
    // Flags are stronger than the file.
    let strict = [
        "--config",
        &config,
        "--service",
        "slow",
        "--preset",
        "low-latency",
    ];
    assert_exit(&exit(&strict), 1);
    assert_exit(&exit(&[&strict[..], &lax].concat()), 0);
}

#[test]
fn top_shows_the_worst_of_each_rule() {
    let trace = "tests/fixtures/go1.25.5/goroutine_leak.trace";
    let findings = |args: &[&str]| {
        let rule = [
            "analyze",
            "--rule",
            "GoroutineLeakGrowth",
            "--format=json",
            trace,
        ];
        let value = json(&run(&[&rule[..], args].concat()));
        value["reports"][0]["findings"].as_array().unwrap().clone()
    };
    let (all, top) = (findings(&[]), findings(&["--top", "1"]));
    assert!(all.len() > 1);
    assert_eq!(top.len(), 1);
    let total = |f: &serde_json::Value| f["total"].as_u64().unwrap();
    assert_eq!(total(&top[0]), all.iter().map(total).max().unwrap());
    let text = stdout(&run(&["analyze", "--top", "1", trace]));
    assert!(text.contains("; and 1 more, --top 0 shows all"), "{text}");
}

#[test]
fn mistakes_are_explained() {
    let (_dir, config) = with_file("bad.yml", b"rules:\n  GCAssist:\n    warn: 2 parsecs\n");
    for (args, expected) in [
        (&["--rule", "GCPause"][..], "GCPauseSpike"),
        (&["--preset", "lowlatency"], "low-latency"),
        (&["--set", "GCAssist.warn=2parsecs"], "2parsecs"),
        (&["--set", "GCAssist.wran=2ms"], "has no setting \"wran\""),
        (&["--set", "GCAsist.warn=2ms"], "did you mean GCAssist?"),
        (&["--set", "GCAssist"], "expected RULE.KEY=VALUE"),
        (
            &["--set", "GCAssist.warn=1m"],
            "warn must not be above error",
        ),
        (&["--config", &config], "line 3, column 11: "),
        (&["--config", "no/such.yml"], "no/such.yml"),
        (&["--service", "x"], "--config"),
        (&["--top", "few"], "--top"),
        (&["--format", "xml"], "table, json"),
        (&["--jobs", "0"], "--jobs"),
    ] {
        let output = run(&[&["analyze", FOUND], args].concat());
        assert_exit(&output, 2);
        assert!(
            stderr(&output).contains(expected),
            "{args:?}: {}",
            stderr(&output)
        );
    }
    assert_exit(&run(&["analyze"]), 2);
}

/// A trace of Go 1.27 that says it is newer.
fn newer(edit: impl FnOnce(&mut Vec<u8>)) -> (tempfile::TempDir, String) {
    let mut bytes = fs::read("tests/fixtures/go1.27.3/idle.trace").unwrap();
    bytes[..16].copy_from_slice(b"go 1.31 trace\0\0\0");
    edit(&mut bytes);
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("newer.trace");
    fs::write(&path, bytes).unwrap();
    let path = path.to_str().unwrap().to_owned();
    (dir, path)
}

#[test]
fn a_newer_format_is_read_with_a_warning_until_it_holds_something_new() {
    let (_dir, path) = newer(|_| ());
    let output = run(&["analyze", "--format", "json", &path]);
    assert_exit(&output, 0);
    let said = stderr(&output);
    assert!(
        said.contains("warning") && said.contains("go 1.31"),
        "{said}"
    );
    let report = &json(&output)["reports"][0]["trace"];
    assert!(report["warning"].as_str().unwrap().contains("go 1.31"));
    assert!(report["events"].as_u64().unwrap() > 100);
    assert_exit(&run(&["analyze", "--strict", &path]), 2);

    // A batch with an event of type 120.
    let (_dir, path) = newer(|bytes| {
        bytes.truncate(16);
        bytes.extend([1, 1, 0, 1, 2, 120, 0]);
        bytes.extend([1, 1, 1, 1, 8, 50, 8, 64, 51, 0, 1, 1, 1, 52]);
    });
    let said = stderr(&run(&["analyze", "--strict", &path]));
    assert!(
        said.contains("go 1.31") && said.contains("update gotracer"),
        "{said}"
    );
}

#[test]
fn a_format_older_than_all_known_is_refused_by_name() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("old.trace");
    fs::write(&path, b"go 1.9 trace\0\0\0\0").unwrap();
    let output = run(&["analyze", path.to_str().unwrap()]);
    assert_exit(&output, 2);
    let said = stderr(&output);
    assert!(
        said.contains("go 1.9") && said.contains("Go 1.11 or later"),
        "{said}"
    );
}
