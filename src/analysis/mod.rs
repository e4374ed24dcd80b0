//! Drives one trace through the timeline and the rules into a report.
//!
//! Files and live streams are the same code: [`Analysis`] takes one event
//! after the other, a report can be asked for at any time, and says what was
//! true up to then.

mod findings;
mod history;
mod pipeline;
mod program;

pub use pipeline::analyze_on_two_threads;

use jiff::{SignedDuration, Timestamp};

use crate::report::{Report, RuleReport, Status, TraceInfo};
use crate::rules::{Detector, RULES, Rule, Settings, Verdict};
use crate::timeline::{HeapFloor, Interval, Observer, Timeline};
use crate::trace::{ClockSnapshot, Event, Input, ReadError, Reader, Stats, Tables, What};
use history::History;

/// What became of one trace.
#[derive(Debug)]
pub struct Outcome {
    /// All that could be read told this.
    pub report: Report,
    /// Why reading stopped before the trace's end.
    pub error: Option<ReadError>,
}

/// Reads a whole trace and applies the rules. `source` is its name in the
/// report; `progress` is called about once a generation.
///
/// # Errors
/// If the input is no trace, or not even its first generation can be read. A
/// trace that breaks off later is an [`Outcome`] with an error.
pub fn analyze(
    input: Input<'_>,
    source: &str,
    settings: &Settings,
    mut progress: impl FnMut(Stats),
) -> Result<Outcome, ReadError> {
    let mut reader = Reader::new(input).map_err(|e| *e)?;
    let mut analysis = Analysis::new(settings);
    let error = loop {
        match reader.advance() {
            Ok(true) => {
                if let What::Sync { .. } = reader.event().what {
                    analysis.start_generation(reader.clock_snapshot());
                    progress(reader.stats());
                }
                analysis.event(reader.event(), reader.tables());
            }
            Ok(false) => break None,
            Err(e) => break Some(*e),
        }
    };
    let (version, stats) = (reader.version(), reader.stats());
    conclude(&analysis, source, version, stats, error)
}

/// The outcome of a trace of which `stats` was read.
fn conclude(
    analysis: &Analysis,
    source: &str,
    version: u32,
    stats: Stats,
    error: Option<ReadError>,
) -> Result<Outcome, ReadError> {
    if stats.generations == 0
        && let Some(e) = error
    {
        // Nothing was seen of it: that must not pass for a clean bill.
        return Err(e);
    }
    let report = analysis.report(&Read {
        source,
        version,
        stats,
        error: error.as_ref(),
    });
    Ok(Outcome { report, error })
}

/// What was read of a trace, for its report.
#[derive(Clone, Copy, Debug)]
pub struct Read<'a> {
    /// The trace's name.
    pub source: &'a str,
    /// The minor version of its format, see [`Reader::version`].
    pub version: u32,
    /// How much was read.
    pub stats: Stats,
    /// Why no more could be read.
    pub error: Option<&'a ReadError>,
}

/// The rules at work.
struct Rules {
    enabled: Vec<(&'static Rule, Box<dyn Detector>)>,
    /// What any of them watches.
    watches: u8,
    /// Who watches each kind of interval, by the number of its bit.
    watchers: [Vec<usize>; u8::BITS as usize],
}

impl Rules {
    fn new(enabled: Vec<(&'static Rule, Box<dyn Detector>)>) -> Self {
        let who = |bit: usize| {
            let watching = enabled.iter().enumerate();
            let watching = watching.filter(|(_, (rule, _))| rule.watches & (1 << bit) != 0);
            watching.map(|(i, _)| i).collect()
        };
        Self {
            watches: enabled.iter().fold(0, |all, (rule, _)| all | rule.watches),
            watchers: std::array::from_fn(who),
            enabled,
        }
    }
}

impl Observer for Rules {
    fn watches(&self) -> u8 {
        self.watches
    }

    #[inline]
    fn interval(&mut self, interval: &Interval, timeline: &Timeline) {
        let bit = interval.kind.bit().trailing_zeros();
        for &i in &self.watchers[bit as usize] {
            self.enabled[i].1.interval(interval, timeline);
        }
    }

