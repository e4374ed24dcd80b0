//! `gotracer diff`.

use super::*;

const BASE: &str = "tests/fixtures/go1.25.5/http.trace";
const LOCKED: &str = "tests/fixtures/go1.25.5/mutex_contention.trace";
const WORSE: &str = "tests/fixtures/go1.25.5/gc_pause.trace";

#[test]
fn what_differs_is_a_table_for_people() {
    let output = run(&["diff", BASE, WORSE]);
    assert_exit(&output, 0);
    assert_eq!(stderr(&output), "");
    insta::assert_snapshot!("diff", stdout(&output));
}

#[test]
fn markdown_and_a_page_tell_the_same() {
    let markdown = run(&["diff", "--format=markdown", BASE, WORSE]);
    assert_exit(&markdown, 0);
    insta::assert_snapshot!("diff_markdown", stdout(&markdown));
    let page = run(&["diff", "--format=html", BASE, WORSE]);
    assert_exit(&page, 0);
    let page = stdout(&page);
    // Both sides are drawn where both saw something.
    let article = page.split("<h3>HighSchedulingLatency</h3>").nth(1).unwrap();
    let drawn = article.split("</article>").next().unwrap();
    assert!(
        drawn.contains("class=\"base-run\"") && drawn.contains("class=\"seen\""),
        "{drawn}"
    );
    assert!(page.contains("4 regressions"));
    // What did not change is folded below what did.
    let (changed, rest) = page.split_once("<details class=\"more\">").unwrap();
    assert_eq!(changed.matches("regression</td>").count(), 4, "{changed}");
    assert!(rest.contains("without a shown change") && !rest.contains("regression</td>"));
    for (inside, outside) in [
        ("<table", "</table>"),
        ("<svg", "</svg>"),
        ("<main", "</main>"),
    ] {
        assert_eq!(page.matches(inside).count(), page.matches(outside).count());
    }
}

#[test]
fn a_trace_does_not_differ_from_itself() {
    for trace in [BASE, WORSE, FOUND, CLEAN] {
        let output = run(&["diff", "--fail-on-regression=0%", trace, trace]);
        assert_exit(&output, 0);
        assert!(
            stdout(&output).ends_with("\nno change shown\n"),
            "{}",
            stdout(&output)
        );
    }
}

/// A program that holds its lock for longer than any trace, and one that has
/// none: no signal can tell, the findings do.
const QUIET_AND_STUCK: [&str; 2] = [CLEAN, FOUND];

#[test]
fn what_is_new_is_never_no_change() {
    let [base, new] = QUIET_AND_STUCK;
    for format in ["table", "markdown", "html"] {
        let text = stdout(&run(&["diff", "--format", format, base, new]));
        assert!(!text.contains("no change shown"), "{text}");
        assert!(
            text.contains("no regression shown; findings: 2 new"),
            "{text}"
        );
        assert!(text.contains("with 1 trace a side"), "{text}");
        assert!(text.contains("MutexContention per second"), "{text}");
        assert!(text.contains("give 5 or more"), "{text}");
    }
    let page = stdout(&run(&["diff", "--format=html", base, new]));
    assert!(page.contains("verdict warn"), "{page}");
    let value = json(&run(&["diff", "--format=json", base, new]));
    assert_eq!(value["worse_findings"], 2);
    assert_eq!(value["regressions"], 0);
    assert!(
        value["limits"][0].as_str().unwrap().contains("give 5"),
        "{value}"
    );
}

