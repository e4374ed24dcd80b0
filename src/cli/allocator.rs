//! Settings of glibc's allocator, which it reads from the environment at the start of a process and nowhere else.
//!
//! By default, each thread may have an arena of its own, and a freed block of 256 KiB, such as a reader's, raises the size
//! from which on blocks go back to the system. Measured with 20 targets whose traces are made to take memory and a budget
//! of 128 MiB (`benches/hostile`): 459 MiB by default, 153 MiB with these settings, 414 MiB with jemalloc, and 529 MiB
//! with mimalloc.

use std::env;
use std::io;
use std::os::unix::process::CommandExt as _;
use std::process::Command;

/// Few arenas, and blocks of a reader go back to the system at once.
const SETTINGS: [(&str, &str); 2] = [
    ("MALLOC_ARENA_MAX", "2"),
    ("MALLOC_MMAP_THRESHOLD_", "131072"),
];

/// Runs this program again, in the same process, with the settings that the environment lacks. Returns if it lacks none, or
/// with the reason why that is not possible. No thread may run and no file may be locked yet.
pub fn settle() -> Result<(), io::Error> {
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
