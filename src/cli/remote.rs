//! Traces that come from a running program.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::PathBuf;

use gotracer::labels::Labels;
use gotracer::source::scrape::{Options, ScrapeError, Target, capture};
use gotracer::source::{self};
use gotracer::trace::Input;

/// A program to capture.
#[derive(Clone, Debug)]
pub struct Remote {
    target: Target,
    options: Options,
    /// An interrupt ends the capture, not the program.
    pub interruptible: bool,
    /// Where to keep the trace.
    pub save: Option<PathBuf>,
}

/// Whether an argument names a program and no file.
pub fn is_url(argument: &str) -> bool {
    argument.starts_with("http://") || argument.starts_with("https://")
}

impl Remote {
    /// The program at an address as people write it, such as `localhost:6060`.
    pub fn new(url: &str, options: Options) -> anyhow::Result<Self> {
        let whole = match url.contains("://") {
            true => url.to_owned(),
            false => format!("http://{url}"),
        };
        Ok(Self {
            target: Target::new(&whole, Labels::new())?,
            options,
            interruptible: false,
            save: None,
        })
    }

    /// Its name in the report.
    pub fn name(&self) -> String {
        self.target.url().to_string()
    }

    /// Captures it.
    pub fn open(&self) -> io::Result<Input<'static>> {
        let save = self.save.as_ref().map(|path| {
            let cannot = |e: io::Error| {
                let why = format!("cannot write {}: {e}", path.display());
                io::Error::new(e.kind(), why)
            };
            File::create(path).map_err(cannot)
        });
        let save = save.transpose()?;
        let running = capture(
            self.target.clone(),
            self.options.clone(),
            self.interruptible,
        );
        let running = running.map_err(|error| explained(&error))?;
        match save {
            None => source::from_reader(running),
            Some(file) => source::from_reader(Tee {
                reader: running,
                file,
            }),
        }
    }
}

fn explained(error: &ScrapeError) -> io::Error {
    io::Error::other(match error.advice() {
        Some(advice) => format!("{error}; {advice}"),
        None => error.to_string(),
    })
}

/// Keeps what is read, to the end: even if nobody wants to read on.
struct Tee<R: Read> {
    reader: R,
    file: File,
}

impl<R: Read> Read for Tee<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.reader.read(buf)?;
        let kept = self.file.write_all(&buf[..n]);
        let cannot = |e: io::Error| io::Error::other(format!("cannot keep the trace: {e}"));
        kept.map(|()| n).map_err(cannot)
    }
}

impl<R: Read> Drop for Tee<R> {
    fn drop(&mut self) {
        // Why the answer broke off was told when it was read.
        let _ = io::copy(&mut self.reader, &mut self.file);
    }
}
