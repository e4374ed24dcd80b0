//! Every version reads what earlier versions wrote: tests/upgrade/README.md.
#![cfg(unix)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::support::daemon::{Running, Scratch, fixture, free_address, tests_dir};

/// Copies of what each version wrote.
fn versions() -> Vec<(Scratch, PathBuf)> {
    let all = fs::read_dir(tests_dir("upgrade")).unwrap();
    let all = all.map(|entry| entry.unwrap().path());
    let all: Vec<_> = all.filter(|path| path.is_dir()).collect();
    assert!(!all.is_empty());
    let copied = |from: PathBuf| {
        let scratch = Scratch::new();
        let to = scratch.path().join("version");
        copy(&from, &to);
        (scratch, to)
    };
    all.into_iter().map(copied).collect()
}

/// Copies a directory and unpacks what is packed.
fn copy(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let name = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &name);
        } else if path.extension().is_some_and(|ending| ending == "gz") {
            let mut packed = flate2::read::GzDecoder::new(fs::File::open(path).unwrap());
            let mut file = fs::File::create(name.with_extension("")).unwrap();
            std::io::copy(&mut packed, &mut file).unwrap();
        } else {
            fs::copy(path, name).unwrap();
        }
    }
}

fn json(gotracer: &Running, path: &str) -> Value {
    serde_json::from_slice(&gotracer.get(path, "").body).unwrap()
}

#[test]
fn the_daemon_knows_what_it_knew() {
    for (scratch, directory) in versions() {
        let address = free_address();
        let mut command = Command::new(env!("CARGO_BIN_EXE_gotracer"));
        command
            .current_dir(&directory)
            .args(["serve", "--config=gotracer.yml", "--storage.path=storage"])
            .args(["--evidence.path=evidence", "--web.listen-address", &address]);
        let log = scratch.path().join("gotracer.log");
        let mut gotracer = Running::start(&mut command, address, log);
        gotracer.wait_ready();
        let traces = |version: u32| {
            format!("gotracer_traces_total{{service=\"shop\",version=\"{version}\"}}")
        };
        let new = directory.join("in/shop_3_1.trace");
        fs::copy(fixture("go1.26.6/idle.trace"), new).unwrap();
        gotracer.wait_sample(&traces(3), 1.0);
        gotracer.wait_sample("gotracer_queue_length", 0.0);
        let log = gotracer.log();
        for version in [1, 2] {
            let again = gotracer.sample(&traces(version)).unwrap_or_default();
            assert_eq!(again, 0.0, "analyzed again: {log}");
        }
        assert!(!log.contains("ERROR"), "{log}");

        let releases = json(&gotracer, "/api/v1/releases").to_string();
        for version in ["\"1\"", "\"2\""] {
            assert!(
                releases.contains(&format!("\"version\":{version}")),
                "{releases}"
            );
        }

        let evidence = json(&gotracer, "/api/v1/evidence");
        let items = evidence["data"].as_array().unwrap();
        assert_eq!(items.len(), 2, "{evidence}");
        for item in items {
            let path = format!("/api/v1/evidence/{}", item["id"].as_str().unwrap());
            let file = directory
                .join("evidence")
                .join(item["file"].as_str().unwrap());
            assert_eq!(gotracer.get(&path, "").body, fs::read(file).unwrap());
            let report = json(&gotracer, &format!("{path}/report"));
            assert!(report.to_string().contains("MutexContention"), "{report}");
        }
    }
}

#[test]
fn the_command_line_reads_reports_baselines_and_configurations() {
    for (_scratch, directory) in versions() {
        let run = |arguments: &[&str]| {
            let mut command = Command::new(env!("CARGO_BIN_EXE_gotracer"));
            let output = command.current_dir(&directory).args(arguments).output();
            let output = output.unwrap();
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            (output.status.code(), said)
        };
        let found = ["analyze", "in/shop_2_1.trace"];
        assert_eq!(run(&found).0, Some(1));
        let known = [&found[..], &["--baseline", "baseline.json"]].concat();
        let (code, said) = run(&known);
        assert_eq!(code, Some(0), "{said}");
        let (code, said) = run(&["diff", "report.json", "in/shop_2_1.trace"]);
        assert_eq!(code, Some(0), "{said}");
        let (code, said) = run(&["diff", "in/shop_2_1.trace", "report.json"]);
        assert_eq!(code, Some(0), "{said}");
        let (code, said) = run(&["check-config", "gotracer.yml"]);
        assert_eq!(code, Some(0), "{said}");
    }
}
