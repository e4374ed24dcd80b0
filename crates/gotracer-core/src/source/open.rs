//! Traces as they lie around: plain or compressed, in a file or a pipe.
//!
//! Compression is told by the first bytes, never by the name. A plain regular
//! file is handed on as a file, so that the reader can come back to its bytes
//! instead of keeping them.

use std::fs::File;
use std::io::{self, BufReader, Cursor, Read, Seek};
use std::path::Path;

use flate2::read::MultiGzDecoder;

use crate::trace::{Input, ReadAt};

const GZIP: &[u8] = b"\x1f\x8b";
const ZSTD: &[u8] = b"\x28\xb5\x2f\xfd";
/// As many bytes as the longest magic number has.
const MAGIC: u64 = 4;

/// Opens a trace.
///
/// # Errors
/// If it can't be opened or its first bytes can't be read.
pub fn open(path: &Path) -> io::Result<Input<'static>> {
    if path.is_dir() {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    from_file(File::open(path)?)
}

/// A trace's bytes from its file's start, decompressed.
///
/// # Errors
/// If its first bytes can't be read.
pub fn decompressed(
    mut file: impl Read + Seek + Send + 'static,
) -> io::Result<Box<dyn Read + Send>> {
    file.rewind()?;
    let head = magic(&mut file)?;
    file.rewind()?;
    Ok(match decoder(&head, file)? {
        Ok(decoded) => decoded,
        Err(plain) => Box::new(plain),
    })
}

/// The trace on standard input; if that is a regular file, read as one.
///
/// # Errors
/// If its first bytes can't be read.
pub fn stdin() -> io::Result<Input<'static>> {
    #[cfg(unix)]
    {
        use std::os::fd::AsFd;
        let mut file = File::from(io::stdin().as_fd().try_clone_to_owned()?);
        // Of a file that somebody else began to read, the rest is the trace.
        let whole = file.metadata()?.is_file() && file.stream_position()? == 0;
        if whole {
            from_file(file)
        } else {
            from_reader(file)
        }
    }
    #[cfg(not(unix))]
    from_reader(io::stdin())
}

/// A trace from a stream: a pipe, a network body.
///
/// # Errors
/// If its first bytes can't be read.
pub fn from_reader(mut reader: impl Read + Send + 'static) -> io::Result<Input<'static>> {
    let head = magic(&mut reader)?;
    let whole = Cursor::new(head.clone()).chain(reader);
    Ok(match decoder(&head, whole)? {
        Ok(decoded) => Input::from_reader(decoded),
        Err(plain) => Input::from_reader(plain),
    })
}

/// A trace in a regular file of so many bytes.
///
/// # Errors
/// If its first bytes can't be read.
pub fn from_seekable(
    mut file: impl Read + Seek + ReadAt + Send + 'static,
    length: u64,
) -> io::Result<Input<'static>> {
    file.rewind()?;
    let head = magic(&mut file)?;
    file.rewind()?;
    Ok(match decoder(&head, file)? {
        Ok(decoded) => Input::from_reader(decoded),
        Err(plain) => Input::from_source(plain, length),
    })
}

fn from_file(file: File) -> io::Result<Input<'static>> {
    let metadata = file.metadata()?;
    match metadata.is_file() {
        true => from_seekable(file, metadata.len()),
        false => from_reader(file),
    }
}

fn magic(reader: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    reader.take(MAGIC).read_to_end(&mut head)?;
    Ok(head)
}

/// The decompressed bytes, or the reader itself where nothing is compressed.
fn decoder<R: Read + Send + 'static>(
    head: &[u8],
    reader: R,
) -> io::Result<Result<Box<dyn Read + Send>, R>> {
    Ok(if head.starts_with(GZIP) {
        Ok(Box::new(MultiGzDecoder::new(BufReader::new(reader))))
    } else if head.starts_with(ZSTD) {
        Ok(Box::new(zstd::Decoder::new(reader)?))
    } else {
        Err(reader)
    })
}
