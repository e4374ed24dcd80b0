//! Framing: the row of batches that a trace is.

use std::io;

use super::super::error::{Corruption, ErrorKind};
use super::super::event::ThreadId;
use super::super::input::Input;
use super::super::varint::Scanner;
use super::wire;

/// A header: type, experiment, and four varints.
const MAX_HEADER: usize = 2 + 4 * super::super::varint::MAX_LEN;

/// One batch, not yet decoded; its bytes are kept by the [`Input`].
#[derive(Clone, Copy, Debug)]
pub struct Batch {
    pub generation: u64,
    pub m: ThreadId,
    /// Base time in clock units.
    pub time: u64,
    pub experiment: u8,
    /// Offset of the batch's header.
    pub start: u64,
    /// Offset of its data.
    pub at: u64,
    /// Length of its data, bytes.
    pub len: usize,
    /// First byte of the data, which tells what kind of batch it is; 0 for an
    /// empty one.
    pub first: u8,
}

impl Batch {
    /// What the batch holds, if it is an ordinary one.
    pub fn section(&self) -> Option<u8> {
        (self.experiment == wire::NO_EXPERIMENT && self.len > 0).then_some(self.first)
    }
}

/// What stands next in the file.
pub enum Next {
    Batch(Batch),
    /// The marker that Go 1.26 writes after each generation.
    EndOfGeneration,
    /// Nothing.
    End,
}

/// Reads the next batch's header and passes over its data.
pub fn next(input: &mut Input<'_>) -> Result<Next, ErrorKind> {
    let start = input.pos();
    // Data may follow at once, its first byte is wanted too.
    let bytes = input.peek(MAX_HEADER + 1).map_err(ErrorKind::Io)?;
    let mut s = Scanner::new(bytes);
    let experiment = match s.byte() {
        None => return Ok(Next::End),
        Some(wire::END_OF_GENERATION) => {
            input.consume(1);
            return Ok(Next::EndOfGeneration);
        }
        Some(wire::EVENT_BATCH) => wire::NO_EXPERIMENT,
        Some(wire::EXPERIMENTAL_BATCH) => match s.byte() {
            Some(e) => e,
            // A lone type byte at the end of the file is taken for the end, as
            // the reference reader does.
            None => return Ok(Next::End),
        },
        Some(other) => return Err(Corruption::NotABatch(other).into()),
    };
    let mut field = |name| {
        let short = bytes.len() < MAX_HEADER;
        s.varint().ok_or(if short {
            ErrorKind::Truncated("within a batch header")
        } else {
            Corruption::Varint(name).into()
        })
    };
    let generation = field("a batch's generation")?;
    let m = ThreadId(field("a batch's thread id")? as i64);
    let time = field("a batch's time")?;
    let size = field("a batch's size")?;
    if size > wire::MAX_BATCH_SIZE {
        return Err(Corruption::BatchTooLarge(size).into());
    }
    let header = s.pos();
    let first = if size > 0 { s.byte().unwrap_or(0) } else { 0 };
    let len = size as usize;
    input.consume(header);
    let at = input.pos();
    if len > 0 && !input.keep(len).map_err(ErrorKind::Io)? {
        return Err(ErrorKind::Truncated("within a batch"));
    }
    Ok(Next::Batch(Batch {
        generation,
        m,
        time,
        experiment,
        start,
        at,
        len,
        first,
    }))
}

/// Loads the data of a batch that is not read event by event.
pub fn data<'b>(input: &mut Input<'_>, b: &Batch, buf: &'b mut Vec<u8>) -> io::Result<&'b [u8]> {
    buf.resize(b.len, 0);
    if b.len > 0 {
        input.take(b.at, buf)?;
    }
    Ok(buf)
}
