//! Channel from an asynchronous response to a blocking reader.

use std::io::{self, Read};

use hyper::body::Bytes;
use tokio::sync::mpsc::{Receiver, Sender, channel};

use super::gathered::Gathered;

/// Capacity of the channel, chunks. A slow reader applies backpressure to the
/// connection.
const PIECES: usize = 8;

/// Blocking reader of a response.
pub struct Reader {
    /// What was received before.
    gathered: Gathered,
    pieces: Receiver<io::Result<Bytes>>,
    current: Bytes,
}

/// Creates a channel of chunks and its reader.
pub fn pipe() -> (Sender<io::Result<Bytes>>, Reader) {
    pipe_after(Gathered::default())
}

/// Creates a channel of chunks and its reader, which reads `gathered` first.
pub(super) fn pipe_after(gathered: Gathered) -> (Sender<io::Result<Bytes>>, Reader) {
    let (sender, pieces) = channel(PIECES);
    let reader = Reader {
        gathered,
        pieces,
        current: Bytes::new(),
    };
    (sender, reader)
}

impl Read for Reader {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        while self.current.is_empty() {
            self.current = match self.gathered.take() {
                Some(block) => block,
                None => match self.pieces.blocking_recv() {
                    Some(piece) => piece?,
                    None => return Ok(0),
                },
            };
        }
        let n = buf.len().min(self.current.len());
        buf[..n].copy_from_slice(&self.current.split_to(n));
        Ok(n)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_read_in_order_and_errors_after_them() {
        let mut gathered = Gathered::default();
        assert!(gathered.reserve(3));
        gathered.add(b"123");
        let (sender, mut reader) = pipe_after(gathered);
        let send = std::thread::spawn(move || {
            for piece in ["ab", "", "cde"] {
                sender.blocking_send(Ok(Bytes::from(piece))).unwrap();
            }
            let broken = io::Error::from(io::ErrorKind::ConnectionReset);
            sender.blocking_send(Err(broken)).unwrap();
        });
        let mut read = Vec::new();
        let error = reader.read_to_end(&mut read).unwrap_err();
        send.join().unwrap();
        assert_eq!(read, b"123abcde");
        assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
        assert_eq!(reader.read(&mut [0; 4]).unwrap(), 0);
    }
}
