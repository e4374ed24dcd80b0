//! Minimum mutator utilization against the Go project's own curve, and on streams.
//!
//! The reference is a copy of the Go distribution's, without its double count of mark workers (tests/summary/build.sh).

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::Command;

use flate2::read::GzDecoder;
use gotracer::analysis::{analyze, follow};
use gotracer::report::{Gc, Report};
use gotracer::rules::Settings;
use gotracer::trace::Input;

use crate::support;

/// Largest difference of two equal ratios.
const EQUAL: f64 = 1e-4;

/// Window in ns and minimum utilization.
type Curve = Vec<(u64, f64)>;

fn curve(report: &Report) -> Curve {
    let gc: &Gc = report.program.gc.as_ref().expect("the collector's work");
    let points = gc.minimum_utilization.iter();
    points.map(|p| (p.window_ns, p.ratio)).collect()
}

fn whole(bytes: &[u8]) -> Curve {
    let outcome = analyze(
        Input::from_slice(bytes),
        "trace",
        &Settings::default(),
        |_| (),
    );
    curve(&outcome.expect("a trace").report)
}

fn reference(program: &Path, trace: &Path) -> Curve {
    let output = Command::new(program).arg("-mmu").arg(trace).output();
    let output = output.expect("it runs");
    assert!(output.status.success(), "{}", trace.display());
    let text = String::from_utf8(output.stdout).expect("text");
    let point = |line: &str| {
        let (window, ratio) = line.split_once('\t').expect("two fields");
        let window = window.parse().expect("ns");
        (window, ratio.parse().expect("a ratio"))
    };
    text.lines().map(point).collect()
}

/// All fixtures of Go 1.22 and later, and programs with known causes that collect a lot.
fn traces() -> Vec<PathBuf> {
    let old = |version: &str| ["1.19", "1.21"].iter().any(|v| version.starts_with(v));
    let fixtures = support::fixtures().into_iter();
    let fixtures = fixtures.filter(|(version, ..)| !old(version));
    let mut all: Vec<_> = fixtures.map(|(.., path)| path).collect();
    let scratch = Path::new(env!("CARGO_TARGET_TMPDIR"));
    for name in ["1.26-gclimit", "gc-thrash-go1.26", "real-1.26-gin"] {
        let packed = support::tests_dir(&format!("causes/{name}.trace.gz"));
        let mut bytes = Vec::new();
        let mut plain = GzDecoder::new(File::open(packed).expect("a trace"));
        plain.read_to_end(&mut bytes).expect("readable");
        let plain = scratch.join(format!("utilization-{name}.trace"));
        fs::write(&plain, bytes).expect("writable");
        all.push(plain);
    }
    all
}

#[test]
fn minimum_utilization_equals_go_s_curve() {
    if !support::have_go() {
        return;
    }
    let program = support::go_summary();
    let mut busy = 0;
    for trace in traces() {
        let ours = whole(&fs::read(&trace).expect("readable"));
        let theirs = reference(&program, &trace);
        assert_eq!(ours.len(), theirs.len(), "{}", trace.display());
        for ((window, ours), (of, theirs)) in ours.iter().zip(theirs) {
            assert_eq!(*window, of);
            assert!(
                (ours - theirs).abs() <= EQUAL,
                "{}: {window} ns: {ours} is not {theirs}",
                trace.display()
            );
            busy += usize::from(theirs > 0.01 && theirs < 0.99);
        }
    }
    assert!(busy > 100, "only {busy} ratios say something");
}

#[test]
fn the_worst_window_of_a_stream_is_that_of_the_whole_trace() {
    let mut compared = 0;
    for trace in traces() {
        let bytes = fs::read(&trace).expect("readable");
        let whole = whole(&bytes);
        let (mut elapsed, mut portions) = (0, 0);
        let mut worst: Curve = whole.iter().map(|(window, _)| (*window, 1.0)).collect();
        let input = Input::from_reader(&bytes[..]);
        let followed = follow(input, "stream", &Settings::default(), |heard| {
            elapsed += heard.report.trace.duration_ns;
            portions += 1;
            for (known, (window, ratio)) in worst.iter_mut().zip(curve(&heard.report)) {
                // Until a window has passed, a report has the mean of the time so far.
                if elapsed >= window {
                    known.1 = ratio.min(known.1);
                }
            }
            true
        });
        followed.expect("a trace");
        if portions < 3 {
            continue;
        }
        for ((window, worst), (_, whole)) in worst.iter().zip(&whole) {
            if elapsed >= *window {
                assert!(
                    (worst - whole).abs() <= EQUAL,
                    "{}: {window} ns: {worst} is not {whole}",
                    trace.display()
                );
                compared += usize::from(*whole < 0.99);
            }
        }
    }
    assert!(compared > 20, "only {compared} ratios say something");
}
