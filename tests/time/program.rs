//! Go programs that are built, run and traced for a test.

use std::path::{Path, PathBuf};
use std::process::Command;

use gotracer::analysis::analyze;
use gotracer::report::Report;
use gotracer::rules::Settings;
use gotracer::trace::Input;

use crate::support;

/// A program of tests/time, built with one Go version.
pub(crate) struct Program {
    directory: tempfile::TempDir,
}

impl Program {
    /// Builds the program in a directory of tests/time; `None` without the Go version.
    pub(crate) fn build(source: &str, version: &str) -> Option<Self> {
        let go = support::tools::toolchain(version)?;
        let directory = tempfile::tempdir().unwrap();
        let mut build = Command::new(go);
        build.args(["build", "-o"]);
        build.arg(directory.path().join("program")).arg(".");
        build.env("GOTOOLCHAIN", "local").env_remove("GOROOT");
        build.current_dir(support::tests_dir("time").join(source));
        assert!(build.status().unwrap().success(), "go {version}, {source}");
        Some(Self { directory })
    }

    /// Runs the program with these arguments and the path of its trace. Returns its output and the trace's report.
    pub(crate) fn trace(&self, args: &[&str]) -> (String, Report) {
        let mut program = Command::new(self.directory.path().join("program"));
        let output = program.args(args).arg(self.path()).output().unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{args:?}: {errors}");
        let text = String::from_utf8(output.stdout).unwrap();
        (text, report(&self.path()))
    }

    /// Path of the last trace.
    pub(crate) fn path(&self) -> PathBuf {
        self.directory.path().join("trace")
    }
}

/// Returns the report of a trace.
pub(crate) fn report(trace: &Path) -> Report {
    let bytes = std::fs::read(trace).unwrap();
    let name = trace.display().to_string();
    let input = Input::from_slice(&bytes);
    analyze(input, &name, &Settings::default(), |_| {})
        .unwrap()
        .report
}
