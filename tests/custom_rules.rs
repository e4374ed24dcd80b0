//! Rules that the configuration defines (`custom_rules`), on traces of real Go programs.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use gotracer::analysis::{Outcome, analyze, analyze_on_two_threads, analyze_plainly};
use gotracer::config::Config;
use gotracer::report::{Finding, Report, Severity, Status};
use gotracer::rules::{Distribution, Rule, Settings};
use gotracer::trace::Input;

const VERSIONS: [&str; 3] = ["1.22.10", "1.25.5", "1.27.3"];

fn path(version: &str, name: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    root.join(format!("go{version}/{name}.trace"))
}

fn settings(text: &str) -> Settings {
    let config = Config::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
    config.settings(None)
}

fn report(version: &str, name: &str, settings: &Settings) -> Report {
    let bytes = fs::read(path(version, name)).expect("the fixture");
    let outcome = analyze(Input::from_slice(&bytes), name, settings, |_| ());
    outcome.expect("a trace").report
}

fn of<'r>(report: &'r Report, rule: &str) -> Vec<&'r Finding> {
    let findings = report.findings.iter();
    findings.filter(|f| f.rule.name == rule).collect()
}

fn measured(report: &Report, rule: &str) -> Distribution {
    let rule = report.rules.iter().find(|asked| asked.rule.name == rule);
    let rule = rule.expect("the rule was applied");
    assert_ne!(rule.status, Status::NotApplicable, "{:?}", rule.reason);
    rule.measurement.clone()
}

/// The parts of a finding that do not depend on the rule's words.
fn facts(f: &Finding) -> String {
    let place = (&f.place, f.count, f.open, f.worst, f.total, f.threshold);
    let times = (
        f.severity,
        f.first_ns,
        f.last_ns,
        f.worst_at_ns,
        &f.goroutines,
    );
    format!("{place:?} {times:?} {:?}", f.stack)
}

/// The same findings as those of a built-in rule, except for those that the built-in rule only mentions.
fn assert_same(report: &Report, built_in: &str, custom: &str) -> usize {
    let (ours, theirs) = (of(report, custom), of(report, built_in));
    let info: Vec<_> = theirs
        .iter()
        .filter(|f| f.severity == Severity::Info)
        .map(|f| &f.place)
        .collect();
    let sorted = |findings: Vec<&Finding>| {
        let findings = findings.into_iter().filter(|f| !info.contains(&&f.place));
        let mut facts: Vec<_> = findings.map(facts).collect();
        facts.sort();
        facts
    };
    let (ours, theirs) = (sorted(ours), sorted(theirs));
    assert_eq!(ours, theirs, "{built_in} {}", report.trace.source);
    ours.len()
}

#[test]
fn a_built_in_rule_and_the_same_custom_rule_find_the_same() {
    let settings = settings(
        "custom_rules:\n\
         - {name: OwnMutex, on: wait, match: {reason: lock}, warn: 10ms, error: 100ms}\n\
         - {name: OwnSyscall, on: syscall, warn: 100ms, error: 1s}\n",
    );
    let (mut mutex, mut syscall) = (0, 0);
    for version in VERSIONS {
        for name in [
            "afterfunc",
            "cgo_callback",
            "mutex_contention",
            "mutex_long",
            "mutex_stuck",
            "sync_waits",
            "syscall_long",
            "syscall_quick",
            "http",
        ] {
            let report = report(version, name, &settings);
            mutex += assert_same(&report, "MutexContention", "OwnMutex");
            syscall += assert_same(&report, "BlockedOnSyscall", "OwnSyscall");
        }
    }
    assert!(mutex >= 12 && syscall >= 3, "{mutex} {syscall}");
}

const ANNOTATIONS: &str = "custom_rules:
- {name: AllTasks, on: task, warn: 1ns, error: 60m}
- {name: Children, on: task, match: {type: child}, value: cpu, warn: 1ns, error: 60m}
- {name: Regions, on: region, match: {type: inner, function: 'main.*'}, warn: 1ns, error: 60m}
- {name: RegionShare, on: region, match: {type: inner}, value: share, warn: 0.01%, error: 100%}
- {name: Logs, on: log, value: count_per_second, warn: 1, error: 1000}
- {name: NoLogs, on: log, match: {type: nothing}, warn: 1}
- {name: Running, on: running, value: share, warn: 0.01%, error: 100%}
- {name: LongRuns, on: running, warn: 1ns, error: 60m}
- {name: Requests, on: request, warn: 1ns, error: 60m}
";

