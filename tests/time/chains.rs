//! What waits were in the end, in a program whose chains of waits are known.

use std::process::Command;

use gotracer::analysis::analyze;
use gotracer::rules::Settings;
use gotracer::tasks::Leaf;
use gotracer::trace::Input;

use crate::support;
use crate::support::tools::toolchain;

#[test]
fn chains_of_waits_end_where_the_program_says() {
    for version in ["local", "1.22.10"] {
        let Some(go) = toolchain(version) else {
            continue;
        };
        let directory = tempfile::tempdir().unwrap();
        let (binary, trace) = (
            directory.path().join("waits"),
            directory.path().join("trace"),
        );
        let mut build = Command::new(go);
        build.args(["build", "-o"]).arg(&binary).arg(".");
        build.env("GOTOOLCHAIN", "local").env_remove("GOROOT");
        build.current_dir(support::tests_dir("time/waits"));
        assert!(build.status().unwrap().success());
        assert!(
            Command::new(&binary)
                .arg(&trace)
                .status()
                .unwrap()
                .success()
        );
        let bytes = std::fs::read(&trace).unwrap();
        let report = analyze(
            Input::from_slice(&bytes),
            "waits",
            &Settings::default(),
            |_| {},
        );
        let report = report.unwrap().report;
        assert_eq!(report.regions.len(), 7);
        for region in &report.regions {
            let (_, end) = region.name.split_once(": ").unwrap();
            let leaves = &region.time_in_the_end;
            assert_eq!(leaves.total(), region.time.total(), "{}", region.name);
            let largest = Leaf::all().max_by_key(|leaf| leaves.of(*leaf)).unwrap();
            assert_eq!(
                largest.name(),
                end,
                "go {version}, {}: {leaves:?}",
                region.name
            );
        }
        let task = &report.tasks[0];
        assert_eq!(task.time_in_the_end.total(), task.time.total());
    }
}
