//! Framing: a trace is a sequence of batches.

use std::io;

use super::super::error::{Corruption, ErrorKind};
use super::super::event::ThreadId;
use super::super::input::Input;
use super::super::varint::Scanner;
use super::super::version::{HEADER, HEADER_START, starts_with_header};
use super::wire;

/// A header: type, experiment, and four varints.
const MAX_HEADER: usize = 2 + 4 * super::super::varint::MAX_LEN;

/// One batch, not yet decoded; its bytes are kept by the [`Input`].
#[derive(Clone, Copy, Debug)]
pub(super) struct Batch {
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
    /// The section that an ordinary batch belongs to.
    pub(super) fn section(&self) -> Option<u8> {
        (self.experiment == wire::NO_EXPERIMENT && self.len > 0).then_some(self.first)
    }
}

/// Next element of the file.
pub(super) enum Next {
    Batch(Batch),
    /// The marker that Go 1.26 writes after each generation.
    EndOfGeneration,
    /// Nothing, or another trace.
    End,
}

/// Result of parsing a header.
enum Header {
    Batch(Batch, usize),
    EndOfGeneration,
    AnotherTrace,
    /// The bytes are only a part of a header; the result counts if they are the
    /// last ones.
    Short(Result<(), ErrorKind>),
}

/// Reads the next batch's header and passes over its data.
pub(super) fn next(input: &mut Input<'_>) -> Result<Next, ErrorKind> {
    let start = input.pos();
    // Reading beyond the header may block a live stream: after a generation's end there may be no data for a second.
    let mut least = 1;
    let (mut b, length) = loop {
        // A non-empty batch has data, and its first byte tells its kind.
        let bytes = input
            .peek_some(least, MAX_HEADER + 1)
            .map_err(ErrorKind::Io)?;
        let ended = bytes.len() < least;
        least = bytes.len() + 1;
        match header(bytes)? {
            Header::Batch(b, length) => break (b, length),
            Header::EndOfGeneration => {
                input.consume(1);
                return Ok(Next::EndOfGeneration);
            }
            Header::AnotherTrace => return Ok(Next::End),
            Header::Short(is) if ended => return is.map(|()| Next::End),
            Header::Short(_) => {}
        }
    };
    input.consume(length);
    (b.start, b.at) = (start, input.pos());
    if b.len > 0 && !input.keep(b.len).map_err(ErrorKind::Io)? {
        return Err(ErrorKind::Truncated("within a batch"));
    }
    Ok(Next::Batch(b))
}

fn header(bytes: &[u8]) -> Result<Header, ErrorKind> {
    let mut s = Scanner::new(bytes);
    let experiment = match s.byte() {
        None => return Ok(Header::Short(Ok(()))),
        Some(wire::END_OF_GENERATION) => return Ok(Header::EndOfGeneration),
        Some(wire::EVENT_BATCH) => wire::NO_EXPERIMENT,
        Some(wire::EXPERIMENTAL_BATCH) => match s.byte() {
            Some(e) => e,
            // A lone type byte at the end of the file is taken for the end, as
            // the reference reader does.
            None => return Ok(Header::Short(Ok(()))),
        },
        Some(other) => return another_trace(bytes, other),
    };
    let mut fields = [0; 4];
    let names = [
        "a batch's generation",
        "a batch's thread id",
        "a batch's time",
        "a batch's size",
    ];
    for (field, name) in fields.iter_mut().zip(names) {
        *field = match s.varint() {
            Some(value) => value,
            None if bytes.len() < MAX_HEADER => {
                let cut = ErrorKind::Truncated("within a batch header");
                return Ok(Header::Short(Err(cut)));
            }
            None => return Err(Corruption::Varint(name).into()),
        };
    }
    let [generation, m, time, size] = fields;
    if size > wire::MAX_BATCH_SIZE {
        return Err(Corruption::BatchTooLarge(size).into());
    }
    let length = s.pos();
    let first = match s.byte() {
        _ if size == 0 => 0,
        Some(first) => first,
        None => {
            let cut = ErrorKind::Truncated("within a batch");
            return Ok(Header::Short(Err(cut)));
        }
    };
    let batch = Batch {
        generation,
        m: ThreadId(m as i64),
        time,
        experiment,
        start: 0,
        at: 0,
        len: size as usize,
        first,
    };
    Ok(Header::Batch(batch, length))
}

/// The header of another trace, whose first byte `other` starts no batch.
#[cold]
fn another_trace(bytes: &[u8], other: u8) -> Result<Header, ErrorKind> {
    let not_a_batch = Corruption::NotABatch(other).into();
    if starts_with_header(bytes) {
        return Ok(Header::AnotherTrace);
    }
    let known = bytes.len().min(HEADER_START.len());
    if bytes.len() < HEADER && bytes[..known] == HEADER_START[..known] {
        return Ok(Header::Short(Err(not_a_batch)));
    }
    Err(not_a_batch)
}

/// Loads the data of a batch that is not read event by event.
pub(super) fn data<'b>(
    input: &mut Input<'_>,
    b: &Batch,
    buf: &'b mut Vec<u8>,
) -> io::Result<&'b [u8]> {
    buf.resize(b.len, 0);
    if b.len > 0 {
        input.take(b.at, buf)?;
    }
    Ok(buf)
}
