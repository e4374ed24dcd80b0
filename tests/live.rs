//! Live traces: what is told generation by generation is what the whole trace
//! tells, nothing is told twice, and nothing later than it could be.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, channel};

use gotracer::analysis::{Heard, analyze, follow};
use gotracer::report::Report;
use gotracer::rules::{Distribution, Preset, Settings};
use gotracer::trace::{ErrorKind, Input, Reader};

fn fixtures() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let versions = fs::read_dir(root)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let traces = versions
        .filter(|path| path.is_dir())
        .flat_map(|path| fs::read_dir(path).unwrap());
    let mut traces: Vec<_> = traces.map(|entry| entry.unwrap().path()).collect();
    traces.retain(|path| path.extension().is_some_and(|e| e == "trace"));
    traces.sort();
    traces
}

fn live(bytes: &[u8], settings: &Settings) -> Vec<Heard> {
    let mut all = Vec::new();
    let heard = |heard: Heard| {
        all.push(heard);
        true
    };
    follow(Input::from_reader(bytes), "live", settings, heard).unwrap();
    all
}

fn whole(bytes: &[u8], settings: &Settings) -> Report {
    let outcome = analyze(Input::from_slice(bytes), "whole", settings, |_| ()).unwrap();
    assert!(outcome.error.is_none());
    outcome.report
}

/// Rules that judge a share of the time: of each portion by itself.
const BY_SHARE: [&str; 3] = ["ProcessStalled", "GCPressure", "CPUStarved"];

#[test]
fn what_generations_tell_adds_up_to_what_the_whole_trace_tells() {
    let mut several = 0;
    for preset in [Preset::LowLatency, Preset::Service] {
        let settings = Settings::preset(preset);
        for path in fixtures() {
            let bytes = fs::read(&path).unwrap();
            if bytes < b"go 1.22".to_vec() {
                continue;
            }
            let name = path.display();
            let whole = whole(&bytes, &settings);
            let heard = live(&bytes, &settings);
            several += usize::from(heard.len() > 2);
            for (i, rule) in whole.rules.iter().enumerate() {
                // Each portion has one value.
                if rule.rule.needs_cpu_samples() {
                    continue;
                }
                let mut sum = Distribution::default();
                for h in &heard {
                    sum.merge(&h.report.rules[i].measurement);
                }
                assert_eq!(sum, rule.measurement, "{name} {}", rule.rule.name);
            }
            let sum = |f: fn(&Report) -> u64| heard.iter().map(|h| f(&h.report)).sum::<u64>();
            for part in [
                |r: &Report| r.trace.duration_ns,
                |r: &Report| r.trace.generations,
                |r: &Report| r.trace.events,
                |r: &Report| r.trace.bytes,
                |r: &Report| r.program.goroutines.created,
                |r: &Report| r.program.goroutines.exited,
            ] {
                assert_eq!(sum(part), part(&whole), "{name}");
            }
            assert_eq!(
                heard.last().unwrap().report.program.goroutines.end,
                whole.program.goroutines.end
            );
            // Each place with its worst severity; what lasts longer than a
            // generation may have been told at Warn before it became an Error.
            for finding in &whole.findings {
                let same = |h: &Heard| {
                    let same = |f: &&gotracer::report::Finding| f.rule == finding.rule;
                    let own = h.report.findings.iter().filter(same);
                    own.filter(|f| f.severity == finding.severity).count()
                };
                let told: usize = heard.iter().map(same).sum();
                assert!(
                    told > 0 || BY_SHARE.contains(&finding.rule.name),
                    "{name} {finding:?}"
                );
            }
            // Nothing is told more often than it happened, but for what
            // crosses two thresholds one after the other.
            for rule in &whole.rules {
                let count = |r: &Report| {
                    // How long all Ps were busy is told of a portion if it is much of that portion.
                    let own = r
                        .findings
                        .iter()
                        .filter(|f| f.rule == rule.rule && f.phase.as_deref() != Some("busy"));
                    own.map(|f| f.count).sum::<u64>()
                };
                if BY_SHARE.contains(&rule.rule.name) {
                    continue;
                }
                let (once, told) = (count(&whole), heard.iter().map(|h| count(&h.report)).sum());
                assert!(
                    (once..=2 * once).contains(&told),
                    "{name} {}: {once} {told}",
                    rule.rule.name
                );
            }
        }
    }
    assert!(several > 10, "only {several} have several generations");
}

#[test]
fn old_traces_can_not_be_streamed_and_that_is_said() {
    for path in fixtures() {
        let bytes = fs::read(&path).unwrap();
        let old = bytes < b"go 1.22".to_vec();
        let input = Input::from_reader(&bytes[..]);
        let outcome = follow(input, "live", &Settings::default(), |_| true);
        match outcome {
            Ok(()) => assert!(!old, "{}", path.display()),
            Err(e) => {
                assert!(old && matches!(e.kind(), ErrorKind::NotLive(_)), "{e}");
                assert!(e.to_string().contains("mode: scrape"), "{e}");
            }
        }
    }
}

/// Gives what is sent, in pieces as they are sent, and waits for more.
struct Wire(Receiver<Vec<u8>>, Vec<u8>);

impl Read for Wire {
    fn read(&mut self, buf: &mut [u8]) -> std::io::Result<usize> {
        if self.1.is_empty() {
            let Ok(piece) = self.0.recv() else {
                return Ok(0);
            };
            self.1 = piece;
        }
        let n = buf.len().min(self.1.len());
        buf[..n].copy_from_slice(&self.1[..n]);
        self.1.drain(..n);
        Ok(n)
    }
}

/// The offsets at which generations end.
fn ends(bytes: &[u8]) -> Vec<usize> {
    let mut ends = Vec::new();
    let mut reader = Reader::new(Input::from_slice(bytes)).unwrap();
    while reader.advance().unwrap() {
        if reader.is_between_generations() {
            ends.push(reader.generation_end() as usize);
        }
    }
    ends
}

#[test]
fn a_generation_is_told_when_its_last_byte_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    for (version, marked) in [("1.22.10", false), ("1.25.5", false), ("1.27.3", true)] {
        let bytes = fs::read(root.join(format!("go{version}/idle.trace"))).unwrap();
        let ends = ends(&bytes);
        assert!(ends.len() > 1, "{version}: {ends:?}");
        let (wire, received) = channel();
        let (tell, told) = channel();
        let hear = move |heard: Heard| tell.send(heard.end as usize).is_ok();
        let following = std::thread::spawn(move || {
            let input = Input::from_reader(Wire(received, Vec::new()));
            follow(input, "live", &Settings::default(), hear)
        });
        let mut sent = 0;
        for pair in ends.windows(2) {
            // Where no marker ends a generation, the next one's first batch
            // does; there is no need to wait for all of it.
            let until = if marked { pair[0] } else { pair[1] - 1 };
            wire.send(bytes[sent..until].to_vec()).unwrap();
            sent = until;
            assert_eq!(told.recv().unwrap(), pair[0], "{version}");
        }
        wire.send(bytes[sent..].to_vec()).unwrap();
        drop(wire);
        following.join().unwrap().unwrap();
    }
}
