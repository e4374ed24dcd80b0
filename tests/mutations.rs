//! A bounded run of what the fuzz targets do without end: damaged traces make
//! neither the reader nor the analysis panic or hang, a slice and a stream give
//! the same events, one thread and two the same report, and times always
//! increase.

#[path = "support/random.rs"]
mod random;
#[path = "support/varint.rs"]
mod varint;

use std::fs;
use std::path::Path;

use gotracer::analysis::{analyze, analyze_on_two_threads, analyze_plainly};
use gotracer::rules::{Preset, Settings};
use gotracer::trace::{Event, Input, Reader};
use random::Random;
use varint::varint;

fn samples() -> Vec<Vec<u8>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let names = [
        "annotations",
        "cgo_callback",
        "coroutine",
        "cpu_profile",
        "empty",
        "gc_assist",
        "sched_latency",
        "allocfree",
        "flight_recorder",
        "mutex_contention",
    ];
    let mut samples = Vec::new();
    for version in ["1.19", "1.21.13", "1.22.10", "1.23.9", "1.25.5", "1.27.3"] {
        for name in names {
            let path = root.join(format!("go{version}/{name}.trace"));
            samples.extend(fs::read(path));
        }
    }
    assert!(samples.len() > 35, "the fixtures are missing");
    samples
}

fn mutate(random: &mut Random, samples: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = samples[random.below(samples.len())].clone();
    match random.below(5) {
        0 => bytes.truncate(random.below(bytes.len())),
        1 => {
            for _ in 0..=random.below(8) {
                let at = random.below(bytes.len());
                bytes[at] ^= 1 << random.below(8);
            }
        }
        2 => {
            // A piece of another trace.
            let other = &samples[random.below(samples.len())];
            let from = random.below(other.len());
            let piece = &other[from..(from + random.below(2_000)).min(other.len())];
            let at = random.below(bytes.len());
            let end = (at + random.below(2_000)).min(bytes.len());
            bytes.splice(at..end, piece.iter().copied());
        }
        3 => {
            // The largest numbers where small ones were.
            let at = 16 + random.below(bytes.len() - 16);
            let end = (at + 10).min(bytes.len());
            bytes[at..end].fill(0xff);
        }
        _ => {
            let at = 16 + random.below(bytes.len() - 16);
            let piece = bytes[at..].to_vec();
            bytes.extend(piece);
        }
    }
    bytes
}

fn read(input: Input<'_>) -> (Vec<Event>, Option<String>) {
    let mut events: Vec<Event> = Vec::new();
    let mut reader = match Reader::new(input) {
        Ok(reader) => reader,
        Err(e) => return (events, Some(e.kind().to_string())),
    };
    loop {
        match reader.advance() {
            Ok(true) => {
                let event = *reader.event();
                let last = events.last().map_or(i64::MIN, |e| e.time);
                assert!(
                    last < event.time || event.time == i64::MIN,
                    "{last} {}",
                    event.time
                );
                for frame in reader.tables().stack(event.stack()) {
                    let _ = reader.tables().string(frame.func);
                }
                events.push(event);
            }
            Ok(false) => return (events, None),
            Err(e) => return (events, Some(e.kind().to_string())),
        }
    }
}

#[test]
fn damaged_traces_are_read_as_far_as_they_go() {
    let samples = samples();
    let mut random = Random(0x2545_f491_4f6c_dd1d);
    let mut settings = Settings::preset(Preset::LowLatency);
    settings.course = true;
    let (mut broken, mut whole) = (0, 0);
    for i in 0..2_000 {
        let bytes = mutate(&mut random, &samples);
        let slice = read(Input::from_slice(&bytes));
        let stream = read(Input::from_reader(&bytes[..]));
        assert_eq!(slice.0.len(), stream.0.len(), "mutation {i}");
        assert!(
            slice == stream,
            "mutation {i}: {:?} {:?}",
            slice.1,
            stream.1
        );
        if slice.1.is_some() {
            broken += 1;
        } else {
            whole += 1;
        }
        let outcome = analyze(Input::from_slice(&bytes), "mutated", &settings, |_| ());
        let input = Input::from_slice(&bytes);
        let on_two = analyze_on_two_threads(input, "mutated", &settings, |_| ());
        let plain = analyze_plainly(Input::from_slice(&bytes), "mutated", &settings);
        let plain = format!("{plain:?}");
        assert_eq!(format!("{outcome:?}"), plain, "mutation {i}");
        assert_eq!(format!("{on_two:?}"), plain, "mutation {i}");
        if let Ok(outcome) = outcome {
            for f in &outcome.report.findings {
                assert!(
                    f.count > 0 && f.open <= f.count && f.worst <= f.total,
                    "{f:?}"
                );
            }
        }
    }
    assert!(broken > 500 && whole > 20, "{broken} broken, {whole} whole");
}

#[test]
fn what_is_lost_is_counted() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/go1.27.3/idle.trace");
    let bytes = fs::read(path).expect("the fixture");
    let cut = &bytes[..bytes.len() - 100];
    let settings = Settings::default();
    let outcome = analyze(Input::from_slice(cut), "cut", &settings, |_| ()).expect("a trace");
    let error = outcome.error.expect("it breaks off");
    let text = error.to_string();
    assert!(
        text.contains("breaks off") && text.contains("generation"),
        "{text}"
    );
    assert!(error.lost_bytes() > 0 && error.lost_bytes() < bytes.len() as u64);
    // The whole generations before are there.
    assert!(outcome.report.trace.generations >= 2);
    assert_eq!(outcome.report.trace.lost_bytes, error.lost_bytes());
}

/// Threads whose clocks run backwards, each waiting for the one after it: the
/// time to find their order would grow with the square of their number.
#[test]
fn a_trace_made_to_be_slow_is_refused() {
    fn batch(out: &mut Vec<u8>, m: u64, time: u64, data: &[u8]) {
        out.push(1);
        for v in [1, m, time, data.len() as u64] {
            varint(out, v);
        }
        out.extend_from_slice(data);
    }
    const THREADS: u64 = 20_000;
    let mut bytes = b"go 1.22 trace\0\0\0".to_vec();
    // P 0 is idle; every thread starts and stops it once, in turn.
    batch(&mut bytes, THREADS, 1, &[13, 0, 0, 2]);
    for i in 0..THREADS {
        let mut data = vec![10, 0, 0];
        varint(&mut data, i + 1);
        data.extend([11, 0]);
        batch(&mut bytes, i, 10 * (THREADS - i) + 2, &data);
    }
    batch(&mut bytes, u64::MAX, 1, &[8, 0x80, 0x80, 0x80, 8]);
    let (events, error) = read(Input::from_slice(&bytes));
    assert!(
        events.len() > 1_000,
        "what came before stays true: {error:?}"
    );
    assert!(error.is_some_and(|e| e.contains("wait for each other")));
}
