//! Settings of glibc's allocator, which it reads from the environment at process start only.
//!
//! By default, each thread may have a separate arena, and a freed block of 256 KiB, such as a reader's, raises the
//! threshold above which blocks return to the system. Measured with 20 targets whose traces are made to take memory and a budget
//! of 128 MiB (`benches/hostile`): 459 MiB by default, 153 MiB with these settings, 414 MiB with jemalloc, and 529 MiB
//! with mimalloc.

use std::env;
use std::io;
use std::os::unix::process::CommandExt as _;
use std::process::Command;

/// Two arenas, and a reader's blocks return to the system when freed.
const SETTINGS: [(&str, &str); 2] = [
    ("MALLOC_ARENA_MAX", "2"),
    ("MALLOC_MMAP_THRESHOLD_", "131072"),
];

/// Executes this program again, in the same process, with the settings that the environment lacks. Returns `Ok` if it
/// lacks none, and an error if `exec` fails. Must be called before the first thread starts and the first file is locked.
pub(crate) fn settle() -> Result<(), io::Error> {
    let lacks = SETTINGS
        .iter()
        .filter(|(name, _)| env::var_os(name).is_none());
    let mut lacks = lacks.copied().peekable();
    if lacks.peek().is_none() {
        return Ok(());
    }
    let mut arguments = env::args_os();
    let mut again = Command::new(env::current_exe()?);
    if let Some(name) = arguments.next() {
        again.arg0(name);
    }
    Err(again.args(arguments).envs(lacks).exec())
}
