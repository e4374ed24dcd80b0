//! Bytes that can be read again.
//!
//! Files are read with positioned reads, not mapped: a file that shrinks while
//! it is read is then a clear error instead of a signal, and the page cache
//! does not count as this program's memory.

use std::fs::File;
use std::io;

/// Bytes that can be read at any offset.
pub trait ReadAt {
    /// Reads some bytes at `offset`; none at the end.
    ///
    /// # Errors
    /// If they can't be read.
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize>;
}

impl ReadAt for File {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        #[cfg(unix)]
        return std::os::unix::fs::FileExt::read_at(self, buf, offset);
        #[cfg(windows)]
        return std::os::windows::fs::FileExt::seek_read(self, buf, offset);
    }
}

impl ReadAt for &[u8] {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        let rest = usize::try_from(offset)
            .ok()
            .and_then(|o| self.get(o..))
            .unwrap_or_default();
        let n = rest.len().min(buf.len());
        buf[..n].copy_from_slice(&rest[..n]);
        Ok(n)
    }
}

/// How much is read ahead at a batch header of a seekable input: enough for
/// the header and for runs of small batches, little beside a full batch.
const WINDOW: usize = 4 << 10;

/// A file or a slice.
pub(super) struct Seekable<'a> {
    source: Box<dyn ReadAt + Send + 'a>,
    len: u64,
    window: Vec<u8>,
    window_at: u64,
}

impl<'a> Seekable<'a> {
    /// The first `len` bytes of `source`.
    pub(super) fn new(source: Box<dyn ReadAt + Send + 'a>, len: u64) -> Self {
        Self {
            source,
            len,
            window: Vec::new(),
            window_at: 0,
        }
    }

    pub(super) fn len(&self) -> u64 {
        self.len
    }

    /// Up to `want` bytes at `pos`; fewer only at the end.
    pub(super) fn peek(&mut self, pos: u64, want: usize) -> io::Result<&[u8]> {
        let want = want.min(self.len.saturating_sub(pos).min(want as u64) as usize);
        let inside =
            pos >= self.window_at && pos + want as u64 <= self.window_at + self.window.len() as u64;
        if !inside {
            let n = WINDOW.max(want).min((self.len - pos) as usize);
            let mut window = std::mem::take(&mut self.window);
            window.resize(n, 0);
            self.read_full(pos, &mut window)?;
            self.window = window;
            self.window_at = pos;
        }
        let start = (pos - self.window_at) as usize;
        Ok(&self.window[start..start + want])
    }

    /// Fills `buf` with the bytes at `at`.
    pub(super) fn read_full(&mut self, at: u64, buf: &mut [u8]) -> io::Result<()> {
        let mut done = 0;
        while done < buf.len() {
            match self.source.read_at(&mut buf[done..], at + done as u64) {
                Ok(0) => {
                    return Err(io::Error::new(
                        io::ErrorKind::UnexpectedEof,
                        "the file became shorter while it was read",
                    ));
                }
                Ok(n) => done += n,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
        Ok(())
    }
}
