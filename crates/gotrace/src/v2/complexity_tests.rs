//! Traces made to be slow: twice the trace is twice the work, or an error.

use super::super::error::ErrorKind;
use super::super::linear;
use super::super::violation::Violation;
use super::test_trace::{NO_THREAD, Trace, running};
use super::wire;

/// Asserts that a trace of twice as many parts takes twice the steps.
fn assert_linear(n: u64, make: impl Fn(u64) -> Trace) {
    linear::assert_linear(n, |n| make(n).0);
}

#[test]
fn one_event_a_batch() {
    assert_linear(5_000, |n| {
        let mut t = Trace::new();
        t.frequency(1);
        t.batch(1, 1, 1, &running(0, 1, 1));
        for i in 0..n {
            t.batch(1, 1, 10 + i, &[u64::from(wire::HEAP_ALLOC), 1, i]);
        }
        t
    });
}

#[test]
fn thousands_of_threads() {
    assert_linear(4_000, |n| {
        let mut t = Trace::new();
        t.frequency(1);
        for m in 0..n {
            // Times in no order, and many of them equal.
            let time = 1 + m * 7919 % 1009;
            // As a varint this is the type and a time difference of 1.
            let free = [u64::from(wire::SPAN_FREE), 5];
            t.batch(1, m, time, &[free, free, free].concat());
        }
        t
    });
}

#[test]
fn goroutines_that_all_want_the_same_place() {
    assert_linear(20_000, |n| {
        let mut t = Trace::new();
        t.frequency(1);
        for part in 0..n / 1_000 {
            let waiting = (0..1_000).flat_map(|i| {
                let id = (part * 1_000 + i + 1) << 24;
                [u64::from(wire::GO_STATUS), 1, id, NO_THREAD, 4]
            });
            t.batch(1, 1, 1 + part, &waiting.collect::<Vec<_>>());
        }
        t
    });
}

#[test]
fn tables_of_scattered_ids() {
    assert_linear(20_000, |n| {
        let mut t = Trace::new();
        t.frequency(1);
        t.batch(1, 1, 1, &running(0, 1, 1));
        for part in 0..n / 1_000 {
            let ids = (0..1_000).map(|i| (part * 1_000 + i + 1) * 1_000_003);
            let strings = ids
                .clone()
                .flat_map(|id| [u64::from(wire::STRING), id, 1, 7]);
            let strings: Vec<_> = [u64::from(wire::STRINGS)]
                .into_iter()
                .chain(strings)
                .collect();
            t.batch(1, 1, 1, &strings);
            let stacks = ids.flat_map(|id| [u64::from(wire::STACK), id, 1, id, id, id, 3]);
            let stacks: Vec<_> = [u64::from(wire::STACKS)]
                .into_iter()
                .chain(stacks)
                .collect();
            t.batch(1, 1, 1, &stacks);
        }
        t
    });
}

#[test]
fn tiny_generations_beside_many_goroutines() {
    assert_linear(1_000, |n| {
        let mut t = Trace::new();
        t.frequency(1);
        for part in 0..50 {
            let waiting = (0..1_000).flat_map(|i| {
                let id = part * 1_000 + i + 100;
                [u64::from(wire::GO_STATUS), 1, id, NO_THREAD, 4]
            });
            t.batch(1, 1, 1 + part, &waiting.collect::<Vec<_>>());
        }
        // Reading the goroutines is work too: as much as all the rest.
        for generation in 2..2 + 100 * n {
            t.frequency(generation);
        }
        t
    });
}

#[test]
fn a_processor_in_an_abandoned_syscall_among_many_threads() {
    assert_linear(2_000, |n| {
        let mut t = Trace::new();
        t.frequency(1);
        let syscall = [u64::from(wire::PROC_STATUS), 1, 0, 3];
        t.batch(1, 1, 1, &syscall);
        for m in 2..n {
            let abandoned = [u64::from(wire::PROC_STATUS), 1, 0, 4];
            t.batch(1, m, 1 + m, &abandoned);
        }
        t
    });
}

#[test]
fn events_that_wait_for_each_other_in_turn_are_given_up() {
    let threads = 6_000;
    let mut t = Trace::new();
    t.frequency(1);
    t.batch(1, 0, 1, &[u64::from(wire::PROC_STATUS), 1, 0, 2]);
    // The later its time, the earlier it must come.
    for m in 1..threads {
        let start = [u64::from(wire::PROC_START), 1, 0, threads - m];
        let stop = [u64::from(wire::PROC_STOP), 1];
        t.batch(1, m, 10 + m, &[&start[..], &stop].concat());
    }
    let (_, error) = linear::read(&t.0);
    let given_up = matches!(
        error,
        Some(ErrorKind::Inconsistent(Violation::Tangled { .. }))
    );
    assert!(given_up, "{error:?}");
}
