//! HTTP servers that answer as a test wants.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};

/// Starts a server that passes each connection to `answer` once it has read a request. Returns its address.
pub(crate) fn impostor(answer: impl Fn(TcpStream) + Send + 'static) -> String {
    receiver(move |_, stream| answer(stream))
}

/// As [`impostor`], with the body of the request; `None` if there is no whole request.
pub(crate) fn receiver(answer: impl Fn(Option<Vec<u8>>, TcpStream) + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let body = read_request(&mut BufReader::new(stream.try_clone().unwrap()));
            answer(body, stream);
        }
    });
    address
}

/// Starts a server whose answers have this head and body.
pub(crate) fn says(head: &'static str, body: Vec<u8>) -> String {
    impostor(move |mut stream| {
        // The client may close the connection before it has read everything.
        let _ = write!(stream, "HTTP/1.1 {head}\r\n\r\n");
        let _ = stream.write_all(&body);
    })
}

/// Reads a request. Returns its body, or `None` if the client closes the connection before its end.
pub(crate) fn read_request(request: &mut BufReader<TcpStream>) -> Option<Vec<u8>> {
    let (mut line, mut length) = (String::new(), 0);
    loop {
        line.clear();
        match request.read_line(&mut line) {
            Ok(1..=2) => break,
            Ok(n) if n > 2 => {}
            _ => return None,
        }
        let header = line.to_ascii_lowercase();
        if let Some(value) = header.strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
    }
    let mut body = vec![0; length];
    request.read_exact(&mut body).ok()?;
    Some(body)
}
