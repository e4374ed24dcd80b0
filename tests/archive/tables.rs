//! Results as Parquet, read by a real DuckDB.

use std::path::PathBuf;

use super::*;

/// Returns a Python with DuckDB.
fn python() -> Option<PathBuf> {
    support::tools::built_by("archive/install.sh")
}

/// What a query of tests/archive/query.py says of these results.
fn query(python: &Path, what: &str, results: &Path) -> serde_json::Value {
    let output = Command::new(python)
        .arg(support::tests_dir("archive/query.py"))
        .arg(what)
        .arg(results)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// All files below a directory, by their names in it.
fn files(root: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    let mut directories = vec![root.to_owned()];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                directories.push(path);
            } else {
                let content = fs::read(&path).unwrap();
                found.push((path.strip_prefix(root).unwrap().to_owned(), content));
            }
        }
    }
    found.sort();
    found
}

fn write(server: Option<&S3>, to: &str, more: &[&str], from: &str) -> Command {
    let fixed = [PATTERN, "--format=parquet", "--output", to];
    analyze(server, &[&fixed[..], more, &[from]].concat())
}

#[test]
fn duckdb_reads_what_the_reports_say() {
    let (root, names) = directory();
    let root = format!("{}/", root.path().display());
    let results = tempfile::tempdir().unwrap();
    let to = results.path().display().to_string();
    let said = with_code(write(None, &to, &[], &root), 0);
    let said = text(&said.stdout);
    assert!(
        said.starts_with(&format!("{} traces: ", names.len())),
        "{said}"
    );
    let Some(python) = python() else { return };
    let reports = reports(analyze(None, &["--format=json", PATTERN, &root]), &root, 0);

    // Every value of every row, and whose it is.
    let rows = query(&python, "findings", results.path());
    let findings = |report: &serde_json::Value| report["findings"].as_array().unwrap().len();
    assert_eq!(
        rows.as_array().unwrap().len(),
        reports.iter().map(findings).sum::<usize>()
    );
    let mut expected = Vec::new();
    for report in &reports {
        let source = report["trace"]["source"].as_str().unwrap();
        let parts: Vec<_> = source.split('/').collect();
        for finding in report["findings"].as_array().unwrap() {
            let mut row = finding.clone();
            // Tables have the worst place of a phase.
            for name in ["phase", "places", "more_places"] {
                row.as_object_mut().unwrap().remove(name);
            }
            row["source"] = source.into();
            row["service"] = parts[0].into();
            row["version"] = parts[1].into();
            for name in ["go_version", "start_time", "duration_ns"] {
                row[name] = report["trace"][name].clone();
            }
            for name in ["start_time", "first_time"] {
                row[name] = micros(&row[name]);
            }
            expected.push(row);
        }
    }
    let actual = rows.to_string().replace(&root, "");
    let actual: Vec<serde_json::Value> = serde_json::from_str(&actual).unwrap();
    let sorted = |mut rows: Vec<serde_json::Value>| {
        rows.sort_by_key(|row| format!("{}{}", row["source"], row["id"]));
        rows
    };
    for (actual, expected) in sorted(actual).iter().zip(&sorted(expected)) {
        assert_eq!(actual, expected);
    }

    let rows = query(&python, "measurements", results.path());
    let mut sums = serde_json::Map::new();
    for rule in reports.iter().flat_map(|r| r["rules"].as_array().unwrap()) {
        let name = rule["rule"].as_str().unwrap();
        let sum = sums
            .entry(name)
            .or_insert_with(|| serde_json::json!([0, 0, 0]));
        let m = &rule["measurement"];
        let seen = m["buckets"]
            .as_array()
            .unwrap()
            .iter()
            .map(|b| b[1].as_u64().unwrap());
        let more = [
            m["count"].as_u64(),
            m["sum"].as_u64(),
            Some(seen.sum::<u64>()),
        ];
        for (i, more) in more.iter().enumerate() {
            sum[i] = (sum[i].as_u64().unwrap() + more.unwrap()).into();
        }
    }
    assert_eq!(rows, serde_json::Value::Object(sums));

    // The time of goroutines by state, as the reports have it.
    let rows = query(&python, "metrics", results.path());
    let rows = rows.to_string().replace(&root, "");
    let rows: Vec<(String, String, f64)> = serde_json::from_str(&rows).unwrap();
    let mut known = 0;
    for report in &reports {
        let source = report["trace"]["source"].as_str().unwrap();
        let times = report["program"]["time"].as_object().unwrap();
        for (state, ns) in times.iter().filter_map(|(s, ns)| Some((s, ns.as_u64()?))) {
            let row = rows.iter().find(|row| row.0 == source && row.1 == *state);
            let seconds = row.map_or(0.0, |row| row.2);
            assert_eq!((seconds * 1e9).round() as u64, ns, "{source} {state}");
            known += usize::from(row.is_some());
        }
    }
    assert!(
        known == rows.len() && known > 0,
        "{known} of {}",
        rows.len()
    );

    // The queries that docs/archive.md has.
    let counts = query(&python, "documented", results.path());
    let counts = counts.as_array().unwrap();
    assert!(
        counts.len() >= 3 && counts.iter().all(|n| n.as_u64() > Some(0)),
        "{counts:?}"
    );
}

/// A time as tables have it.
fn micros(time: &serde_json::Value) -> serde_json::Value {
    let Some(time) = time.as_str() else {
        return serde_json::Value::Null;
    };
    let time: jiff::Timestamp = time.parse().unwrap();
    time.as_microsecond().into()
}

#[test]
fn buckets_hold_the_same_files_and_a_retried_pod_replaces_its_own() {
    let Some(server) = S3::start() else { return };
    let names = archive(|name, path| server.add(&format!("archive/{name}"), path));
    let from = server.url("archive");
    let here = tempfile::tempdir().unwrap();
    let to = here.path().display().to_string();
    let shards = ["--total-shards=2", "--shard"];
    let run = |to: &str, shard: &str| {
        let more = [&shards[..], &[shard]].concat();
        with_code(write(Some(&server), to, &more, &from), 0);
    };
    run(&to, "0");
    run(&to, "1");
    let there = server.url("results");
    for shard in ["0", "1", "1"] {
        run(&there, shard);
    }
    let written = files(here.path());
    assert!(written.len() > 2 * names.len(), "three tables");
    assert!(written == files(&server.file("results")), "the same files");
    assert!(
        written
            .iter()
            .all(|(path, _)| path.extension().unwrap() == "parquet")
    );
    let Some(python) = python() else { return };
    let traces = query(&python, "traces", &server.file("results"));
    assert_eq!(traces, names.len() as u64);
}

#[test]
fn what_can_t_be_written_is_said() {
    let trace = support::fixture("1.25.5", "mutex_stuck")
        .display()
        .to_string();
    let said = |command| text(&with_code(command, 2).stderr);
    let none = said(analyze(None, &["--format=parquet", &trace]));
    assert!(
        none.contains("needs --output with a directory or s3://"),
        "{none}"
    );
    let file = tempfile::NamedTempFile::new().unwrap();
    let file = file.path().display().to_string();
    let taken = said(write(None, &file, &[], &trace));
    assert!(
        taken.contains(&format!("cannot write to {file}")),
        "{taken}"
    );
    let Some(server) = S3::start() else { return };
    let lost = said(write(Some(&server), "s3://nowhere/x", &[], &trace));
    assert!(
        lost.contains("cannot write Parquet files to s3://nowhere/x"),
        "{lost}"
    );
    assert!(lost.contains("NoSuchBucket"), "{lost}");
}
