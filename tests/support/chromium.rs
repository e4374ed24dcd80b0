//! A real browser without a window, driven over its DevTools protocol on a
//! pair of pipes.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::daemon::{Scratch, program};

/// Chromium takes its time on a busy machine.
const DEADLINE: Duration = Duration::from_secs(60);

/// A browser with one page.
pub(crate) struct Browser {
    child: Child,
    commands: File,
    messages: Receiver<Value>,
    session: Value,
    number: u64,
    /// What pages complained of: exceptions, and errors on the console.
    pub complaints: Vec<Value>,
    log: std::path::PathBuf,
}

impl Browser {
    /// Starts it; `None` where there is none.
    pub(crate) fn start(scratch: &Scratch) -> Option<Self> {
        let binary = program("chromium")?;
        let [to, from] = ["to", "from"].map(|name| scratch.path().join(name));
        let made = Command::new("mkfifo").args([&to, &from]).status().unwrap();
        assert!(made.success());
        let profile = scratch.directory("profile");
        let log = scratch.path().join("chromium.log");
        // It reads commands from descriptor 3 and writes answers to 4.
        let child = Command::new("sh")
            .args(["-c", r#"exec "$@" 3<"$TO" 4>"$FROM""#, "sh"])
            .arg(binary)
            .args([
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-quic",
                "--no-first-run",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
                "--disable-dev-shm-usage",
                "--remote-debugging-pipe",
            ])
            .arg(format!("--user-data-dir={}", profile.display()))
            .env("TO", &to)
            .env("FROM", &from)
            .stdout(Stdio::null())
            .stderr(File::create(&log).unwrap())
            .spawn()
            .unwrap();
        let commands = File::options().write(true).open(&to).unwrap();
        let mut answers = BufReader::new(File::open(&from).unwrap());
        let (sender, messages) = channel();
        std::thread::spawn(move || {
            let mut message = Vec::new();
            while answers.read_until(0, &mut message).is_ok_and(|n| n > 0) {
                let text = message.strip_suffix(b"\0").unwrap_or(&message);
                if sender.send(serde_json::from_slice(text).unwrap()).is_err() {
                    return;
                }
                message.clear();
            }
        });
        let mut browser = Self {
            child,
            commands,
            messages,
            session: Value::Null,
            number: 0,
            complaints: Vec::new(),
            log,
        };
        let blank = json!({"url": "about:blank"});
        let target = browser.call("Target.createTarget", blank)["targetId"].take();
        let attach = json!({"targetId": target, "flatten": true});
        browser.session = browser.call("Target.attachToTarget", attach)["sessionId"].take();
        for domain in ["Page", "Runtime", "Log"] {
            browser.call(&format!("{domain}.enable"), json!({}));
        }
        Some(browser)
    }

    /// Calls a method of the protocol.
    fn call(&mut self, method: &str, params: Value) -> Value {
        self.number += 1;
        let mut command = json!({"id": self.number, "method": method, "params": params});
        if !self.session.is_null() {
            command["sessionId"] = self.session.clone();
        }
        write!(self.commands, "{command}\0").unwrap();
        let number = self.number;
        let mut answer = self.wait(method, |message| message["id"] == number);
        assert!(answer["error"].is_null(), "{method}: {answer}");
        answer["result"].take()
    }

    fn wait(&mut self, what: &str, is_it: impl Fn(&Value) -> bool) -> Value {
        loop {
            let message = self.messages.recv_timeout(DEADLINE);
            let log = || fs::read_to_string(&self.log).unwrap_or_default();
            let message = message.unwrap_or_else(|e| panic!("{what}: {e}\n{}", log()));
            let params = &message["params"];
            if message["method"] == "Runtime.exceptionThrown"
                || params["entry"]["level"] == "error"
                || message["method"] == "Runtime.consoleAPICalled" && params["type"] == "error"
            {
                self.complaints.push(message.clone());
            }
            if is_it(&message) {
                return message;
            }
        }
    }

    /// From now on its window has this size and its user likes these colours.
    pub(crate) fn look(&mut self, width: u32, height: u32, mobile: bool, scheme: &str) {
        let size =
            json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": mobile});
        self.call("Emulation.setDeviceMetricsOverride", size);
        let scheme = json!({"features": [{"name": "prefers-color-scheme", "value": scheme}]});
        self.call("Emulation.setEmulatedMedia", scheme);
    }

    /// Opens a page.
    pub(crate) fn open(&mut self, url: &str) {
        let answer = self.call("Page.navigate", json!({"url": url}));
        assert!(answer["errorText"].is_null(), "{url}: {answer}");
        self.wait(url, |message| message["method"] == "Page.loadEventFired");
    }

    /// Clicks on what a selector finds, and waits for the page that it leads
    /// to.
    pub(crate) fn follow(&mut self, selector: &str) {
        self.value(&format!("document.querySelector({selector:?}).click()"));
        self.wait(selector, |message| {
            message["method"] == "Page.loadEventFired"
        });
    }

    /// The value of an expression in the page.
    pub(crate) fn value(&mut self, expression: &str) -> Value {
        let params = json!({"expression": expression, "returnByValue": true, "awaitPromise": true});
        let mut answer = self.call("Runtime.evaluate", params);
        assert!(
            answer["exceptionDetails"].is_null(),
            "{expression}: {answer}"
        );
        answer["result"]["value"].take()
    }

    /// Its text as a person sees it.
    pub(crate) fn text(&mut self) -> String {
        let text = self.value("document.body.innerText");
        text.as_str().unwrap().into()
    }

    /// A picture of the whole page, for people; into the directory that the
    /// environment names, if it does.
    pub(crate) fn picture(&mut self, name: &str) {
        let params = json!({"captureBeyondViewport": true});
        let picture = self.call("Page.captureScreenshot", params);
        let picture = STANDARD.decode(picture["data"].as_str().unwrap()).unwrap();
        assert!(picture.starts_with(b"\x89PNG"), "{name}");
        if let Some(directory) = std::env::var_os("GOTRACER_SCREENSHOTS") {
            let path = std::path::Path::new(&directory).join(format!("{name}.png"));
            fs::write(path, picture).unwrap();
        }
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
