//! Traces made to take memory, under a limit of address space.
#![cfg(target_os = "linux")]

use std::fs;
use std::io::{self, Read, Write};
use std::process::Command;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::{FOUND, assert_exit, stderr, stdout};

/// The limit, KiB. It leaves a few hundred MiB to threads and to what is read.
const ADDRESS_SPACE: u64 = 1_000_000;

/// A header, and batches of one generation for so many bytes.
fn generation(bytes: usize) -> impl Read {
    let data = [11; 1_000];
    let length = [data.len() as u8 | 0x80, (data.len() >> 7) as u8];
    let batch = [&[1, 1, 5, 1][..], &length, &data].concat();
    let batches = batch.into_iter().cycle().take(bytes).collect::<Vec<_>>();
    io::Cursor::new(b"go 1.26 trace\0\0\0").chain(io::Cursor::new(batches))
}

fn zstd(bytes: usize) -> Vec<u8> {
    zstd::encode_all(generation(bytes), 1).unwrap()
}

fn gzip(bytes: usize) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    io::copy(&mut generation(bytes), &mut encoder).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn bombs_among_good_traces_end_with_an_error_and_the_good_ones_are_analyzed() {
    let directory = tempfile::tempdir().unwrap();
    for (name, bytes) in [
        ("a.trace.zst", zstd(400 << 20)),
        ("b.trace.gz", gzip(100 << 20)),
    ] {
        let mut file = fs::File::create(directory.path().join(name)).unwrap();
        file.write_all(&bytes).unwrap();
    }
    fs::copy(FOUND, directory.path().join("c.trace")).unwrap();
    let limited = format!("ulimit -v {ADDRESS_SPACE}; exec \"$0\" analyze --jobs 2 \"$1\"");
    let output = Command::new("sh")
        .args(["-c", &limited, env!("CARGO_BIN_EXE_gotracer")])
        .arg(directory.path())
        .output()
        .unwrap();
    assert_exit(&output, 2);
    assert!(
        stdout(&output).contains("MutexContention"),
        "{}",
        stdout(&output)
    );
    let errors = stderr(&output);
    for name in ["a.trace.zst", "b.trace.gz"] {
        assert!(errors.contains(name), "{errors}");
    }
}
