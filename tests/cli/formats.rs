//! Reports in other forms, several at once, and where the files are in the
//! repository.

use super::*;

use serde_json::Value;

use crate::support::tools;

const LOCKS: &str = "tests/fixtures/go1.25.5/mutex_contention.trace";

#[test]
fn several_forms_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let file = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    let output = run(&[
        "analyze",
        "--format=table",
        "--output",
        &file("report.html"),
        "-o",
        &file("results.sarif"),
        "--format",
        &format!("gitlab={}", file("quality.json")),
        LOCKS,
    ]);
    assert_exit(&output, 1);
    assert!(stdout(&output).contains("VERDICT"), "{}", stdout(&output));
    let said = stderr(&output);
    assert_eq!(said.matches("wrote ").count(), 3, "{said}");
    let read = |name: &str| fs::read_to_string(file(name)).unwrap();
    assert!(read("report.html").starts_with("<!doctype html>"));
    let sarif: Value = serde_json::from_str(&read("results.sarif")).unwrap();
    let quality: Value = serde_json::from_str(&read("quality.json")).unwrap();
    let results = sarif["runs"][0]["results"].as_array().unwrap();
    assert_eq!(results.len(), 2);
    for (result, issue) in results.iter().zip(quality.as_array().unwrap()) {
        let fingerprint = &result["partialFingerprints"]["gotracer/v1"];
        assert_eq!(*fingerprint, issue["fingerprint"]);
    }
    let twice = run(&["analyze", "-f", "json", "-f", "csv", LOCKS]);
    assert_exit(&twice, 2);
    assert!(stderr(&twice).contains("csv=FILE"), "{}", stderr(&twice));
}

/// The path that a code host is told for the first finding.
fn path(dir: &Path, args: &[&str], environment: &[(&str, &Path)]) -> String {
    let trace = fs::canonicalize(LOCKS).unwrap();
    let mut command = gotracer();
    command.args(["analyze", "--format=gitlab"]).args(args);
    command.arg(trace).current_dir(dir);
    for variable in ["GITHUB_WORKSPACE", "CI_PROJECT_DIR"] {
        command.env_remove(variable);
    }
    command.envs(environment.iter().copied());
    let issues = json(&command.output().unwrap());
    issues[0]["location"]["path"].as_str().unwrap().to_owned()
}

#[test]
fn code_hosts_are_told_paths_of_the_repository() {
    let root = tempfile::tempdir().unwrap();
    let root = fs::canonicalize(root.path()).unwrap();
    let here = root.join("services/load");
    fs::create_dir_all(&here).unwrap();
    let known = path(&here, &[], &[]);
    let (directory, name) = known.rsplit_once('/').unwrap();
    assert_eq!(name, "locks.go");
    // The fixtures' program was built with -trimpath.
    assert_eq!(path(&here, &["--strip-prefix", directory], &[]), "locks.go");
    let map = format!("{directory}=some/where");
    assert_eq!(
        path(&here, &["--path-map", &map], &[]),
        "some/where/locks.go"
    );
    fs::write(
        here.join("go.mod"),
        format!("// x\nmodule {directory} // y\n"),
    )
    .unwrap();
    assert_eq!(path(&here, &[], &[]), "locks.go");
    let workspace = [("GITHUB_WORKSPACE", root.as_path())];
    assert_eq!(path(&here, &[], &workspace), "services/load/locks.go");
    assert_exit(&run(&["analyze", "--path-map", "x", LOCKS]), 2);
}

#[test]
fn a_job_on_github_gets_annotations_and_a_summary() {
    let (_dir, summary) = with_file("summary.md", b"what was there before\n");
    let mut command = gotracer();
    command.args(["analyze", "--format=github", LOCKS]);
    let output = command
        .env("GITHUB_STEP_SUMMARY", &summary)
        .output()
        .unwrap();
    assert_exit(&output, 1);
    assert!(stdout(&output).lines().all(|l| l.starts_with("::warning ")));
    let summary = fs::read_to_string(summary).unwrap();
    assert!(
        summary.starts_with("what was there before\n### gotracer: 2 findings"),
        "{summary}"
    );
}

/// Where the schema of SARIF is: in a package of crates.io, which nothing is
/// built of.
pub(crate) fn sarif_schema() -> Option<Value> {
    let output = Command::new(env!("CARGO"))
        .args([
            "metadata",
            "--format-version=1",
            "--manifest-path",
            "tests/schemas/Cargo.toml",
        ])
        .output()
        .unwrap();
    if !output.status.success() {
        tools::skip(&format!(
            "the schema of SARIF could not be fetched: {}",
            stderr(&output)
        ));
        return None;
    }
    let packages = json(&output);
    let mut packages = packages["packages"].as_array().unwrap().iter();
    let package = packages.find(|p| p["name"] == "serde-sarif").unwrap();
    let manifest = Path::new(package["manifest_path"].as_str().unwrap());
    let schema = fs::read(manifest.with_file_name("src").join("schema.json")).unwrap();
    let mut schema: Value = serde_json::from_slice(&schema).unwrap();
    // A bracket too many makes it no regular expression.
    for object in ["run", "toolComponent"] {
        schema["definitions"][object]["properties"]["language"]["pattern"] =
            "^[a-zA-Z]{2}(-[a-zA-Z]{2})?$".into();
    }
    Some(schema)
}

