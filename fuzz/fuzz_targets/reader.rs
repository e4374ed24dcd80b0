//! Checks that any bytes are read without a panic or a hang, with strictly increasing times, and with the same events from
//! a slice and from a stream.
#![no_main]

use gotrace::{Event, Input, Reader};
use libfuzzer_sys::fuzz_target;

fn read(input: Input<'_>) -> (Vec<Event>, bool) {
    let mut events = Vec::new();
    let Ok(mut reader) = Reader::new(input) else {
        return (events, false);
    };
    loop {
        match reader.advance() {
            Ok(true) => {
                let event = *reader.event();
                let last = events.last().map(|e: &Event| e.time);
                assert!(last.is_none_or(|last| last < event.time || last == i64::MAX));
                reader.tables().stack(event.stack()).for_each(drop);
                events.push(event);
            }
            Ok(false) => return (events, true),
            Err(e) => {
                assert!(!e.to_string().is_empty());
                return (events, false);
            }
        }
    }
}

fuzz_target!(|bytes: &[u8]| {
    let whole = read(Input::from_slice(bytes));
    let stream = read(Input::from_reader(bytes));
    assert!(whole == stream);
});
