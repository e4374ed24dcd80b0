//! The moments of several findings, gathered in one pass over the trace.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::watch::{Held, Reasons, Run, Sink, Watch};
use super::{Window, keep};
use crate::report::human::{self, place};
use crate::report::{Finding, Frame, Moment, Report, Row, Span, SpanState, Unit, Wake, ranked};
use crate::timeline::{HeapFloor, Kind, Owner, StackKey, Timeline};
use crate::trace::{GoId, Input, ReadError, Reader, Time};
use crate::units::elapsed;

/// Findings whose moments are drawn.
const FINDINGS: usize = 3;
/// Least length of a moment, ns.
const LEAST: u64 = 20_000_000;
/// Rows of goroutines in a moment.
const GOROUTINES: usize = 6;
/// Rows of Ps in a moment.
const PS: usize = 16;
/// Wake-ups in a moment; those of the finding's goroutine, which has the first row, come first.
const WAKES: usize = 16;

/// Returns the findings whose moments are drawn: the worst that have a duration.
pub fn drawn(report: &Report) -> Vec<&Finding> {
    let lasted = ranked(report)
        .into_iter()
        .filter(|f| f.unit() == Unit::Nanoseconds && f.worst_for_ns > 0);
    lasted.take(FINDINGS).collect()
}

/// Reads a trace up to the last of these findings, and returns their moments.
///
/// # Errors
/// If no event can be read.
pub fn moments(input: Input<'_>, findings: &[&Finding]) -> Result<Vec<Moment>, Box<ReadError>> {
    let mut reader = Reader::new(input)?;
    let mut timeline = Timeline::default();
    let mut watch: Option<Watch<Gather>> = None;
    let mut last = Time::MAX;
    // A trace that breaks off has the moments up to that point.
    while let Ok(true) = reader.advance() {
        let event = reader.event();
        let watch = watch.get_or_insert_with(|| {
            let pending = findings.iter().map(|f| Pending::new(f, event.time));
            let gather = Gather(pending.collect());
            let first = gather.0.iter().map(|pending| pending.from).min();
            last = gather
                .0
                .iter()
                .map(|pending| pending.to)
                .max()
                .unwrap_or(last);
            Watch::new(gather, first.unwrap_or(event.time))
        });
        if event.time >= last {
            break;
        }
        watch.event(event, reader.tables(), &mut timeline);
    }
    let Some(watch) = watch else {
        return Ok(Vec::new());
    };
    let (gather, _) = watch.conclude(last.min(timeline.now()), &timeline);
    Ok(gather.0.into_iter().map(Pending::draw).collect())
}

/// All moments at once.
struct Gather(Vec<Pending>);

/// The moment of one finding while it is gathered.
struct Pending {
    finding: String,
    /// On the trace's clock.
    from: Time,
    to: Time,
    /// Start of the moment since the trace's start, ns.
    since: u64,
    victims: Vec<GoId>,
    culprit: Option<GoId>,
    runs: Vec<Ran>,
    waits: Vec<Waited>,
    stops: Vec<(Time, Time, String)>,
}

struct Ran {
    run: Run,
    name: String,
}

struct Waited {
    g: GoId,
    start: Time,
    end: Time,
    by: GoId,
    woken: bool,
    state: SpanState,
    what: String,
    name: String,
}

impl Sink for Gather {
    fn run(&mut self, run: Run, timeline: &Timeline) {
        for pending in self.over(run.start, run.end) {
            let name = goroutine(run.g, run.stack, timeline);
            keep(&mut pending.runs, Ran { run, name }, |ran| {
                elapsed(ran.run.start, ran.run.end)
            });
        }
    }

