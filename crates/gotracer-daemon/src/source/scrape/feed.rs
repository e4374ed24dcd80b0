//! Channel from an asynchronous response to a blocking reader.

use std::io::{self, Read};

use hyper::body::Bytes;
use tokio::sync::mpsc::{Receiver, Sender, channel};

/// Capacity of the channel, chunks. A slow reader applies backpressure to the
/// connection.
const PIECES: usize = 8;

/// Blocking reader of a response.
pub struct Reader {
    pieces: Receiver<io::Result<Bytes>>,
    current: Bytes,
}

/// Creates a channel of chunks and its reader.
pub fn pipe() -> (Sender<io::Result<Bytes>>, Reader) {
    let (sender, pieces) = channel(PIECES);
    let current = Bytes::new();
    (sender, Reader { pieces, current })
}

impl Read for Reader {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        while self.current.is_empty() {
            match self.pieces.blocking_recv() {
                Some(piece) => self.current = piece?,
                None => return Ok(0),
            }
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
        let (sender, mut reader) = pipe();
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
        assert_eq!(read, b"abcde");
        assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
        assert_eq!(reader.read(&mut [0; 4]).unwrap(), 0);
    }
}
