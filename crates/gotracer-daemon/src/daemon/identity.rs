//! Identity of a trace: its content, not its path.

use std::fmt;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};

/// Bytes at a file's start and end that are hashed. Every trace has its clock in both, so two
/// traces differ in them.
const SAMPLE: u64 = 64 << 10;

/// Hash of a trace's length, start and end. The hash does not protect against
/// files made to collide: a user who can write to the directory can also delete
/// its files.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) struct Identity(pub(super) [u8; 16]);

impl Identity {
    /// The identity of a file.
    ///
    /// # Errors
    /// If it can't be read.
    pub(super) fn of(file: &mut (impl Read + Seek)) -> io::Result<Self> {
        let length = file.seek(SeekFrom::End(0))?;
        let mut hash = Fnv::default();
        hash.write(&length.to_le_bytes());
        let mut sample = Vec::new();
        for at in [0, length.saturating_sub(SAMPLE)] {
            file.seek(SeekFrom::Start(at))?;
            sample.clear();
            file.by_ref().take(SAMPLE).read_to_end(&mut sample)?;
            hash.write(&sample);
        }
        Ok(Self(hash.0.to_be_bytes()))
    }

    /// Parses 32 hexadecimal digits.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let number = u128::from_str_radix(text, 16).ok()?;
        (text.len() == 32).then_some(Self(number.to_be_bytes()))
    }
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", u128::from_be_bytes(self.0))
    }
}

/// Returns when a file was last written, moved or touched, as Unix time in
/// seconds. On Unix, that is always what the clock of its file system showed.
///
/// # Errors
/// If the file has no metadata.
pub(super) fn changed(file: &File) -> io::Result<u64> {
    let metadata = file.metadata()?;
    #[cfg(unix)]
    let seconds = u64::try_from(std::os::unix::fs::MetadataExt::ctime(&metadata));
    #[cfg(not(unix))]
    let seconds = metadata.modified().map(|at| {
        let since = at.duration_since(std::time::UNIX_EPOCH);
        since.unwrap_or_default().as_secs()
    });
    Ok(seconds.unwrap_or_default())
}

/// FNV-1a with 128 bits: the same on every machine and in every version.
struct Fnv(u128);

impl Default for Fnv {
    fn default() -> Self {
        Self(0x6c62_272e_07bb_0142_62b8_2175_6295_c58d)
    }
}

impl Fnv {
    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 ^= u128::from(byte);
            self.0 = self.0.wrapping_mul(0x0100_0000_0000_0000_0000_013b);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn fnv_is_the_published_one() {
        let mut hash = Fnv::default();
        hash.write(b"a");
        assert_eq!(hash.0, 0xd228_cb69_6f1a_8caf_7891_2b70_4e4a_8964);
    }

    #[test]
    fn the_same_bytes_are_the_same_trace() {
        let mut file = tempfile::tempfile().unwrap();
        let mut identity = |bytes: &[u8]| {
            file.set_len(0).unwrap();
            file.rewind().unwrap();
            file.write_all(bytes).unwrap();
            Identity::of(&mut file).unwrap()
        };
        let (a, b) = (identity(b"a trace"), identity(&vec![7; 200_000]));
        assert_eq!(a, identity(b"a trace"));
        assert_ne!(a, b);
    }
}
