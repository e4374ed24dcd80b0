//! A Go program with net/http/pprof, built and started.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use super::daemon::{Scratch, program};

/// Builds the endpoint under a name. Returns the binary.
pub(crate) fn build(go: &Path, scratch: &Scratch, name: &str, flags: &[&str]) -> PathBuf {
    build_from("tests/serve/endpoint", go, scratch, name, flags)
}

/// Builds the Go program in a directory under a name. Returns the binary.
pub(crate) fn build_from(
    directory: &str,
    go: &Path,
    scratch: &Scratch,
    name: &str,
    flags: &[&str],
) -> PathBuf {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join(directory);
    let binary = scratch.path().join(name);
    let mut build = Command::new(go);
    build
        .arg("build")
        .args(flags)
        .arg("-o")
        .arg(&binary)
        .arg(".")
        .env("GOTOOLCHAIN", "local")
        .env_remove("GOROOT")
        .current_dir(source);
    assert!(build.status().unwrap().success());
    binary
}

/// It runs until it is dropped.
pub(crate) struct Endpoint {
    child: Child,
    pub address: String,
}

impl Endpoint {
    pub(crate) fn start(scratch: &Scratch, flags: &[&str]) -> Option<Self> {
        Some(Self::built_with(&program("go")?, scratch, flags))
    }

    /// The same, built with a certain `go`.
    pub(crate) fn built_with(go: &Path, scratch: &Scratch, flags: &[&str]) -> Self {
        Self::run(&build(go, scratch, "endpoint", &[]), flags)
    }

    /// One that was built.
    pub(crate) fn run(binary: &Path, flags: &[&str]) -> Self {
        let mut command = Command::new(binary);
        command.args(flags);
        command.stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let mut address = String::new();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        out.read_line(&mut address).unwrap();
        let address = address.trim().to_string();
        Self { child, address }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for Endpoint {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
