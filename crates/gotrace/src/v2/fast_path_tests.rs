//! The fast path and the full model return the same events, also for damaged
//! traces.

use super::super::event::Event;
use super::super::{Input, Reader};
use super::order::NEVER;
use proptest::prelude::*;
use proptest::sample::Index;

const TRACES: [&str; 6] = [
    "go1.22.10/annotations",
    "go1.27.3/annotations",
    "go1.27.3/coroutine",
    "go1.27.3/goroutine_churn",
    "go1.27.3/http",
    "go1.27.3/syscall_quick",
];

fn trace(name: &str) -> Vec<u8> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/fixtures");
    std::fs::read(format!("{folder}/{name}.trace")).unwrap()
}

/// All events, and how the trace ends.
fn read(bytes: &[u8], without_fast_path: bool) -> (Vec<Event>, Option<String>) {
    NEVER.set(without_fast_path);
    let mut events = Vec::new();
    let mut reader = match Reader::new(Input::from_slice(bytes)) {
        Ok(reader) => reader,
        Err(e) => return (events, Some(e.to_string())),
    };
    loop {
        match reader.next_event() {
            Ok(Some(event)) => events.push(event),
            Ok(None) => return (events, None),
            Err(e) => return (events, Some(e.to_string())),
        }
    }
}

#[test]
fn of_whole_traces() {
    for name in TRACES {
        let bytes = trace(name);
        let (events, error) = read(&bytes, false);
        assert!(events.len() > 100 && error.is_none(), "{name}: {error:?}");
        assert_eq!((events, error), read(&bytes, true), "{name}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn of_damaged_traces(
        name in prop::sample::select(&TRACES[..]),
        damage in prop::collection::vec((any::<Index>(), 0..3u8, any::<u8>()), 1..5),
    ) {
        let mut bytes = trace(name);
        for (at, how, byte) in damage {
            let at = at.index(bytes.len());
            match how {
                0 => bytes[at] = byte,
                1 => bytes.insert(at, byte),
                _ => drop(bytes.remove(at)),
            }
        }
        prop_assert_eq!(read(&bytes, false), read(&bytes, true));
    }
}
