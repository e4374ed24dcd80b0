//! Clients that stall, trickle, flood or guess do not keep others out.
#![cfg(unix)]

use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use tokio::net::TcpSocket;

use crate::support::daemon::{Running, Scratch, eventually_or, exchange, fixture, post, send};
use crate::web::Guarded;

/// More than the server holds at a time.
const CROWD: usize = 300;
const EVICTED: &str = "gotracer_http_connections_evicted_total";
const TIMED_OUT: &str = "gotracer_http_connections_timed_out_total";

/// `gotracer serve` with a configuration of some megabytes, which `/config`
/// answers with: more than the system takes without a reader.
fn serving(scratch: &Scratch, more: &[&str]) -> Running {
    let long = "x".repeat(6 << 20);
    let yaml = format!(
        "scrape_configs:\n- job_name: x\n  scrape_interval: 24h\n  \
         static_configs: [{{targets: ['127.0.0.1:1']}}]\n  \
         relabel_configs: [{{target_label: __tmp, replacement: '{long}'}}]\n"
    );
    let config = scratch.config(yaml);
    Running::gotracer_with(scratch.path(), &[&[config.as_str()], more].concat(), &[])
}

/// Connections on which a client sent something and then does nothing.
fn crowd(gotracer: &Running, size: usize, sent: &str) -> Vec<TcpStream> {
    let open = |_| {
        let mut stream = TcpStream::connect(&gotracer.address).unwrap();
        // The server may have closed it already, for those that came later.
        let _ = stream.write_all(sent.as_bytes());
        stream
    };
    (0..size).map(open).collect()
}

fn post_head(path: &str, length: usize) -> String {
    format!("POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}\r\n\r\n")
}

#[test]
fn clients_that_stall_keep_nobody_out() {
    let scratch = Scratch::new();
    let gotracer = serving(&scratch, &["--jobs=2"]);
    let alert = post_head("/api/v1/alertmanager", 9) + "{";
    let upload = post_head("/api/v1/analyze", 1 << 20) + "go 1.27 trace";
    let unread = "GET /config HTTP/1.1\r\nHost: localhost\r\n\r\n";
    for sent in [
        "",
        "GET / HT",
        "GET /-/healthy HTTP/1.1\r\nHost: localhost\r\n\r\n",
        &alert,
        &upload,
        unread,
    ] {
        let before = gotracer.sample(EVICTED).unwrap_or_default();
        let held = crowd(&gotracer, CROWD, sent);
        for path in ["/-/healthy", "/-/ready", "/metrics", "/config"] {
            assert_eq!(gotracer.get(path, "").status, 200, "{path} beside {sent:?}");
        }
        let trace = fs::read(fixture("go1.27.3/empty.trace")).unwrap();
        let report = post(&gotracer.address, "/api/v1/analyze", &trace).unwrap();
        assert_eq!(report.status, 200, "{}", report.text());
        let evicted = gotracer.sample(EVICTED).unwrap();
        assert!(evicted > before, "{evicted} evicted beside {sent:?}");
        drop(held);
    }
}

#[test]
fn scrapers_that_stall_give_way_to_others() {
    let scratch = Scratch::new();
    // Long label values make an exposition that fills all buffers.
    let directory = scratch.directory("in");
    let yaml = format!(
        "watch_configs: [{{directory: {}, labels: {{long: {}}}}}]\n",
        directory.display(),
        "x".repeat(100_000)
    );
    let config = scratch.config(yaml);
    let gotracer = Running::gotracer_with(scratch.path(), &[&config], &[]);
    let unread = "GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let held = crowd(&gotracer, CROWD, unread);
    let scraped = || (gotracer.get("/metrics", "").status == 200).then_some(());
    eventually_or("a scrape is answered", || gotracer.log(), scraped);
    assert_eq!(gotracer.get("/-/healthy", "").status, 200);
    drop(held);
}

#[test]
fn a_body_that_does_not_come_and_an_answer_that_is_not_read_have_a_deadline() {
    let scratch = Scratch::new();
    let gotracer = serving(&scratch, &[]);
    let unread = crowd(
        &gotracer,
        4,
        "GET /config HTTP/1.1\r\nHost: localhost\r\n\r\n",
    );
    std::thread::scope(|scope| {
        for path in ["/api/v1/alertmanager", "/api/v1/analyze"] {
            let begun = post_head(path, 100) + "{";
            let address = &gotracer.address;
            scope.spawn(move || {
                let answer = send(address, begun.as_bytes()).unwrap();
                assert_eq!(answer.status, 408, "{path}");
            });
        }
    });
    gotracer.wait_sample(TIMED_OUT, 4.0);
    gotracer.wait_sample("gotracer_http_requests_in_flight", 1.0);
    drop(unread);
}

