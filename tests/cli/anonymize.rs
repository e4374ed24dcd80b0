//! `gotracer anonymize`.

use super::*;

use serde_json::Value;

/// What the rules say of a trace, without the names of places.
fn numbers(trace: &str) -> Value {
    let output = run(&["analyze", "--format=json", "--fail-on=never", trace]);
    assert_exit(&output, 0);
    let report = &mut json(&output)["reports"][0];
    report["trace"]["source"].take();
    report["trace"]["bytes"].take();
    report["program"]["goroutines"]["places"].take();
    let mut findings: Vec<String> = Vec::new();
    for finding in report["findings"].as_array_mut().unwrap() {
        let parts = [
            "rule",
            "severity",
            "count",
            "worst",
            "total",
            "first_ns",
            "worst_at_ns",
            "worst_for_ns",
            "goroutines",
        ];
        let cause = finding["cause"]["kind"].to_string();
        let lines = finding["stack"].as_array().unwrap().iter();
        let lines: Vec<String> = lines.map(|f| f["line"].to_string()).collect();
        let parts = parts.map(|p| finding[p].to_string());
        findings.push(format!("{} {cause} {}", parts.join(" "), lines.join(" ")));
    }
    findings.sort();
    serde_json::json!([
        report["trace"],
        report["program"],
        report["rules"],
        findings
    ])
}

fn anonymized(trace: &str) -> (tempfile::TempDir, String) {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("out.trace").to_str().unwrap().to_owned();
    assert_exit(&run(&["anonymize", trace, &out]), 0);
    (dir, out)
}

#[test]
fn the_rules_say_the_same() {
    let mut found = 0;
    for version in ["1.22.10", "1.25.5", "1.27.3"] {
        for name in [
            "mutex_contention",
            "goroutine_leak",
            "http",
            "gc_assist",
            "annotations",
            "cgo_callback",
        ] {
            let trace = format!("tests/fixtures/go{version}/{name}.trace");
            let (_dir, copy) = anonymized(&trace);
            let (before, after) = (numbers(&trace), numbers(&copy));
            found += before[3].as_array().unwrap().len();
            assert_eq!(before, after, "{trace}");
        }
    }
    assert!(found > 10);
}

#[test]
fn no_name_of_the_program_is_left() {
    let trace = "tests/fixtures/go1.25.5/annotations.trace";
    let (_dir, copy) = anonymized(trace);
    let words = |trace: &str| -> std::collections::BTreeSet<String> {
        let events = stdout(&run(&["events", trace]));
        let words = events.split(|c: char| !c.is_ascii_alphanumeric() && !"._/()*".contains(c));
        words.map(str::to_owned).collect()
    };
    let (before, after) = (words(trace), words(&copy));
    let text = fs::read(&copy).unwrap();
    let is_in = |word: &str| text.windows(word.len()).any(|w| w == word.as_bytes());
    // Functions and files of the program; its tasks, regions and logs.
    for word in before
        .iter()
        .filter(|w| w.starts_with("main.") && *w != "main.main")
    {
        assert!(!after.contains(word) && !is_in(word), "{word}");
    }
    for word in before.iter().filter(|w| w.ends_with(".go")) {
        assert!(!is_in(word), "{word}");
    }
    let told = |trace: &str, kind: &str| stdout(&run(&["events", "--kind", kind, trace]));
    for kind in ["TaskBegin", "RegionBegin", "Log"] {
        let (before, after) = (told(trace, kind), told(&copy, kind));
        assert_eq!(before.lines().count(), after.lines().count());
        let quoted = |text: &str| -> Vec<String> {
            let fields = text.split(['\t', '\n']).filter(|f| f.starts_with('"'));
            fields.filter(|f| *f != "\"\"").map(str::to_owned).collect()
        };
        let names = quoted(&before);
        assert!(!names.is_empty(), "{kind}");
        for name in names {
            assert!(!after.contains(&name), "{name}");
        }
    }
    // Nobody who guesses a name can see that it is that.
    let (_dir, again) = anonymized(trace);
    assert_ne!(fs::read(&again).unwrap(), text);
}

#[test]
fn what_can_not_be_copied_is_said() {
    let (_dir, text) = with_file("x.trace", b"no trace at all");
    assert_exit(&run(&["anonymize", &text, "-"]), 2);
    let old = run(&["anonymize", "tests/fixtures/go1.19/idle.trace", "-"]);
    assert_exit(&old, 2);
    assert!(stderr(&old).contains("1.19"), "{}", stderr(&old));
    let (_dir, copy) = with_file("y.trace", &fs::read(FOUND).unwrap());
    let same = run(&["anonymize", &copy, &copy]);
    assert_exit(&same, 2);
    assert_eq!(fs::read(&copy).unwrap(), fs::read(FOUND).unwrap());
}
