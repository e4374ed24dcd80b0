//! Starting programs, asking them over HTTP, and waiting with a deadline.

#[allow(unused_imports, reason = "each test binary uses its own part")]
pub(crate) use super::{
    impostor::{impostor, read_request, receiver, says},
    ports::free_address,
    tests_dir,
    tools::{installed, program, prometheus_3, toolchain},
};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Counter of analyzed traces.
pub(crate) const TRACES: &str = "gotracer_traces_total";
/// Long enough for a busy machine; nothing waits for it that goes well.
const DEADLINE: Duration = Duration::from_secs(60);

/// A process that ends with the test.
pub(crate) struct Running {
    child: Child,
    log: PathBuf,
    pub address: String,
}

impl Running {
    /// Starts a program that will listen on `address` and logs to stderr.
    pub(crate) fn start(command: &mut Command, address: String, log: PathBuf) -> Self {
        let stderr = std::fs::File::create(&log).unwrap();
        command.stderr(stderr).stdout(Stdio::null());
        let child = command.spawn().unwrap();
        Self {
            child,
            log,
            address,
        }
    }

    /// `gotracer serve` over a directory.
    pub(crate) fn gotracer(directory: &Path, scratch: &Path, more: &[&str]) -> Self {
        let address = free_address();
        let mut command = Command::new(env!("CARGO_BIN_EXE_gotracer"));
        command
            .args([
                "serve",
                "--watch.settle=300ms",
                "--web.listen-address",
                &address,
            ])
            .arg("--watch")
            .arg(directory)
            .args(more);
        let mut running = Self::start(&mut command, address, scratch.join("gotracer.log"));
        running.wait_ready();
        running
    }

    /// `gotracer serve` with these options and variables of the environment.
    pub(crate) fn gotracer_with(
        scratch: &Path,
        options: &[&str],
        variables: &[(&str, &str)],
    ) -> Self {
        let address = free_address();
        let mut command = Command::new(env!("CARGO_BIN_EXE_gotracer"));
        command
            .args(["serve", "--web.listen-address", &address])
            .args(options)
            .envs(variables.iter().copied());
        let mut running = Self::start(&mut command, address, scratch.join("gotracer.log"));
        running.wait_ready();
        running
    }

    /// The same, waiting only until it answers, with a refusal perhaps.
    pub(crate) fn listening(scratch: &Path, options: &[&str]) -> Self {
        let address = free_address();
        let mut command = Command::new(env!("CARGO_BIN_EXE_gotracer"));
        command.args(["serve", "--web.listen-address", &address]);
        let log = scratch.join("gotracer.log");
        let running = Self::start(command.args(options), address, log);
        let answered = || get(&running.address, "/-/ready", "").ok();
        eventually_or("it answers", || running.log(), answered);
        running
    }