#[test]
fn uploads_that_stall_give_way_to_others_and_to_probes() {
    let scratch = Scratch::new();
    let gotracer = serving(&scratch, &["--jobs=2"]);
    let trace = fs::read(fixture("go1.27.3/pingpong.trace")).unwrap();
    // Enough of a trace to be analyzed, and the end never comes.
    let begun = &trace[..32 << 10];
    let head = post_head("/api/v1/analyze", 1 << 30);
    let held: Vec<_> = (0..2)
        .map(|_| {
            let mut stream = TcpStream::connect(&gotracer.address).unwrap();
            stream.write_all(head.as_bytes()).unwrap();
            stream.write_all(begun).unwrap();
            stream
        })
        .collect();
    gotracer.wait_sample("gotracer_http_requests_in_flight", 3.0);
    // The target is down, which the probe says, but it was asked.
    let probe = gotracer.get("/probe?target=127.0.0.1:1", "");
    assert_eq!(probe.status, 200, "{}", probe.text());
    let answered = || {
        let report = post(&gotracer.address, "/api/v1/analyze", &trace).unwrap();
        (report.status == 200).then_some(())
    };
    eventually_or("a trace is analyzed", || gotracer.log(), answered);
    assert!(gotracer.sample(EVICTED) > Some(0.0));
    drop(held);
}

#[test]
fn many_requests_of_one_connection_are_all_answered() {
    const REQUESTS: usize = 1_000;
    let scratch = Scratch::new();
    let gotracer = serving(&scratch, &[]);
    let mut all = "GET /-/healthy HTTP/1.1\r\nHost: localhost\r\n\r\n".repeat(REQUESTS);
    all.push_str("GET /-/healthy HTTP/1.0\r\n\r\n");
    let mut stream = TcpStream::connect(&gotracer.address).unwrap();
    let mut writer = stream.try_clone().unwrap();
    let sender = std::thread::spawn(move || writer.write_all(all.as_bytes()).unwrap());
    let mut answers = String::new();
    stream.read_to_string(&mut answers).unwrap();
    sender.join().unwrap();
    assert_eq!(answers.matches(" 200 OK\r\n").count(), REQUESTS + 1);
    gotracer.wait_sample("gotracer_http_connections", 1.0);
}

#[test]
fn it_ends_in_time_beside_clients_that_stall() {
    let scratch = Scratch::new();
    let mut gotracer = serving(&scratch, &[]);
    let alert = post_head("/api/v1/alertmanager", 9) + "{";
    let unread = "GET /config HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let held = ["", "GET / HT", &alert, unread].map(|sent| crowd(&gotracer, 10, sent));
    gotracer.wait_sample("gotracer_http_connections", 41.0);
    gotracer.signal("-TERM");
    assert!(gotracer.wait().success());
    let log = gotracer.log();
    assert!(!log.contains("shutdown timed out"), "{log}");
    drop(held);
}

/// A frame of HTTP/2.
fn frame(kind: u8, flags: u8, stream: u8, payload: &[u8]) -> Vec<u8> {
    let length = u8::try_from(payload.len()).unwrap();
    let head = [0, 0, length, kind, flags, 0, 0, 0, stream];
    [&head, payload].concat()
}

const HEADERS: u8 = 1;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

/// An HTTP/2 client that sends these frames, and from then on only answers the
/// server's pings, as long as the server lets it.
fn stall(guarded: &Guarded, frames: &[u8]) -> std::io::Result<()> {
    let mut stream = guarded.connect(Some(&guarded.client))?;
    stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")?;
    stream.write_all(frames)?;
    loop {
        let mut head = [0; 9];
        stream.read_exact(&mut head)?;
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        let mut payload = vec![0; length as usize];
        stream.read_exact(&mut payload)?;
        if (head[3], head[4]) == (PING, 0) {
            stream.write_all(&frame(PING, 1, 0, &payload))?;
        }
    }
}

