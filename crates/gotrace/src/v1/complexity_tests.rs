//! Traces made to be slow: twice the trace is twice the work, or an error.

use super::super::error::ErrorKind;
use super::super::linear;
use super::super::varint;
use super::super::violation::Violation;
use super::wire;

/// Writes a trace of Go 1.19.
struct Trace(Vec<u8>);

impl Trace {
    fn new() -> Self {
        Self(b"go 1.19 trace\0\0\0".to_vec())
    }

    /// Starts a batch of this P.
    fn batch(&mut self, p: u64, ticks: u64) {
        self.event(wire::BATCH, &[p, ticks]);
    }

    fn event(&mut self, kind: u8, args: &[u64]) {
        let mut bytes = Vec::new();
        args.iter().for_each(|&arg| varint::encode(&mut bytes, arg));
        let inline = args.len() - 1;
        if inline < 3 {
            self.0.push(kind | (inline as u8) << 6);
        } else {
            self.0.push(kind | wire::PREFIXED);
            varint::encode(&mut self.0, bytes.len() as u64);
        }
        self.0.extend(bytes);
    }

    /// Adds a runnable goroutine that was created before the trace.
    fn create(&mut self, g: u64) {
        self.event(wire::GO_CREATE, &[1, g, 0, 0]);
    }

    fn end(mut self) -> Vec<u8> {
        self.event(wire::FREQUENCY, &[1_000_000_000]);
        self.0
    }
}

#[test]
fn many_goroutines_that_end_at_once() {
    linear::assert_linear(20_000, |n| {
        let mut t = Trace::new();
        t.batch(0, 100);
        t.event(wire::PROC_START, &[1, 1]);
        for g in 1..=n {
            t.create(g);
            t.event(wire::GO_START_LOCAL, &[1, g]);
            t.event(wire::GO_END, &[1]);
        }
        t.end()
    });
}

#[test]
fn many_goroutines_that_stay() {
    linear::assert_linear(20_000, |n| {
        let mut t = Trace::new();
        t.batch(0, 100);
        for g in 1..=n {
            t.create(g);
        }
        t.event(wire::HEAP_ALLOC, &[1, 1]);
        t.end()
    });
}

#[test]
fn an_event_a_batch() {
    linear::assert_linear(20_000, |n| {
        let mut t = Trace::new();
        for i in 0..n {
            t.batch(0, 100 + i);
            t.event(wire::HEAP_ALLOC, &[1, i]);
        }
        t.end()
    });
}

/// Here a heap's depth counts, too.
#[test]
fn many_processors() {
    linear::assert_linear(4_000, |n| {
        let mut t = Trace::new();
        for p in 0..n {
            t.batch(p, 100 + p % 7);
            for _ in 0..4 {
                t.event(wire::HEAP_ALLOC, &[3, p]);
            }
        }
        t.end()
    });
}

#[test]
fn large_tables() {
    linear::assert_linear(20_000, |n| {
        let mut t = Trace::new();
        t.batch(0, 100);
        t.event(wire::HEAP_ALLOC, &[1, 1]);
        for id in 1..=n {
            t.0.push(wire::STRING);
            varint::encode(&mut t.0, id);
            varint::encode(&mut t.0, 3);
            t.0.extend(b"abc");
        }
        for id in 1..=n {
            // One frame: program counter, function, file, line.
            t.event(wire::STACK, &[id, 1, 4096 + id, id, id, 7]);
        }
        t.end()
    });
}

/// Each P waits for the one after it: what can come next has to be looked for
/// among all of them, which ends in an error before it takes too long.
#[test]
fn processors_that_wait_for_each_other() {
    let waiting = |n: u64| {
        let mut t = Trace::new();
        t.batch(0, 1);
        t.create(1);
        for p in 1..=n {
            // All at the same time: only the numbers tell what comes first.
            t.batch(p, 10);
            t.event(wire::GO_START, &[0, 1, n + 1 - p]);
            t.event(wire::GO_SCHED, &[0, 0]);
        }
        t.end()
    };
    let (_, error) = linear::read(&waiting(1_000));
    assert!(error.is_none(), "{error:?}");
    let (steps, error) = linear::read(&waiting(40_000));
    let given_up = matches!(
        error,
        Some(ErrorKind::Inconsistent(Violation::Tangled { .. }))
    );
    assert!(given_up, "{steps} steps, {error:?}");
}