#[test]
fn sarif_follows_its_schema() {
    let Some(schema) = sarif_schema() else {
        return;
    };
    let validator = jsonschema::validator_for(&schema).unwrap();
    let log = json(&run(&[
        "analyze",
        "--format=sarif",
        "tests/fixtures/go*/*.trace",
    ]));
    assert!(log["runs"][0]["results"].as_array().unwrap().len() > 20);
    let errors = validator.iter_errors(&log);
    let errors: Vec<_> = errors
        .map(|e| format!("{}: {e}", e.instance_path()))
        .collect();
    assert!(errors.is_empty(), "{errors:#?}");
    let mut wrong = log;
    wrong["runs"][0]["results"][0]["level"] = "bad".into();
    assert!(!validator.is_valid(&wrong), "the schema says nothing");
}

/// JUnit has no schema of its own; another reader must get at what it says.
#[test]
fn junit_is_read_by_others() {
    const READ: &str = "import sys, xml.etree.ElementTree as e\n\
        root = e.parse(sys.stdin).getroot()\n\
        assert root.tag == 'testsuites'\n\
        for suite in root:\n  cases = suite.findall('testcase')\n  \
        assert len(cases) == int(suite.get('tests')) == int(sys.argv[1])\n  \
        assert len(suite.findall('testcase/failure')) == int(suite.get('failures'))\n  \
        print(len(suite.findall('testcase/failure')))";
    let output = run(&["analyze", "--format=junit", LOCKS, CLEAN]);
    assert_exit(&output, 1);
    let Ok(mut python) = Command::new("python3")
        .args(["-c", READ, &gotracer::rules::RULES.len().to_string()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
    else {
        tools::skip("python3 is not in PATH");
        return;
    };
    python
        .stdin
        .take()
        .unwrap()
        .write_all(&output.stdout)
        .unwrap();
    let read = python.wait_with_output().unwrap();
    assert_eq!(stdout(&read), "1\n0\n");
}

#[test]
fn an_unreadable_trace_of_a_batch_has_an_entry() {
    let (_dir, broken) = with_file("notes.txt", b"not a trace");
    let analyze = |format: &str| {
        let output = run(&["analyze", "--format", format, LOCKS, &broken]);
        assert_exit(&output, 2);
        stdout(&output)
    };
    let document: Value = serde_json::from_str(&analyze("json")).unwrap();
    let reports = document["reports"].as_array().unwrap();
    assert_eq!(reports.len(), 2);
    assert_eq!(reports[1]["trace"]["source"], broken.as_str());
    assert!(
        reports[1]["trace"]["error"]
            .as_str()
            .unwrap()
            .starts_with("not a Go execution trace")
    );
    assert_eq!(reports[1]["rules"].as_array().unwrap().len(), 0);

    let sarif: Value = serde_json::from_str(&analyze("sarif")).unwrap();
    let invocation = &sarif["runs"][0]["invocations"][0];
    assert_eq!(invocation["executionSuccessful"], false);
    let notified = invocation["toolExecutionNotifications"]
        .as_array()
        .unwrap()
        .iter();
    let errors = notified.filter(|n| n["level"] == "error").count();
    assert_eq!(errors, 1);

    let junit = analyze("junit");
    assert!(
        junit.contains("errors=\"1\"") && junit.contains("type=\"unreadable\""),
        "{junit}"
    );
    let github = analyze("github");
    assert!(
        github.contains("::error title=unreadable trace::"),
        "{github}"
    );
    assert!(analyze("markdown").contains("could not be read"));
    assert!(analyze("openmetrics").contains("gotrace_trace_error{trace="));
    assert!(analyze("html").contains("could not be read"));
    // The table leaves it to standard error.
    let table = analyze("table");
    assert!(
        !table.contains("notes.txt") && table.contains("MutexContention"),
        "{table}"
    );
}

#[test]
fn prometheus_accepts_the_metrics() {
    let (dir, file) = with_file("metrics.prom", b"");
    let both = ["tests/fixtures/go1.27.3/heap_spike.trace", LOCKS];
    let output = run(&[&["analyze", "--fail-on=never", "-o", &file], &both[..]].concat());
    assert_exit(&output, 0);
    let metrics = fs::File::open(&file).unwrap();
    let mut promtool = std::process::Command::new("promtool");
    let checked = promtool.args(["check", "metrics"]).stdin(metrics).output();
    let Ok(checked) = checked else {
        assert!(std::env::var_os("CI").is_none(), "CI needs promtool");
        eprintln!("SKIPPED: no promtool");
        return;
    };
    let said = format!("{}{}", stdout(&checked), stderr(&checked));
    assert!(checked.status.success(), "{said}");
    drop(dir);
}
