//! Benchmarks of each stage of reading and analysis, on traces of tests/fixtures: `cargo bench -p gotracer-benches`.

use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use gotrace::{Event, EventKind, Input, Reader, Tables};
use gotracer_core::analysis::Analysis;
use gotracer_core::rules::{Distribution, Settings};
use gotracer_core::timeline::{HeapFloor, Interval, Kinds, Observer, Timeline};

const TRACES: [&str; 3] = ["mutex_contention", "annotations", "syscall_long"];

fn load(name: &str) -> Vec<u8> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/go1.26.6");
    let path = dir.join(name).with_extension("trace");
    std::fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// Events of a generation, and its tables.
type Generation = (Vec<Event>, Arc<Tables>);

fn count(generations: &[Generation]) -> u64 {
    generations.iter().map(|(e, _)| e.len() as u64).sum()
}

fn generations(bytes: &[u8]) -> Vec<Generation> {
    let mut reader = Reader::new(Input::from_slice(bytes)).expect("a trace");
    let mut all: Vec<Generation> = Vec::new();
    while let Some(event) = reader.next_event().expect("a whole trace") {
        if matches!(event.kind, EventKind::Sync { .. }) || all.is_empty() {
            all.push((Vec::new(), Arc::clone(reader.tables())));
        }
        all.last_mut().expect("just pushed").0.push(event);
    }
    all
}

/// Observer that ignores everything.
struct Nobody;

impl Observer for Nobody {
    fn watches(&self) -> Kinds {
        Kinds::NONE
    }
    fn interval(&mut self, _: &Interval, _: &Timeline) {}
    fn heap_floor(&mut self, _: HeapFloor, _: &Timeline) {}
}

/// Measures the reader: batches, varints, the merge of the threads, and the scheduler model.
fn reading(c: &mut Criterion) {
    let mut group = c.benchmark_group("read");
    let mut block = vec![Event::default(); 1024];
    for name in TRACES {
        let bytes = load(name);
        group.throughput(Throughput::Elements(count(&generations(&bytes))));
        group.bench_function(name, |b| {
            b.iter(|| {
                let mut reader = Reader::new(Input::from_slice(&bytes)).expect("a trace");
                while reader.fill(&mut block).expect("a whole trace") > 0 {
                    black_box(&block);
                }
            });
        });
    }
    group.finish();
}

/// Measures the timeline without rules.
fn timeline(c: &mut Criterion) {
    let mut group = c.benchmark_group("timeline");
    for name in TRACES {
        let generations = generations(&load(name));
        group.throughput(Throughput::Elements(count(&generations)));
        group.bench_function(name, |b| {
            b.iter(|| {
                let mut timeline = Timeline::default();
                for (events, tables) in &generations {
                    for event in events {
                        timeline.event(event, tables, &mut Nobody);
                    }
                }
                black_box(timeline.now())
            });
        });
    }
    group.finish();
}

/// Measures the timeline with all rules.
fn rules(c: &mut Criterion) {
    let settings = Settings::default();
    let mut group = c.benchmark_group("rules");
    for name in TRACES {
        let generations = generations(&load(name));
        group.throughput(Throughput::Elements(count(&generations)));
        group.bench_function(name, |b| {
            b.iter(|| {
                let mut analysis = Analysis::new(&settings);
                for (events, tables) in &generations {
                    analysis.events(events, tables);
                }
                black_box(&analysis);
            });
        });
    }
    group.finish();
}

fn distribution(c: &mut Criterion) {
    let mut group = c.benchmark_group("distribution");
    group.throughput(Throughput::Elements(1024));
    group.bench_function("record", |b| {
        // Values of all sizes in random order.
        let values = (1..=1024u64).map(|i| i.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (i % 50));
        let values: Vec<u64> = values.collect();
        b.iter(|| {
            let mut d = Distribution::default();
            values.iter().for_each(|&v| d.record(v));
            black_box(d)
        });
    });
    group.finish();
}

criterion_group!(benches, reading, timeline, rules, distribution);
criterion_main!(benches);