/// Three traces a side: the lock of the new ones is held three times as long.
#[test]
fn what_could_not_be_seen_is_said() {
    let dir = tempfile::tempdir().unwrap();
    let report = run(&["analyze", "--format=json", "--rule=MutexContention", LOCKED]);
    let base = json(&report);
    let mut worse = base.clone();
    let scaled = |value: &mut serde_json::Value, times: u64| {
        *value = (value.as_u64().unwrap() * times).into();
    };
    let report = &mut worse["reports"][0];
    for finding in report["findings"].as_array_mut().unwrap() {
        for key in ["worst", "total"] {
            scaled(&mut finding[key], 3);
        }
    }
    let measurement = &mut report["rules"][0]["measurement"];
    for key in ["sum", "min", "max"] {
        scaled(&mut measurement[key], 3);
    }
    // Three times as long is 13 buckets further up, of which eight double.
    for bucket in measurement["buckets"].as_array_mut().unwrap() {
        bucket[0] = (bucket[0].as_u64().unwrap() + 13).into();
    }
    measurement["spread"].take();
    let side = |name: &str, one: &serde_json::Value, traces: usize| {
        let mut all = one.clone();
        all["reports"] = vec![one["reports"][0].clone(); traces].into();
        let path = dir.path().join(name);
        fs::write(&path, all.to_string()).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let three = (side("a.json", &base, 3), side("b.json", &worse, 3));
    let output = run(&["diff", "--confidence=99.9999%", &three.0, &three.1]);
    let text = stdout(&output);
    assert!(
        text.contains("with 3 traces a side only changes above ×"),
        "{text}"
    );
    assert!(
        text.contains("show in MutexContention p50 (here ×3.1): give 5 or more"),
        "{text}"
    );
    assert!(text.contains("no regression shown; findings: "), "{text}");
    let many = (side("c.json", &base, 20), side("d.json", &worse, 20));
    let output = run(&["diff", "--fail-on-regression", &many.0, &many.1]);
    assert_exit(&output, 1);
    assert!(
        stdout(&output).contains("regressions; findings: 2 worse"),
        "{}",
        stdout(&output)
    );
}

#[test]
fn new_findings_are_a_gate_of_their_own() {
    let [base, new] = QUIET_AND_STUCK;
    assert_exit(&run(&["diff", "--fail-on-regression", base, new]), 0);
    assert_exit(&run(&["diff", "--fail-on-new", "error", base, new]), 1);
    assert_exit(&run(&["diff", "--fail-on-new=warn", base, new]), 1);
    assert_exit(&run(&["diff", "--fail-on-new=warn", new, base]), 0);
    assert_exit(&run(&["diff", "--fail-on-new=warn", base, base]), 0);
    // As a warning it fails only if warnings do.
    for (level, code) in [("warn", 1), ("error", 0)] {
        let level = format!("--fail-on-new={level}");
        let lax = ["--rule=MutexContention", "--set=MutexContention.error=10s"];
        let args = [&["diff", &level], &lax[..], &[base, new]].concat();
        assert_exit(&run(&args), code);
    }
    // The level is no trace.
    let missing = run(&["diff", base, new, "--fail-on-new"]);
    assert_exit(&missing, 2);
    assert!(
        stderr(&missing).contains("warn, error"),
        "{}",
        stderr(&missing)
    );
}

#[test]
fn the_percentage_of_a_regression_may_stand_apart() {
    for (args, code) in [
        (&["--fail-on-regression", "10%", BASE, WORSE][..], 1),
        (&[BASE, WORSE, "--fail-on-regression", "10%"], 1),
        (&["--fail-on-regression", "9000000%", BASE, WORSE], 0),
        (&[BASE, "--fail-on-regression", "9000000.5%", WORSE], 0),
        (&["--fail-on-regression", BASE, WORSE], 1),
        (&[BASE, WORSE, "--fail-on-regression"], 1),
        // Without the sign it may be a file.
        (&["--fail-on-regression", "10", WORSE], 2),
    ] {
        assert_exit(&run(&[&["diff"], args].concat()), code);
    }
}

#[test]
fn the_exit_code_is_a_gate_only_when_asked() {
    assert_exit(&run(&["diff", BASE, WORSE]), 0);
    assert_exit(&run(&["diff", "--fail-on-regression", BASE, WORSE]), 1);
    assert_exit(&run(&["diff", "--fail-on-regression=10%", BASE, WORSE]), 1);
    assert_exit(&run(&["diff", "--fail-on-regression", WORSE, BASE]), 0);
    // So much worse it is not.
    assert_exit(
        &run(&["diff", "--fail-on-regression=9000000%", BASE, WORSE]),
        0,
    );
    let other_rule = [
        "diff",
        "--fail-on-regression",
        "--rule=BlockedOnSyscall",
        BASE,
        WORSE,
    ];
    assert_exit(&run(&other_rule), 0);
    assert_exit(&run(&["diff", BASE, "no/such.trace"]), 2);
    let quiet = run(&["diff", "--quiet", "--fail-on-regression", BASE, WORSE]);
    assert_exit(&quiet, 1);
    assert_eq!(stdout(&quiet), "");
}

#[test]
fn json_follows_its_schema() {
    let schema = fs::read("schema/diff-v1.json").unwrap();
    let schema = serde_json::from_slice(&schema).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    for (base, new) in [
        (BASE, WORSE),
        (WORSE, BASE),
        (CLEAN, "tests/fixtures/go1.25.5"),
        (
            "tests/fixtures/go1.25.5/goroutine_leak.trace",
            "tests/fixtures/go1.22.10/empty.trace",
        ),
    ] {
        let value = json(&run(&["diff", "--format", "json", base, new]));
        let errors: Vec<_> = validator
            .iter_errors(&value)
            .map(|e| e.to_string())
            .collect();
        assert!(errors.is_empty(), "{base} {new}: {errors:#?}");
    }
    let value = json(&run(&["diff", "--format", "json", BASE, WORSE]));
    let signals = value["signals"].as_array().unwrap();
    let pauses = signals
        .iter()
        .find(|s| s["rule"] == "GCPauseSpike")
        .unwrap();
    let rate = &pauses["changes"][2];
    assert_eq!(
        (&rate["quantity"], &rate["verdict"]),
        (&"per_second".into(), &"regression".into())
    );
    assert!(rate["interval"][0].as_f64().unwrap() > 0.1);
}

/// A server that answers four times as late: its clients wait for the network, and no rule finds anything.
#[test]
fn where_the_time_of_goroutines_goes_now_is_told_by_start_function() {
    if !support::have_go() {
        return;
    }
    let pool = support::go_build("cli/pool", Path::new("go"), "pool");
    let dir = tempfile::tempdir().unwrap();
    let trace = |name: &str, answer: &str| {
        let path = dir.path().join(name).to_str().unwrap().to_owned();
        let status = Command::new(&pool)
            .args(["-answer", answer, "-o", &path])
            .status();
        assert!(status.unwrap().success());
        path
    };
    let [base, new] = [("base.trace", "20ms"), ("new.trace", "80ms")].map(|(n, a)| trace(n, a));
    let compared = json(&run(&["diff", "--format=json", &base, &new]));
    let functions = compared["functions"].as_array().unwrap();
    let find = |name: &str, state: &str| {
        let of = |f: &&serde_json::Value| f["function"] == name && f["state"] == state;
        functions.iter().find(of)
    };
    let worker = find("main.work", "network").unwrap_or_else(|| panic!("{functions:?}"));
    assert!(worker["factor"].as_f64() > Some(2.0), "{worker}");
    assert_eq!(worker["base"]["goroutines"], 4);
    assert!(find("main.serve", "sleep").is_some(), "{functions:?}");
    let said = "waits {} times as long for the network: ";
    for (format, heading) in [
        ("table", "TIME BY START FUNCTION"),
        ("markdown", "#### Time by start function"),
        ("html", "<h2>Time by start function</h2>"),
    ] {
        let text = stdout(&run(&["diff", "--format", format, &base, &new]));
        let (_, section) = text.split_once(heading).unwrap_or_else(|| panic!("{text}"));
        for part in said.split("{}") {
            assert!(section.contains(part), "{section}");
        }
        assert!(section.contains("main.work"), "{section}");
    }
    // A saved report has the functions as well, and the other direction is the opposite.
    let saved = dir.path().join("base.json");
    let saved = saved.to_str().unwrap();
    run(&["analyze", "--format=json", "--output", saved, &base]);
    let from_report = json(&run(&["diff", "--format=json", saved, &new]));
    assert_eq!(from_report["functions"], compared["functions"]);
    let back = json(&run(&["diff", "--format=json", &new, &base]));
    let back = back["functions"].as_array().unwrap();
    let back = back
        .iter()
        .find(|f| f["function"] == "main.work" && f["state"] == "network");
    assert!(back.unwrap()["factor"].as_f64() < Some(0.5), "{back:?}");
}

#[test]
fn a_side_is_traces_directories_patterns_or_saved_reports() {
    let dir = tempfile::tempdir().unwrap();
    let saved = dir.path().join("base.json");
    let saved = saved.to_str().unwrap();
    let write = ["analyze", "--format=json", "--output", saved, BASE];
    run(&write);
    let from_traces = json(&run(&["diff", "--format=json", BASE, WORSE]));
    let from_report = json(&run(&["diff", "--format=json", saved, WORSE]));
    assert_eq!(from_traces["signals"], from_report["signals"]);
    assert_eq!(from_traces["findings"], from_report["findings"]);
    assert_eq!(from_traces["goroutines"], from_report["goroutines"]);

    // A directory with reports, traces, and what is neither.
    fs::copy(WORSE, dir.path().join("b.trace")).unwrap();
    fs::write(dir.path().join("package.json"), "{\"name\": \"x\"}").unwrap();
    let side = |args: &[&str]| {
        let value = json(&run(&[
            &["diff", "--format=json", "--quiet", "--output=/dev/stdout"],
            args,
        ]
        .concat()));
        value["new"]["sources"].as_array().unwrap().len()
    };
    assert_eq!(side(&[BASE, dir.path().to_str().unwrap()]), 2);
    assert_eq!(side(&["--base", BASE, "--new", BASE, WORSE, saved]), 3);
    assert_eq!(side(&["--base", BASE, "--new", BASE, "--new", WORSE]), 2);
    assert_eq!(side(&[BASE, "tests/fixtures/go1.25.5/heap_*.trace"]), 2);
}

#[test]
fn mistakes_of_diff_are_explained() {
    let (dir, other) = with_file("other.json", b"{\"schema\": \"something/v1\"}");
    let empty = dir.path().join("empty");
    fs::create_dir(&empty).unwrap();
    for (args, expected) in [
        (&[BASE][..], "NEW"),
        (&["--base", BASE], "--new"),
        (
            &[BASE, WORSE, "--base", BASE, "--new", BASE],
            "cannot be used with",
        ),
        (&[BASE, &other], "something/v1"),
        (&[BASE, empty.to_str().unwrap()], "there are no files"),
        (&[BASE, "README.md"], "README.md"),
        (&["--fail-on-regression=much", BASE, WORSE], "such as 10%"),
        (&["--confidence=100%", BASE, WORSE], "below 100%"),
        (&["--format=xml", BASE, WORSE], "table, json"),
    ] {
        assert_refused(&[&["diff"], args].concat(), expected);
    }
}
