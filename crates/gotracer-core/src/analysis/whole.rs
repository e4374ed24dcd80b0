//! Analysis of whole traces.

use super::event_batch::EventBatch;
use super::outcome::{Outcome, Step, conclude};
use super::{Analysis, pipeline};
use crate::rules::custom::Explanation;
use crate::rules::{Rule, Settings};
use crate::trace::{ErrorKind, Input, ReadError, Reader, Stats};

/// Maximum number of traces of one input, since each has a report.
const MOST: usize = 1_000;

/// Memory for the analysis of another trace beside the earlier reports, bytes. Without it, every further trace would
/// fail.
const ROOM: u64 = 256 << 10;

/// Reads a whole trace and applies the rules. `source` is its name in the report; `progress` is called about once per
/// generation.
///
/// # Errors
/// If the input is no trace, or its first generation cannot be read. A trace that breaks off later is an [`Outcome`]
/// with an error.
pub fn analyze(
    input: Input<'_>,
    source: &str,
    settings: &Settings,
    progress: impl FnMut(Stats),
) -> Result<Outcome, ReadError> {
    step(input, source, settings, progress).0
}

/// Analyzes every trace of an input: programs may trace into the same file repeatedly, and files may be concatenated.
/// Calls `each` with the name and the outcome of each: `source`, then `source (2)`, and so on. `on_two_threads` is
/// faster for large traces.
pub fn analyze_all(
    input: Input<'_>,
    source: &str,
    settings: &Settings,
    on_two_threads: bool,
    mut progress: impl FnMut(Stats),
    mut each: impl FnMut(String, Result<Outcome, ReadError>),
) {
    // A caller may keep the reports until the last trace is read.
    let mut share = input.allowance().share();
    let mut held = 0;
    let mut next = Some(input);
    for n in 1.. {
        let Some(input) = next else { return };
        let name = match n {
            1 => source.to_owned(),
            n => format!("{source} ({n})"),
        };
        // The next analysis needs memory beside the reports.
        let room = if held > 0 { ROOM } else { 0 };
        let fits = share.hold(held + room).and_then(|()| share.hold(held));
        let kind = match fits {
            Err(exhausted) => Some(ErrorKind::TooLarge(exhausted.limit)),
            Ok(()) => (n > MOST).then_some(ErrorKind::TooManyTraces(MOST)),
        };
        if let Some(kind) = kind {
            let lost_bytes = input.known_len() - input.pos();
            return each(name, Err(ReadError::new(kind).at(input.pos(), lost_bytes)));
        }
        let (outcome, following) = match on_two_threads {
            true => pipeline::step(input, &name, settings, &mut progress),
            false => step(input, &name, settings, &mut progress),
        };
        if let Ok(outcome) = &outcome {
            let profiles = outcome.profiles.as_ref().map_or(0, |p| p.size());
            held += (outcome.report.size() + profiles) as u64;
        }
        each(name, outcome);
        next = following;
    }
}

/// Explanations of custom rules.
pub type Explanations = Vec<(&'static Rule, Explanation)>;

/// Reads a whole trace, and returns its outcome with explanations of what the custom rules matched.
///
/// # Errors
/// As [`analyze`].
pub fn explain_rules(
    input: Input<'_>,
    source: &str,
    settings: &Settings,
) -> Result<(Outcome, Explanations), ReadError> {
    let mut settings = settings.clone();
    settings.explain();
    let reader = Reader::new(input)?;
    let mut analysis = Analysis::of(&reader, &settings);
    let events = EventBatch::new(&reader);
    let outcome = run(&mut analysis, events, reader, source, |_| ()).0?;
    Ok((outcome, analysis.explanations()))
}

/// Analyzes a trace like [`analyze`], but slower: no event is packed or skipped. Tests compare the faster
/// implementations with it.
///
/// # Errors
/// As [`analyze`].
#[doc(hidden)]
pub fn analyze_plainly(
    input: Input<'_>,
    source: &str,
    settings: &Settings,
) -> Result<Outcome, ReadError> {
    let reader = Reader::new(input)?;
    analyze_by(EventBatch::plain(), reader, source, settings, |_| ()).0
}

fn step<'a>(
    input: Input<'a>,
    source: &str,
    settings: &Settings,
    progress: impl FnMut(Stats),
) -> Step<'a> {
    match Reader::new(input) {
        Ok(reader) => analyze_by(EventBatch::new(&reader), reader, source, settings, progress),
        Err(error) => (Err(error), None),
    }
}

fn analyze_by<'a>(
    events: EventBatch,
    reader: Reader<'a>,
    source: &str,
    settings: &Settings,
    progress: impl FnMut(Stats),
) -> Step<'a> {
    let mut analysis = Analysis::of(&reader, settings);
    run(&mut analysis, events, reader, source, progress)
}

/// Analyzes the events of a reader.
fn run<'a>(
    analysis: &mut Analysis,
    mut events: EventBatch,
    mut reader: Reader<'a>,
    source: &str,
    mut progress: impl FnMut(Stats),
) -> Step<'a> {
    let error = loop {
        match events.read(&mut reader) {
            Ok(true) => {}
            Ok(false) => break None,
            Err(e) => break Some(e),
        }
        if events.begins() {
            progress(reader.stats());
        }
        if let Err(e) = analysis.batch(&events, &reader) {
            break Some(e);
        }
    };
    conclude(analysis, source, reader, error)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::Preset;
    use crate::trace::Allowance;

    #[test]
    fn reports_of_many_traces_stay_within_the_allowance() {
        let trace = include_bytes!("../../../../tests/fixtures/go1.27.3/http.trace");
        let settings = Settings::preset(Preset::Service);
        let mut outcomes = Vec::new();
        let bytes = trace.repeat(MOST / 2);
        let input = Input::from_slice(&bytes).within(Allowance::of(8 << 20));
        analyze_all(
            input,
            "t",
            &settings,
            false,
            |_| (),
            |_, o| outcomes.push(o),
        );
        let error = outcomes.pop().unwrap().unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::TooLarge(_)), "{error}");
        assert!(
            (10..MOST / 2 - 1).contains(&outcomes.len()),
            "{}",
            outcomes.len()
        );
        let held: usize = outcomes.iter().flatten().map(|o| o.report.size()).sum();
        assert!(held < 8 << 20, "{held}");
    }
}