#[test]
fn tasks_regions_and_logs_are_measured() {
    let settings = settings(ANNOTATIONS);
    for version in VERSIONS {
        let report = report(version, "annotations", &settings);
        let tasks: u64 = report.tasks.iter().map(|t| t.duration.count()).sum();
        assert_eq!(measured(&report, "AllTasks").count(), tasks, "{version}");
        let child = report.tasks.iter().find(|t| t.name == "child").unwrap();
        let cpu = measured(&report, "Children");
        assert_eq!(cpu.count(), child.duration.count(), "{version}");
        let ran = child.time.of(gotracer::timeline::State::Running);
        let others = child.time_others.of(gotracer::timeline::State::Running);
        assert_eq!(cpu.sum(), ran + others, "{version}");
        let inner = report.regions.iter().find(|r| r.name == "inner").unwrap();
        let regions = measured(&report, "Regions");
        assert_eq!(regions, inner.duration, "{version}");
        let found = of(&report, "Regions");
        assert_eq!(found.len(), 1, "{version}");
        assert!(found[0].place.function.starts_with("main."), "{version}");
        assert!(found[0].message.starts_with("region inner took "));
        let share = measured(&report, "RegionShare").max();
        let expected = inner.duration.sum() as f64 * 1e6 / report.trace.duration_ns as f64;
        assert!(
            (share as f64 - expected).abs() <= 1.0,
            "{version}: {share} {expected}"
        );
        let logs = measured(&report, "Logs").max() as f64;
        let expected = 74.0 * 1e12 / report.trace.duration_ns as f64;
        assert!(
            (logs / expected - 1.0).abs() < 0.3,
            "{version}: {logs} {expected}"
        );
        assert_eq!(measured(&report, "NoLogs").max(), 0, "{version}");
        assert!(of(&report, "NoLogs").is_empty(), "{version}");
    }
}

#[test]
fn waits_add_up_to_the_time_of_their_state() {
    use gotracer::timeline::State;
    let states = [
        State::Lock,
        State::ChanSend,
        State::ChanReceive,
        State::Select,
        State::Network,
        State::Sleep,
        State::WaitGroup,
        State::Cond,
    ];
    let rule = |state: &State| {
        let name = state.name();
        format!("- {{name: wait_{name}, on: wait, match: {{reason: {name}}}, warn: 60m}}\n")
    };
    let rules: String = states.iter().map(rule).collect();
    let settings = settings(&format!("custom_rules:\n{rules}"));
    for version in VERSIONS {
        for name in [
            "sync_waits",
            "http",
            "mutex_contention",
            "annotations",
            "pingpong",
        ] {
            let report = report(version, name, &settings);
            for state in states {
                let waits = measured(&report, &format!("wait_{}", state.name()));
                let time = report.program.time.of(state);
                assert_eq!(waits.sum(), time, "{version} {name} {}", state.name());
            }
        }
    }
}

#[test]
fn runs_add_up_to_the_time_that_goroutines_run() {
    let settings = settings(ANNOTATIONS);
    for version in VERSIONS {
        for name in ["annotations", "http", "mutex_stuck"] {
            let report = report(version, name, &settings);
            let runs = measured(&report, "LongRuns");
            let running = report.program.time.of(gotracer::timeline::State::Running);
            let (runs, running) = (runs.sum() as f64, running as f64);
            let ratio = runs / running;
            // Stops of the world are part of a run, and not of the state.
            assert!((0.99..1.1).contains(&ratio), "{version} {name}: {ratio}");
        }
    }
}

#[test]
fn requests_are_placed_at_their_handler() {
    let settings = settings(ANNOTATIONS);
    for version in VERSIONS {
        let report = report(version, "http", &settings);
        let requests: u64 = report.requests.iter().map(|r| r.duration.count()).sum();
        let durations = measured(&report, "Requests");
        assert_eq!(
            (durations.count(), requests > 0),
            (requests, true),
            "{version}"
        );
        for finding in of(&report, "Requests") {
            let place = finding.place.function.as_str();
            let named = finding.message.contains(&format!("request {place} took "));
            assert!(named || place.is_empty(), "{version}: {}", finding.message);
        }
    }
}

#[test]
fn a_rule_without_evidence_is_not_applicable() {
    let settings = settings(ANNOTATIONS);
    let report = report("1.27.3", "idle", &settings);
    for (rule, why) in [
        ("AllTasks", "no task of runtime/trace ended in the trace"),
        ("Logs", "the trace has no logs of runtime/trace"),
        (
            "Requests",
            "no request of a net/http or gRPC server ended in the trace",
        ),
    ] {
        let asked = report.rules.iter().find(|asked| asked.rule.name == rule);
        let asked = asked.unwrap();
        assert_eq!(asked.status, Status::NotApplicable, "{rule}");
        assert_eq!(asked.reason.as_deref(), Some(why), "{rule}");
    }
    let short = crate::report("1.27.3", "pingpong", &settings);
    let running = short
        .rules
        .iter()
        .find(|asked| asked.rule.name == "Running");
    let why = running.unwrap().reason.as_deref().unwrap_or_default();
    assert!(why.contains("rates need at least 1 s"), "{why}");
}

