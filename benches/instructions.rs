//! Reads or analyzes a trace several times on one thread. benches/guard counts its instructions.

use std::process::ExitCode;

use gotrace::{Event, Input, Reader};
use gotracer_core::analysis::analyze;
use gotracer_core::rules::Settings;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// Reads all events and drops them.
fn read(trace: &[u8]) -> Result<u64> {
    let mut reader = Reader::new(Input::from_slice(trace))?;
    let mut block = vec![Event::default(); 256];
    let mut events = 0;
    loop {
        match reader.fill(&mut block)? {
            0 => return Ok(events),
            n => events += n as u64,
        }
    }
}

/// Applies all rules with their default settings.
fn report(trace: &[u8]) -> Result<u64> {
    with(trace, &Settings::default())
}

/// Applies them and gathers profiles, as the daemon does with `profiles: {enabled: true}`.
fn profiles(trace: &[u8]) -> Result<u64> {
    let mut settings = Settings::default();
    settings.profiles = true;
    with(trace, &settings)
}

fn with(trace: &[u8], settings: &Settings) -> Result<u64> {
    let outcome = analyze(Input::from_slice(trace), "trace", settings, |_| ())?;
    Ok(outcome.report.trace.events)
}

fn run(args: &[String]) -> Result<u64> {
    let [mode, times, path] = args else {
        return Err("usage: instructions read|analyze|profiles TIMES FILE".into());
    };
    let stage = match mode.as_str() {
        "read" => read,
        "analyze" => report,
        "profiles" => profiles,
        other => return Err(format!("{other}: not read, analyze or profiles").into()),
    };
    let trace = std::fs::read(path)?;
    (0..times.parse()?).map(|_: u32| stage(&trace)).sum()
}

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match run(&args) {
        Ok(events) => {
            println!("events {events}");
            ExitCode::SUCCESS
        }
        Err(e) => {
            eprintln!("error: {e}");
            ExitCode::FAILURE
        }
    }
}