    fn heap_floor(&mut self, floor: HeapFloor, timeline: &Timeline) {
        for (_, detector) in &mut self.enabled {
            detector.heap_floor(floor, timeline);
        }
    }
}

/// One trace being analysed.
pub struct Analysis {
    timeline: Timeline,
    rules: Rules,
    /// The first clock snapshot.
    snapshot: Option<ClockSnapshot>,
    /// Notes how the program goes, if that is wanted.
    history: Option<Box<History>>,
    settings: Settings,
}

impl Analysis {
    /// Nothing has happened yet.
    pub fn new(settings: &Settings) -> Self {
        let enabled = RULES.into_iter().filter(|rule| settings.of(rule).enabled);
        let enabled: Vec<_> = enabled
            .map(|rule| (rule, (rule.detector)(*settings.of(rule))))
            .collect();
        Self {
            timeline: Timeline::default(),
            rules: Rules::new(enabled),
            snapshot: None,
            history: settings.course.then(Box::default),
            settings: settings.clone(),
        }
    }

    /// Takes in the clock snapshot of a generation, before its first event.
    pub fn start_generation(&mut self, snapshot: Option<ClockSnapshot>) {
        self.snapshot = self.snapshot.or(snapshot);
    }

    /// Takes in the next event. `tables` are those of its generation.
    #[inline]
    pub fn event(&mut self, event: &Event, tables: &Tables) {
        self.timeline.event(event, tables, &mut self.rules);
        if let Some(history) = &mut self.history {
            history.note(&self.timeline);
        }
    }

    /// What the trace told so far. What is not over yet counts as if it ended
    /// now, and is marked as a lower bound.
    pub fn report(&self, read: &Read<'_>) -> Report {
        let Read { stats, error, .. } = *read;
        let open = self.timeline.open_intervals();
        let start_time = self.start_time();
        let mut rules = Vec::new();
        let mut all = Vec::new();
        for (rule, detector) in &self.rules.enabled {
            let mut detector = detector.boxed_clone();
            for interval in open.iter().filter(|i| rule.watches & i.kind.bit() != 0) {
                detector.interval(interval, &self.timeline);
            }
            let verdict = if stats.generations == 0 {
                Verdict {
                    not_applicable: Some("no whole generation of the trace could be read".into()),
                    ..Verdict::default()
                }
            } else {
                detector.verdict(&self.timeline)
            };
            rules.push(RuleReport {
                rule,
                thresholds: self.settings.of(rule).thresholds,
                status: match (&verdict.not_applicable, verdict.found.is_empty()) {
                    (Some(_), _) => Status::NotApplicable,
                    (None, true) => Status::Ok,
                    (None, false) => Status::Found,
                },
                reason: verdict.not_applicable,
                measurement: verdict.measurement,
                by_reason: verdict.by_reason,
            });
            all.extend(
                verdict
                    .found
                    .into_iter()
                    .map(|found| findings::finding(rule, found, &self.timeline, start_time)),
            );
        }
        findings::sort(&mut all);
        Report {
            trace: TraceInfo {
                source: read.source.into(),
                go_version: Some(format!("1.{}", read.version)),
                start_time,
                duration_ns: self.timeline.duration(),
                generations: stats.generations,
                events: stats.events,
                bytes: stats.bytes,
                lost_bytes: error.map_or(0, |e| e.lost_bytes),
                gomaxprocs: self.timeline.gomaxprocs(),
                error: error.map(ToString::to_string),
            },
            program: program::program(&self.timeline),
            rules,
            findings: all,
            course: self.history.as_ref().map(|h| h.course().clone()),
        }
    }

    /// The wall clock at the trace's first event, if the trace tells.
    fn start_time(&self) -> Option<Timestamp> {
        let s = self.snapshot?;
        let at_snapshot = Timestamp::new(s.wall_sec, i32::try_from(s.wall_nsec).ok()?).ok()?;
        let before = s.trace.checked_sub(self.timeline.start())?;
        at_snapshot
            .checked_sub(SignedDuration::from_nanos(before))
            .ok()
    }
}