#[test]
fn one_thread_two_threads_and_plain_events_say_the_same() {
    let settings = settings(ANNOTATIONS);
    for name in ["annotations", "http", "mutex_stuck"] {
        let bytes = fs::read(path("1.27.3", name)).expect("the fixture");
        let input = || Input::from_reader(&bytes[..]);
        let debug = |outcome: Result<Outcome, _>| format!("{outcome:?}");
        let one = debug(analyze(input(), name, &settings, |_| ()));
        let two = analyze_on_two_threads(input(), name, &settings, |_| ());
        assert_eq!(debug(two), one, "{name}");
        assert_eq!(
            debug(analyze_plainly(input(), name, &settings)),
            one,
            "{name}"
        );
    }
}

fn gotracer(args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gotracer"));
    let command = command.current_dir(env!("CARGO_MANIFEST_DIR")).args(args);
    command.output().expect("gotracer runs")
}

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// A configuration with one rule on tasks.
fn config() -> (tempfile::TempDir, String) {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("gotracer.yml");
    let text = "custom_rules:
- name: SlowChild
  on: task
  match: {type: 'child', stack: [main.*, '**']}
  warn: 100us
  error: 10s
  summary: Children of jobs take long.
  advice: Make them faster.
- {name: SlowJob, on: task, match: {type: 'job ?'}, warn: 60m}
rules:
  SlowJob: {warn: 120m, error: 180m}
";
    fs::write(&file, text).expect("a file");
    let file = file.to_string_lossy().into_owned();
    (directory, file)
}

const TRACE: &str = "tests/fixtures/go1.27.3/annotations.trace";

#[test]
fn a_custom_rule_is_a_rule_in_every_output() {
    let (directory, config) = config();
    let with = |more: &[&str]| {
        let mut args = vec!["analyze", TRACE, "--config", &config, "--rule", "SlowChild"];
        args.extend(more);
        gotracer(&args)
    };
    let table = with(&[]);
    assert_eq!(table.status.code(), Some(1), "{table:?}");
    assert!(stdout(&table).contains("SlowChild"), "{}", stdout(&table));
    assert!(stdout(&table).contains("Make them faster."));
    let sarif: serde_json::Value =
        serde_json::from_slice(&with(&["--format", "sarif"]).stdout).expect("JSON");
    let run = &sarif["runs"][0];
    let result = &run["results"][0];
    let index = result["ruleIndex"].as_u64().expect("a number") as usize;
    assert_eq!(run["tool"]["driver"]["rules"][index]["id"], "SlowChild");
    // Against a baseline of its own, nothing is new.
    let saved = directory.path().join("base.json");
    let json = with(&["--format", "json"]);
    fs::write(&saved, &json.stdout).expect("a file");
    let saved = saved.to_string_lossy().into_owned();
    let against = with(&["--baseline", &saved]);
    assert_eq!(against.status.code(), Some(0), "{}", stdout(&against));
    let diff = gotracer(&[
        "diff", &saved, &saved, "--config", &config, "--format", "json",
    ]);
    let diff: serde_json::Value = serde_json::from_slice(&diff.stdout).expect("JSON");
    let signals = diff["signals"].as_array().expect("a list");
    assert!(signals.iter().any(|signal| signal["rule"] == "SlowChild"));
    // A threshold can be set as of any rule.
    let args = [
        "analyze",
        TRACE,
        "--config",
        &config,
        "--set",
        "SlowChild.warn=9s",
        "--rule",
    ];
    let quiet = gotracer(&[&args[..], &["slowchild"]].concat());
    assert_eq!(quiet.status.code(), Some(0), "{quiet:?}");
    let unknown = gotracer(&["analyze", TRACE, "--rule", "SlowChld", "--config", &config]);
    let said = String::from_utf8_lossy(&unknown.stderr).into_owned();
    assert_eq!(unknown.status.code(), Some(2));
    assert!(said.contains("did you mean SlowChild?"), "{said}");
}

#[test]
fn an_explanation_says_what_matched_and_why_not() {
    let (_directory, config) = config();
    let output = gotracer(&["check-config", &config, "--explain", TRACE]);
    assert!(output.status.success(), "{output:?}");
    let text = stdout(&output);
    let (_, text) = text.split_once('\n').expect("lines");
    insta::assert_snapshot!(text);
}

#[test]
fn the_rules_are_listed_and_have_alerts() {
    let (_directory, config) = config();
    let list = stdout(&gotracer(&["rules", "--config", &config]));
    assert!(
        list.contains("SlowChild\n    Children of jobs take long."),
        "{list}"
    );
    let one = stdout(&gotracer(&["rules", "slowjob", "--config", &config]));
    assert!(one.contains("warn 3600s, error 36000s"), "{one}");
    let alerts = gotracer(&["rules", "--config", &config, "--format", "prometheus"]);
    insta::assert_snapshot!(stdout(&alerts));
    let none = gotracer(&["rules", "--format", "prometheus"]);
    assert_eq!(none.status.code(), Some(2));
    assert!(Rule::find("GCAssist").is_some_and(|rule| !rule.is_custom()));
}