    /// Waits until it says that it is ready.
    pub(crate) fn wait_ready(&mut self) {
        let started = Instant::now();
        loop {
            if get(&self.address, "/-/ready", "").is_ok_and(|r| r.status == 200) {
                return;
            }
            let ended = self.child.try_wait().unwrap();
            assert!(
                ended.is_none() && started.elapsed() < DEADLINE,
                "not ready, ended: {ended:?}, log:\n{}",
                self.log()
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// What it logged.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// What stands under a path.
    pub(crate) fn get(&self, path: &str, accept: &str) -> Response {
        get(&self.address, path, accept).unwrap()
    }

    /// Its process id.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal by its name.
    #[cfg(unix)]
    pub(crate) fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        let status = Command::new("kill").args([name, &id]).status().unwrap();
        assert!(status.success());
    }

    /// Kills it at once.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.wait();
    }

    /// Waits for its end.
    pub(crate) fn wait(&mut self) -> std::process::ExitStatus {
        eventually("it ends", || self.child.try_wait().unwrap())
    }

    /// Looks a series up on /metrics. Without `instance` in its labels, it is the
    /// sum over the instances; the jobs `watch` and `upload` may be left out.
    pub(crate) fn sample(&self, series: &str) -> Option<f64> {
        let body = self.get("/metrics", "text/plain").text();
        let body = without(
            &body,
            !series.contains("instance="),
            !series.contains("job="),
        );
        let lines = body
            .lines()
            .filter_map(|l| l.strip_prefix(series)?.strip_prefix(' '));
        let values = lines.map(|value| value.parse::<f64>().unwrap());
        values.reduce(|a, b| a + b)
    }

    /// Waits until a sample has a value.
    pub(crate) fn wait_sample(&self, series: &str, value: f64) {
        let what = format!("{series} is {value}");
        eventually_or(
            &what,
            || self.log(),
            || (self.sample(series)? == value).then_some(()),
        );
    }

    /// Waits until a sample is above 0.
    pub(crate) fn wait_some(&self, series: &str) {
        let what = format!("{series} is above 0");
        let some = || self.sample(series).filter(|value| *value > 0.0);
        eventually_or(&what, || self.log(), some);
    }
}

/// An exposition without the instances, and without the jobs that watched
/// directories and uploads have.
pub(crate) fn without_directories(exposition: &str) -> String {
    without(exposition, true, true)
}

fn without(exposition: &str, instance: bool, job: bool) -> String {
    let labels = match (instance, job) {
        (true, true) => r#",?instance="[^"]*"|,?job="(?:watch|upload)""#,
        (true, false) => r#",?instance="[^"]*""#,
        (false, true) => r#",?job="(?:watch|upload)""#,
        (false, false) => return exposition.to_owned(),
    };
    let labels = regex::Regex::new(labels).unwrap();
    let rest = labels.replace_all(exposition, "");
    rest.replace("{,", "{").replace("{}", "")
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Response {
    pub status: u16,
    pub head: String,
    pub body: Vec<u8>,
}

impl Response {
    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }
}

/// Asks over HTTP.
pub(crate) fn get(address: &str, path: &str, accept: &str) -> std::io::Result<Response> {
    request(address, "GET", path, accept)
}

/// Asks over HTTP with another method.
pub(crate) fn request(
    address: &str,
    method: &str,
    path: &str,
    accept: &str,
) -> std::io::Result<Response> {
    let head = format!("{method} {path} HTTP/1.0\r\nHost: {address}\r\nAccept: {accept}\r\n\r\n");
    send(address, head.as_bytes())
}

/// Sends a body.
pub(crate) fn post(address: &str, path: &str, body: &[u8]) -> std::io::Result<Response> {
    let length = body.len();
    let head =
        format!("POST {path} HTTP/1.0\r\nHost: {address}\r\nContent-Length: {length}\r\n\r\n");
    send(address, &[head.as_bytes(), body].concat())
}

/// Sends a request as it is.
pub(crate) fn send(address: &str, request: &[u8]) -> std::io::Result<Response> {
    exchange(TcpStream::connect(address)?, request)
}

/// Sends a request over a connection that is there already.
pub(crate) fn exchange(mut stream: TcpStream, request: &[u8]) -> std::io::Result<Response> {
    stream.set_read_timeout(Some(DEADLINE))?;
    // A server that answers 1.0 sends no chunks.
    stream.write_all(request)?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    let end = answer.windows(4).position(|w| w == b"\r\n\r\n");
    let end = end.ok_or(std::io::ErrorKind::UnexpectedEof)?;
    let head = String::from_utf8_lossy(&answer[..end]).to_lowercase();
    let status = head.split(' ').nth(1).and_then(|s| s.parse().ok());
    Ok(Response {
        status: status.ok_or(std::io::ErrorKind::InvalidData)?,
        head,
        body: answer[end + 4..].to_vec(),
    })
}

/// Waits until `f` gives something.
pub(crate) fn eventually<T>(what: &str, f: impl FnMut() -> Option<T>) -> T {
    eventually_or(what, String::new, f)
}

/// Waits until `f` gives something, and says more if it never does.
pub(crate) fn eventually_or<T>(
    what: &str,
    more: impl Fn() -> String,
    mut f: impl FnMut() -> Option<T>,
) -> T {
    let started = Instant::now();
    loop {
        if let Some(value) = f() {
            return value;
        }
        assert!(
            started.elapsed() < DEADLINE,
            "waited in vain until {what}\n{}",
            more()
        );
        std::thread::sleep(Duration::from_millis(30));
    }
}

/// A directory that is deleted with the test.
pub(crate) struct Scratch(tempfile::TempDir);

impl Scratch {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    /// A new directory in it.
    pub(crate) fn directory(&self, name: &str) -> PathBuf {
        let path = self.path().join(name);
        std::fs::create_dir(&path).unwrap();
        path
    }

    /// Writes gotracer's configuration. Returns the option that names it.
    pub(crate) fn config(&self, yaml: impl AsRef<[u8]>) -> String {
        let path = self.path().join("gotracer.yml");
        std::fs::write(&path, yaml).unwrap();
        format!("--config={}", path.display())
    }
}

/// A small real trace.
pub(crate) fn fixture(name: &str) -> PathBuf {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures")
        .join(name);
    assert!(path.exists(), "{} is missing", path.display());
    path
}

/// Puts a trace compressed into a directory. With another name inside it is
/// another file, though the trace is the same.
pub(crate) fn pack(trace: &[u8], directory: &Path, name: &str) {
    let file = std::fs::File::create(directory.join(format!("{name}.trace.gz"))).unwrap();
    let named = flate2::GzBuilder::new().filename(name);
    let mut gzip = named.write(file, flate2::Compression::fast());
    gzip.write_all(trace).unwrap();
    gzip.finish().unwrap();
}

/// Whether Go's own tool and gotracer read all of a trace.
pub(crate) fn opens(go: &Path, trace: &Path) {
    let mut tool = Command::new(go);
    let output = tool.args(["tool", "trace", "-d=parsed"]).arg(trace);
    let output = output.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    assert!(text.lines().count() > 100, "{text}{errors}");
    assert!(!errors.contains("failed"), "{errors}");
    let mut command = Command::new(env!("CARGO_BIN_EXE_gotracer"));
    let output = command.args(["analyze", "--strict"]).arg(trace);
    assert_ne!(output.output().unwrap().status.code(), Some(2));
}