#[test]
fn http_2_without_a_password_keeps_nobody_out() {
    // The client has no room for an answer.
    let no_window = frame(SETTINGS, 0, 0, &[0, 4, 0, 0, 0, 0]);
    let settings = frame(SETTINGS, 0, 0, &[]);
    // :method, :scheme, :authority and :path, of HPACK's static table or as
    // they are.
    let get = [0x82, 0x87, 0x41, 1, b'x', 0x84];
    let post = [&[0x83, 0x87, 0x41, 1, b'x', 0x44, 9], &b"/-/reload"[..]].concat();
    let unread = frame(HEADERS, END_HEADERS | END_STREAM, 1, &get);
    let unsent = frame(HEADERS, END_HEADERS, 1, &post);
    let stalls = [
        settings.clone(),
        [no_window, unread].concat(),
        [settings, unsent].concat(),
    ];
    let mut guarded = Guarded::start();
    guarded.protocols = vec![b"h2".to_vec()];
    let guarded = Arc::new(guarded);
    let clients: Vec<_> = (0..CROWD)
        .map(|number| {
            let (guarded, frames) = (Arc::clone(&guarded), stalls[number % 3].clone());
            std::thread::spawn(move || stall(&guarded, &frames))
        })
        .collect();
    // All of them end, though none of them wants to.
    for client in clients {
        let error = client.join().unwrap().unwrap_err();
        assert_ne!(error.kind(), ErrorKind::InvalidData, "{error}");
    }
    let mut guarded = Arc::into_inner(guarded).unwrap();
    guarded.protocols.clear();
    assert_eq!(guarded.status("/-/healthy", "prometheus:open"), "200");
}

#[test]
fn handshakes_that_stall_keep_nobody_out() {
    let guarded = Guarded::start();
    let held = crowd(&guarded.gotracer, CROWD, "");
    assert_eq!(guarded.status("/metrics", "prometheus:open"), "200");
    drop(held);
}

/// A server with one user, whose password takes long to verify.
fn with_password(scratch: &Scratch) -> Running {
    let file = scratch.path().join("web.yml");
    let hash = bcrypt::hash("open", 8).unwrap();
    fs::write(&file, format!("basic_auth_users: {{a: '{hash}'}}")).unwrap();
    let directory = scratch.directory("in");
    let options = [
        format!("--watch={}", directory.display()),
        format!("--web.config.file={}", file.display()),
    ];
    let options: Vec<_> = options.iter().map(String::as_str).collect();
    Running::listening(scratch.path(), &options)
}

/// Asks from this address, with this name and password.
fn ask(gotracer: &Running, from: Ipv4Addr, user: &str) -> std::io::Result<u16> {
    let runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = { runtime }.enable_io().build()?;
    let stream = runtime.block_on(async {
        let socket = TcpSocket::new_v4()?;
        socket.bind((from, 0).into())?;
        let address = gotracer.address.parse().map_err(std::io::Error::other)?;
        socket.connect(address).await?.into_std()
    })?;
    stream.set_nonblocking(false)?;
    let user = STANDARD.encode(user);
    let head = format!("GET /metrics HTTP/1.0\r\nAuthorization: Basic {user}\r\n\r\n");
    exchange(stream, head.as_bytes()).map(|answer| answer.status)
}

#[test]
fn a_right_password_does_not_wait_for_wrong_ones() {
    const GUESSERS: u64 = 50;
    // Addresses take turns, so that however many guesses wait, one of them comes first or two.
    let (theirs, ours) = (Ipv4Addr::new(127, 0, 0, 2), Ipv4Addr::LOCALHOST);
    let scratch = Scratch::new();
    let gotracer = with_password(&scratch);
    let (guessed, over) = (AtomicU64::new(0), AtomicBool::new(false));
    std::thread::scope(|scope| {
        for guesser in 0..GUESSERS {
            let (gotracer, guessed, over) = (&gotracer, &guessed, &over);
            scope.spawn(move || {
                for guess in 0.. {
                    let wrong = ask(gotracer, theirs, &format!("a:{guesser}.{guess}"));
                    guessed.fetch_add(1, Ordering::Relaxed);
                    if over.load(Ordering::Relaxed) {
                        return;
                    }
                    assert_eq!(wrong.unwrap(), 401);
                }
            });
        }
        while guessed.load(Ordering::Relaxed) < GUESSERS {
            std::thread::sleep(Duration::from_millis(5));
        }
        let before = guessed.load(Ordering::Relaxed);
        let right = ask(&gotracer, ours, "a:open");
        let meanwhile = guessed.load(Ordering::Relaxed) - before;
        over.store(true, Ordering::Relaxed);
        assert_eq!(right.unwrap(), 200);
        assert!(meanwhile < GUESSERS / 2, "{meanwhile} guesses came first");
    });
}
