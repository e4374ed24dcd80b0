//! Opens traces: plain or compressed, from files or pipes.
//!
//! The first bytes decide about compression, not the name. A plain regular file
//! is passed as a file: the reader reads its bytes again instead of keeping
//! them in memory.

use std::fs::File;
use std::io::{self, Cursor, Read, Seek};
use std::path::Path;

use super::expand::{self, Expanded};
use super::limits::Limits;
use crate::trace::{Input, ReadAt};

/// Opens a trace.
///
/// # Errors
/// If it can't be opened or its first bytes can't be read.
pub fn open(path: &Path, limits: &Limits) -> io::Result<Input<'static>> {
    if path.is_dir() {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    from_file(File::open(path)?, limits)
}

/// Returns a trace's decompressed bytes from the start of its file.
///
/// # Errors
/// If its first bytes can't be read.
pub fn decompressed(
    mut file: impl Read + Seek + Send + 'static,
    limits: &Limits,
) -> io::Result<Box<dyn Read + Send>> {
    file.rewind()?;
    let head = head(&mut file)?;
    file.rewind()?;
    Ok(match expand::is_compressed(&head) {
        true => Box::new(Expanded::new(&head, file, limits)?),
        false => Box::new(file),
    })
}

/// Opens the trace on standard input, as a file if it is a regular file.
///
/// # Errors
/// If its first bytes can't be read.
pub fn stdin(limits: &Limits) -> io::Result<Input<'static>> {
    #[cfg(unix)]
    {
        use std::os::fd::AsFd;
        let mut file = File::from(io::stdin().as_fd().try_clone_to_owned()?);
        // The rest of a partly read file is the trace.
        let whole = file.metadata()?.is_file() && file.stream_position()? == 0;
        if whole {
            from_file(file, limits)
        } else {
            from_reader(file, limits)
        }
    }
    #[cfg(not(unix))]
    from_reader(io::stdin(), limits)
}

/// Opens a trace from a stream, such as a pipe or a response's body.
///
/// # Errors
/// If its first bytes can't be read.
pub fn from_reader(
    mut reader: impl Read + Send + 'static,
    limits: &Limits,
) -> io::Result<Input<'static>> {
    let head = head(&mut reader)?;
    let whole = Cursor::new(head.clone()).chain(reader);
    let input = match expand::is_compressed(&head) {
        true => Input::from_reader(Expanded::new(&head, whole, limits)?),
        false => Input::from_reader(whole),
    };
    Ok(input.within(limits.memory.clone()))
}

/// Opens a trace in a regular file of `length` bytes.
///
/// # Errors
/// If its first bytes can't be read.
pub fn from_seekable(
    mut file: impl Read + Seek + ReadAt + Send + 'static,
    length: u64,
    limits: &Limits,
) -> io::Result<Input<'static>> {
    file.rewind()?;
    let head = head(&mut file)?;
    file.rewind()?;
    let input = match expand::is_compressed(&head) {
        true => Input::from_reader(Expanded::new(&head, file, limits)?),
        false => Input::from_source(file, length),
    };
    Ok(input.within(limits.memory.clone()))
}

fn from_file(file: File, limits: &Limits) -> io::Result<Input<'static>> {
    let metadata = file.metadata()?;
    match metadata.is_file() {
        true => from_seekable(file, metadata.len(), limits),
        false => from_reader(file, limits),
    }
}

/// Reads the bytes that identify the compression and its window.
fn head(reader: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    reader.take(expand::MAGIC).read_to_end(&mut head)?;
    if expand::is_compressed(&head) {
        reader.take(expand::HEAD).read_to_end(&mut head)?;
    }
    Ok(head)
}
