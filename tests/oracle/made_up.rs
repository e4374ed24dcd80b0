//! Traces that no Go wrote: of every old event, of random programs, and damaged ones.

use std::fs;

use crate::compare::{compare, compare_by, scratch, without_ties};
use crate::support;
use crate::support::old_trace;
use crate::support::random::Random;

/// Old traces that no Go was asked for: of every event, and of programs that do
/// at random what schedulers allow.
#[test]
fn made_up_old_traces_read_the_same() {
    if !support::have_go() {
        return;
    }
    let dir = scratch("old");
    for (name, accept) in [
        ("everything", true),
        ("futile", false),
        ("samples", true),
        ("stacks", true),
    ] {
        let text = fs::read_to_string(support::tests_dir(&format!("oracle/old/{name}.txt")));
        let out = dir.join(name);
        fs::write(&out, old_trace::encode(&text.expect("readable"))).expect("written");
        let (events, accepted) = compare(&out, false);
        assert_eq!(accepted, accept, "{name}");
        assert!(events > 30 || name != "everything", "{name}: {events}");
    }
    let mut total = 0;
    for seed in 0..60 {
        let version = ["1.11", "1.19", "1.21"][seed % 3];
        let out = dir.join(format!("{seed}.trace"));
        let steps = 200 + 100 * seed;
        fs::write(&out, old_trace::random(seed as u64, version, steps)).expect("written");
        let (events, accepted) = compare_by(&out, seed % 2 == 0, without_ties);
        assert!(accepted, "{seed}");
        total += events;
    }
    eprintln!("made-up traces of Go 1.11 to 1.21: {total} events are the same");
}

/// Damaged traces: both readers give the same events up to the damage, and
/// agree that there is one.
#[test]
fn damaged_traces_are_judged_the_same() {
    if !support::have_go() {
        return;
    }
    let dir = scratch("damaged");
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let mut next = |n: usize| random.below(n);
    let mut rejected = 0;
    let names = [
        "http",
        "annotations",
        "coroutine",
        "gc_assist",
        "syscall_quick",
        "cgo_callback",
        "cpu_profile",
        "mutex_contention",
        "goroutine_leak",
        "syscall_long",
    ];
    let versions = ["1.19", "1.21.13", "1.22.10", "1.25.5", "1.27.3"];
    for i in 0..350 {
        let (version, name) = (versions[i % 5], names[i / 5 % names.len()]);
        let path = support::tests_dir(&format!("fixtures/go{version}/{name}.trace"));
        let Ok(mut bytes) = fs::read(path) else {
            continue;
        };
        match next(3) {
            0 => bytes.truncate(16 + next(bytes.len() - 16)),
            1 => {
                for _ in 0..=next(4) {
                    let at = 16 + next(bytes.len() - 16);
                    bytes[at] ^= 1 << next(8);
                }
            }
            _ => {
                let (at, len) = (16 + next(bytes.len() - 16), next(200));
                let end = (at + len).min(bytes.len());
                bytes.drain(at..end);
            }
        }
        let out = dir.join(format!("{i}.trace"));
        fs::write(&out, bytes).expect("written");
        let (_, accepted) = compare(&out, i % 2 == 0);
        rejected += usize::from(!accepted);
    }
    assert!(
        rejected > 50,
        "only {rejected} were rejected: the damage is too mild"
    );
}
