//! A real Go program with net/http/pprof.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use crate::repository;
use crate::support::daemon::{Scratch, program};

/// tests/workloads' small HTTP service, whose collections have to wait for a
/// huge copy.
pub(crate) struct Server {
    child: Child,
    pub address: String,
}

impl Server {
    /// Builds and starts it; `None` where there is no Go.
    pub(crate) fn start(scratch: &Scratch) -> Option<Self> {
        Self::start_at(scratch, "127.0.0.1:0")
    }

    /// One with an address that is known before.
    pub(crate) fn start_at(scratch: &Scratch, address: &str) -> Option<Self> {
        let go = program("go")?;
        let binary = scratch.path().join("workloads");
        let mut build = Command::new(go);
        build
            .args(["build", "-buildvcs=false", "-o"])
            .arg(&binary)
            .arg(".");
        build
            .env("CGO_ENABLED", "0")
            .current_dir(repository("tests/workloads"));
        assert!(build.status().unwrap().success());
        let mut command = Command::new(binary);
        let mut child = command
            .args(["-w", "server", "-addr", address])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut url = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut url)
            .unwrap();
        let address = url.trim().trim_start_matches("http://").to_owned();
        Some(Self { child, address })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