    fn held(&mut self, held: Held, reasons: &Reasons, timeline: &Timeline) {
        let i = &held.interval;
        for pending in self.over(i.start, i.end) {
            let (state, what) = match i.kind {
                Kind::StopTheWorld(reason) => {
                    let reason = timeline.stop_reason(reason).to_owned();
                    keep(&mut pending.stops, (i.start, i.end, reason), |stop| {
                        elapsed(stop.0, stop.1)
                    });
                    continue;
                }
                Kind::Starvation | Kind::MarkAssist | Kind::Silence | Kind::Marking => continue,
                Kind::Runnable(_) => (SpanState::Runnable, "runnable, no P".to_owned()),
                Kind::Syscall => (SpanState::Syscall, "in a syscall".to_owned()),
                Kind::Blocked(_) if timeline.waits_for_lock(i) => {
                    (SpanState::Blocked, "waits for a lock".to_owned())
                }
                Kind::Blocked(_) => match reasons.of(&held) {
                    "" => (SpanState::Blocked, "blocked".to_owned()),
                    reason => (SpanState::Blocked, format!("blocked ({reason})")),
                },
            };
            if i.owner == Owner::Runtime {
                continue;
            }
            let waited = Waited {
                g: i.victim.g,
                start: i.start,
                end: i.end,
                by: i.by.g,
                woken: state == SpanState::Blocked && !held.goes_on,
                state,
                what,
                name: goroutine(i.victim.g, i.victim.stack, timeline),
            };
            keep(&mut pending.waits, waited, |wait| {
                elapsed(wait.start, wait.end)
            });
        }
    }

    fn marking(&mut self, _: Time, _: Time) {}

    fn floor(&mut self, _: HeapFloor) {}
}

impl Gather {
    /// Returns the pending moments that an interval overlaps.
    fn over(&mut self, start: Time, end: Time) -> impl Iterator<Item = &mut Pending> {
        let pending = self.0.iter_mut();
        pending.filter(move |pending| start < pending.to && end > pending.from)
    }
}

impl Pending {
    fn new(finding: &Finding, start: Time) -> Self {
        let window = Window::of(finding.worst_at_ns, finding.worst_for_ns, LEAST);
        let (from, to) = window.since(start);
        let culprit = finding.cause.as_ref().and_then(|cause| cause.goroutine);
        Self {
            finding: finding.id.clone(),
            from,
            to,
            since: window.from,
            // The worst occurrence is that of the first.
            victims: finding
                .goroutines
                .iter()
                .take(1)
                .map(|&g| GoId(g))
                .collect(),
            culprit: culprit.map(GoId),
            runs: Vec::new(),
            waits: Vec::new(),
            stops: Vec::new(),
        }
    }

    fn span(&self, start: Time, end: Time, state: SpanState, text: String) -> Span {
        Span {
            from: elapsed(self.from, start),
            to: elapsed(self.from, end.min(self.to)),
            state,
            text,
        }
    }

    fn draw(mut self) -> Moment {
        self.runs.sort_by_key(|ran| ran.run.start);
        self.waits.sort_by_key(|wait| wait.start);
        self.stops.sort();
        let mut rows = self.ps();
        let shown = self.goroutines();
        let first = rows.len();
        rows.extend(shown.iter().map(|&g| self.goroutine(g)));
        let wakes = self
            .waits
            .iter()
            .filter(|wait| wait.woken && wait.end < self.to);
        let wakes = wakes.filter_map(|wait| {
            let to = first + shown.iter().position(|&g| g == wait.g)?;
            Some(Wake {
                at: elapsed(self.from, wait.end),
                from: self.p_of(wait.by, wait.end)?,
                to,
            })
        });
        let mut wakes: Vec<_> = wakes.collect();
        // Arrows of others hide what happened to the finding's goroutine.
        wakes.sort_by_key(|wake| (wake.to != first, wake.at));
        wakes.truncate(WAKES);
        Moment {
            wakes,
            stops: self
                .stops
                .iter()
                .map(|(start, end, why)| self.span(*start, *end, SpanState::Stopped, why.clone()))
                .collect(),
            finding: self.finding.clone(),
            from: self.since,
            length: elapsed(self.from, self.to),
            rows,
        }
    }

