//! Reads traces on one thread and prints the number of events. benches/compare measures it against the reference reader,
//! which does the same.

use std::fs::File;
use std::io::stdin;
use std::process::ExitCode;

use gotrace::{Event, Input, Reader};

fn count(input: Input<'_>) -> Result<u64, Box<dyn std::error::Error>> {
    let mut reader = Reader::new(input)?;
    let mut block = vec![Event::default(); 256];
    let mut events = 0;
    loop {
        match reader.fill(&mut block)? {
            0 => return Ok(events),
            n => events += n as u64,
        }
    }
}

fn main() -> ExitCode {
    for path in std::env::args().skip(1) {
        let counted = match path.as_str() {
            "-" => count(Input::from_reader(stdin())),
            _ => File::open(&path)
                .and_then(Input::from_file)
                .map_err(Into::into)
                .and_then(count),
        };
        match counted {
            Ok(events) => println!("events {events}"),
            Err(e) => {
                eprintln!("{path}: {e}");
                return ExitCode::FAILURE;
            }
        }
    }
    ExitCode::SUCCESS
}
