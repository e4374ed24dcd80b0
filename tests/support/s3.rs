//! A real S3 server, which checks the signature of every request and keeps
//! objects as files: a test may put them there and look at them without it.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::ports::free_address;
use super::tools;

/// Long enough for a busy machine; nothing waits for it that goes well.
const DEADLINE: Duration = Duration::from_secs(60);
/// Whom it knows.
pub(crate) const KEY: &str = "gotracer-tests";
/// Its password.
pub(crate) const SECRET: &str = "not/a+secret";
/// The bucket that there is.
pub(crate) const BUCKET: &str = "traces";

/// A server that ends with the test.
pub(crate) struct S3 {
    child: Child,
    address: String,
    scratch: tempfile::TempDir,
}

impl S3 {
    /// Starts one with an empty bucket; none if tests/s3/build.sh has not been
    /// run, on which only CI insists.
    pub(crate) fn start() -> Option<Self> {
        let scratch = tempfile::tempdir().expect("a directory");
        for directory in [&format!("data/{BUCKET}"), "metadata"] {
            fs::create_dir_all(scratch.path().join(directory)).expect("a directory");
        }
        let address = free_address();
        let mut server = Self {
            child: serve(&address, scratch.path())?,
            address,
            scratch,
        };
        server.wait();
        Some(server)
    }

    /// It is down.
    pub(crate) fn stop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// It is back, and has what it had.
    pub(crate) fn resume(&mut self) {
        self.child = serve(&self.address, self.scratch.path()).expect("it was there before");
        self.wait();
    }

    fn wait(&mut self) {
        let started = Instant::now();
        while !self.is_healthy() {
            let ended = self.child.try_wait().expect("a state");
            assert!(
                ended.is_none() && started.elapsed() < DEADLINE,
                "the S3 server is not ready, ended: {ended:?}\n{}",
                fs::read_to_string(self.scratch.path().join("log")).unwrap_or_default()
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn is_healthy(&self) -> bool {
        let mut answer = String::new();
        let asked = TcpStream::connect(&self.address).and_then(|mut stream| {
            let host = &self.address;
            write!(
                stream,
                "GET /health HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
            )?;
            stream.read_to_string(&mut answer)
        });
        asked.is_ok() && answer.starts_with("HTTP/1.1 200")
    }

    /// Where the file of an object is.
    pub(crate) fn file(&self, key: &str) -> PathBuf {
        self.scratch.path().join("data").join(BUCKET).join(key)
    }

    /// Puts a file into the bucket.
    pub(crate) fn add(&self, key: &str, file: &Path) {
        let to = self.file(key);
        fs::create_dir_all(to.parent().expect("it has one")).expect("a directory");
        fs::copy(file, to).expect("a copy");
    }

    /// The URL of what has this key, or prefix.
    pub(crate) fn url(&self, key: &str) -> String {
        format!("s3://{BUCKET}/{key}")
    }

    /// The server's own URL.
    pub(crate) fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What a program needs to be let in.
    pub(crate) fn variables(&self) -> [(&'static str, String); 4] {
        [
            ("AWS_ENDPOINT_URL", self.endpoint()),
            ("AWS_ACCESS_KEY_ID", KEY.into()),
            ("AWS_SECRET_ACCESS_KEY", SECRET.into()),
            ("AWS_REGION", "us-east-1".into()),
        ]
    }
}

impl Drop for S3 {
    fn drop(&mut self) {
        self.stop();
    }
}

fn serve(address: &str, scratch: &Path) -> Option<Child> {
    let log = fs::File::create(scratch.join("log")).expect("a file");
    let child = Command::new(program()?)
        .args(["--port", address, "--health", "/health", "--quiet"])
        .args(["--access", KEY, "--secret", SECRET])
        .args(["posix", "--sidecar"])
        .args(["metadata", "data"].map(|name| scratch.join(name)))
        .stdin(Stdio::null())
        .stdout(log.try_clone().expect("a file"))
        .stderr(log)
        .spawn();
    Some(child.expect("the S3 server starts"))
}

fn program() -> Option<PathBuf> {
    Some(tools::built_by("s3/build.sh")?.join("versitygw"))
}