    /// Returns the numbers of the Ps in order.
    fn p_numbers(&self) -> Vec<i64> {
        let mut numbers: Vec<_> = self.runs.iter().map(|ran| ran.run.p.0).collect();
        numbers.sort_unstable();
        numbers.dedup();
        numbers.truncate(PS);
        numbers
    }

    fn ps(&self) -> Vec<Row> {
        let mut rows: BTreeMap<i64, Vec<Span>> = BTreeMap::new();
        for ran in &self.runs {
            let run = &ran.run;
            let state = match run.g {
                g if self.victims.contains(&g) => SpanState::Victim,
                g if self.culprit == Some(g) => SpanState::Culprit,
                _ => SpanState::Run,
            };
            let span = self.span(run.start, run.end, state, ran.name.clone());
            rows.entry(run.p.0).or_default().push(span);
        }
        let shown = self.p_numbers().into_iter();
        shown
            .map(|p| Row {
                name: format!("P {p}"),
                spans: rows.remove(&p).unwrap_or_default(),
            })
            .collect()
    }

    /// Returns the row of the P on which a goroutine ran at a time.
    fn p_of(&self, g: GoId, at: Time) -> Option<usize> {
        let mut runs = self.runs.iter().map(|ran| &ran.run);
        let run = runs.find(|run| run.g == g && run.start <= at && at <= run.end)?;
        self.p_numbers().iter().position(|&p| p == run.p.0)
    }

    /// Returns the goroutines with a row: the finding's, its cause, and those that waited longest, except those that
    /// were blocked all the time.
    fn goroutines(&self) -> Vec<GoId> {
        let mut shown = self.victims.clone();
        shown.extend(self.culprit.filter(|g| !shown.contains(g)));
        let mut waited: BTreeMap<i64, u64> = BTreeMap::new();
        let parts = self
            .waits
            .iter()
            .filter(|wait| wait.start > self.from || wait.end < self.to);
        for wait in parts {
            let within = elapsed(wait.start.max(self.from), wait.end.min(self.to));
            *waited.entry(wait.g.0).or_default() += within;
        }
        let mut waited: Vec<_> = waited.into_iter().collect();
        waited.sort_by_key(|&(g, ns)| (Reverse(ns), g));
        for (g, _) in waited {
            if shown.len() < GOROUTINES && !shown.contains(&GoId(g)) {
                shown.push(GoId(g));
            }
        }
        shown
    }

    fn goroutine(&self, g: GoId) -> Row {
        let mut spans = Vec::new();
        let mut name = format!("goroutine {g}");
        for wait in self.waits.iter().filter(|wait| wait.g == g) {
            name.clone_from(&wait.name);
            let took = crate::units::duration(elapsed(wait.start, wait.end));
            let text = format!("{} for {took}", wait.what);
            spans.push(self.span(wait.start, wait.end, wait.state, text));
        }
        for ran in self.runs.iter().filter(|ran| ran.run.g == g) {
            let state = match self.culprit == Some(g) {
                true => SpanState::Culprit,
                false if self.victims.contains(&g) => SpanState::Victim,
                false => SpanState::Run,
            };
            spans.push(self.span(ran.run.start, ran.run.end, state, ran.name.clone()));
        }
        spans.sort_by_key(|span| span.from);
        Row { name, spans }
    }
}

/// Formats a goroutine: `goroutine 7 main.work main.go:12`.
fn goroutine(g: GoId, stack: StackKey, timeline: &Timeline) -> String {
    let stacks = timeline.stacks();
    let text = stacks.get(stacks.traits(stack).place);
    let frame = Frame {
        function: text.function.into(),
        file: text.file.into(),
        line: text.line,
    };
    match human::short(&frame.function) {
        "" => format!("goroutine {g}"),
        _ => format!("goroutine {g} {}", place(&frame)),
    }
}
