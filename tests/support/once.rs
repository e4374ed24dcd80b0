//! Programs that several tests need, built one at a time.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Runs `build`, which writes `name` to the directory for temporary files of the tests, and returns its path.
///
/// Tests may run in processes of their own. The lock keeps one from running a program that another one writes. Go leaves
/// a program alone that is up to date, so that only the first build takes long.
pub(crate) fn build(name: &str, build: impl FnOnce(&Path) -> Command) -> PathBuf {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let out = directory.join(name);
    let lock = File::create(directory.join(format!("{name}.lock"))).expect("a lock file");
    lock.lock().expect("a lock");
    let status = build(&out).status().expect("the build starts");
    assert!(status.success(), "building {name} failed");
    out
}
