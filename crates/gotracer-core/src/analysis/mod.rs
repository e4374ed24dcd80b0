//! Analysis of one trace: drives the timeline and the rules, and builds the report.
//!
//! Files and live streams share this code: [`Analysis`] processes one event after the other, and can report the
//! current state at any time.

mod cpu;
mod event_batch;
mod findings;
mod history;
mod live;
mod observers;
mod packed;
mod pipeline;
mod profiles;
mod program;
mod record;
mod slices;
mod suppress;
mod times;
mod whole;

pub use live::{Heard, follow};
pub use pipeline::analyze_on_two_threads;
#[doc(hidden)]
pub use whole::analyze_plainly;
pub use whole::{Explanations, Outcome, analyze, analyze_all, explain_rules};

use jiff::{SignedDuration, Timestamp};

use crate::pprof::Profiles;
use crate::report::{Report, RuleReport, Status, TraceInfo};
use crate::rules::custom::Explanation;
use crate::rules::suppression::today;
use crate::rules::{Detector, Rule, Settings, Verdict};
use crate::tasks::{Chains, IdKeys, Requests, Tasks};
use crate::timeline::{Creation, Observer, StackKey, Timeline, Transition};
use crate::trace::internal::{Share, is_newer};
use crate::trace::{
    ClockSnapshot, ErrorKind, Event, GoId, ReadError, Reader, Slot, Stats, Tables, Time,
};
use event_batch::EventBatch;
use history::History;
use observers::{Observers, Rules};
use packed::{EventVisitor, Packed};
use profiles::ProfileVisitor;
use slices::Slices;
use suppress::suppress;
use times::Times;

/// Period over which the growth of the number of goroutines is counted in a live trace, ns. A service's load changes
/// within hours, which is no leak.
const GROWTH: i64 = 60 * 1_000_000_000;

/// Facts about reading a trace, for its report.
#[derive(Clone, Copy, Debug)]
pub struct Read<'a> {
    /// Name of the trace.
    pub source: &'a str,
    /// Minor version of the format, see [`Reader::version`].
    pub version: u32,
    /// Amounts that were read.
    pub stats: Stats,
    /// Reason why reading stopped.
    pub error: Option<&'a ReadError>,
}

/// Warning for a trace with a clock frequency of 0.
const WITHOUT_CLOCK: &str = "the trace's clock has a frequency of 0, so its times mean nothing";

/// Returns a warning if the events may be incomplete or wrong.
fn warning(read: &Read<'_>) -> Option<String> {
    if read.stats.without_clock > 0 {
        return Some(WITHOUT_CLOCK.into());
    }
    is_newer(read.version).then(|| newer(read.version))
}

/// Returns the warning for a trace of a newer format.
fn newer(version: u32) -> String {
    format!(
        "the trace is of format \"go 1.{version}\", newer than this gotracer: it was read as the \
         newest known one; update gotracer"
    )
}

/// Approximate number of events per step.
const EVENTS: usize = 1_000;

/// Returns the error for a trace that exceeds its memory budget.
fn exhausted(kind: ErrorKind, stats: Stats) -> ReadError {
    let lost_bytes = stats.total_bytes.saturating_sub(stats.bytes);
    ReadError::new(kind).at(stats.bytes, lost_bytes)
}

/// Returns the log categories that hold trace and span ids.
fn id_keys(settings: &Settings) -> IdKeys {
    let categories = settings.id_categories.clone();
    IdKeys::new(categories.trace_id, categories.span_id)
}

/// State of the analysis of one trace.
pub struct Analysis {
    timeline: Timeline,
    seen: Observers,
    slices: Slices,
    /// First clock snapshot since the last report.
    snapshot: Option<ClockSnapshot>,
    /// Recorder of values over time, if requested.
    history: Option<Box<History>>,
    settings: Settings,
    /// Whether a generation started since the last report.
    started: bool,
    /// Memory that the analysis has reserved.
    share: Share,
}

impl Analysis {
    /// Creates an analysis without events.
    pub fn new(settings: &Settings) -> Self {
        let rules = settings.rules().into_iter();
        let enabled = rules.map(|rule| (rule, *settings.of(rule)));
        let rules = Rules::new(enabled.filter(|(_, own)| own.enabled).collect());
        let (mut tasks, mut requests) = (Tasks::new(id_keys(settings)), Requests::default());
        if rules.observe_activities() {
            tasks.observe();
            requests.observe();
        }
        Self {
            timeline: Timeline::default(),
            seen: Observers {
                rules,
                times: Times::default(),
                tasks,
                requests,
                chains: Chains::default(),
                profiles: settings.profiles.then(Box::default),
            },
            slices: Slices::new(),
            snapshot: None,
            history: settings.course.then(Box::default),
            settings: settings.clone(),
            started: false,
            share: Share::default(),
        }
    }

    /// Creates an analysis for a reader that shares the reader's memory budget.
    fn of(reader: &Reader<'_>, settings: &Settings) -> Self {
        Self {
            share: reader.allowance().share(),
            ..Self::new(settings)
        }
    }

    /// Reserves memory after some events of a generation. `begins` is set for its first events.
    fn count(&mut self, begins: bool, tables: &Tables) -> Result<(), ErrorKind> {
        let rules = self.seen.rules.enabled.iter().map(|(_, d)| d.held());
        let held = self.timeline.held(EVENTS) + rules.sum::<u64>() + self.seen.held();
        let counted = match begins {
            // Every name and stack of a generation may become referenced by any event.
            true => self.share.hold(held + tables.names()),
            false => self.share.hold_at_least(held),
        };
        counted.map_err(ErrorKind::from)
    }

    /// Records the clock snapshot of a generation, before its first event.
    pub fn start_generation(&mut self, snapshot: Option<ClockSnapshot>) {
        // Clocks drift: the newest snapshot is the most accurate.
        let known = self.snapshot.filter(|_| self.started);
        self.snapshot = known.or(snapshot).or(self.snapshot);
        self.started = true;
    }

    /// Processes the next events. `tables` are those of their generation.
    pub fn events(&mut self, events: &[Event], tables: &Tables) {
        for event in events {
            self.gather(event, tables);
            self.event(event, tables);
        }
    }

    /// Analyzes the events that were read.
    ///
    /// # Errors
    /// If the memory budget is exceeded.
    fn batch(&mut self, events: &EventBatch, reader: &Reader<'_>) -> Result<(), ReadError> {
        let counted = self.count(events.begins(), reader.tables());
        counted.map_err(|kind| exhausted(kind, reader.stats()))?;
        if events.begins() {
            self.start_generation(reader.clock_snapshot());
        }
        match events {
            EventBatch::Packed(events) => self.packed(events, reader.tables()),
            EventBatch::Plain { block, filled } => self.events(&block[..*filled], reader.tables()),
        }
        Ok(())
    }

    /// Processes events like [`events`](Self::events). Not inlined, to keep all registers for the loop.
    #[inline(never)]
    fn packed(&mut self, events: &Packed, tables: &Tables) {
        let gathers = self.seen.profiles.is_some();
        let mut visitor = TimelineVisitor {
            analysis: self,
            tables,
        };
        match gathers {
            true => events.unpack(&mut ProfileVisitor(visitor)),
            false => events.unpack(&mut visitor),
        }
    }

    #[inline(always)]
    fn event(&mut self, event: &Event, tables: &Tables) {
        if Tasks::handles(event) {
            self.timeline.unheeded(event.time, &mut self.seen);
            return self.user_event(event, tables);
        }
        // Events that the timeline ignores can be skipped without changing the result.
        let heeded = Timeline::heeds(event);
        if heeded {
            self.slice(event.time);
        }
        self.timeline.event(event, tables, &mut self.seen);
        if self.seen.chains.is_active() {
            if let Some(transition) = Transition::of(event) {
                self.chain(&transition);
            } else if let Some(creation) = Creation::of(event) {
                self.chain_creation(&creation);
            }
        }
        if heeded {
            self.note();
        }
    }

    /// Processes a task, a region or a log.
    #[inline(never)]
    fn user_event(&mut self, event: &Event, tables: &Tables) {
        let observed = self.seen.rules.observe_activities();
        let stack = match observed {
            true => self.timeline.stack_key(event.stack(), tables),
            false => StackKey::NONE,
        };
        let Observers { tasks, chains, .. } = &mut self.seen;
        chains.start(&self.timeline);
        tasks.event(event, stack, tables, chains, &self.timeline);
        if observed {
            self.seen.log(event, stack, tables, &self.timeline);
            self.seen.hand_over(&self.timeline);
        }
    }

    /// Updates the chains of waits after a state transition.
    #[inline(always)]
    fn chain(&mut self, transition: &Transition) {
        if self.seen.chains.is_active() {
            self.seen.chains.transition(transition, &self.timeline);
        }
    }

    /// Updates the chains of waits after a creation.
    #[inline(always)]
    fn chain_creation(&mut self, c: &Creation) {
        if self.seen.chains.is_active() {
            self.seen.chains.open(c.slot, c.id, c.by, &self.timeline);
        }
    }

    /// Ends the current slice if its time is over.
    #[inline(always)]
    fn slice(&mut self, time: Time) {
        if self.slices.is_over(time) {
            let rules = self.seen.rules.enabled.iter();
            let measured = || rules.map(|(_, d)| d.measurement()).collect();
            self.slices.end(time, measured);
        }
    }

    /// Records values over time, if requested.
    #[inline(always)]
    fn note(&mut self) {
        if let Some(history) = &mut self.history {
            history.note(&self.timeline);
        }
    }

    /// Returns the report of the trace so far. Open intervals count up to now and are marked as lower bounds.
    pub fn report(&self, read: &Read<'_>) -> Report {
        let detectors = self.detectors_with_open_intervals();
        let verdicts = detectors.map(|(rule, detector)| (rule, detector.verdict(&self.timeline)));
        self.report_of(verdicts.collect(), read, false)
    }

    /// Returns copies of the detectors that have observed the open intervals as well.
    fn detectors_with_open_intervals(
        &self,
    ) -> impl Iterator<Item = (&'static Rule, Box<dyn Detector>)> + '_ {
        let open: Vec<_> = self.timeline.open_intervals(false).collect();
        self.seen.rules.enabled.iter().map(move |(rule, detector)| {
            let mut detector = detector.boxed_clone();
            for interval in open
                .iter()
                .filter(|i| rule.watches.intersects(i.kind.set()))
            {
                detector.interval(interval, &self.timeline);
            }
            self.seen.open(&mut *detector, &self.timeline, false);
            (*rule, detector)
        })
    }

    /// Returns the report and the profiles of a live trace since the last call, without repetition. An open interval is
    /// a finding once it crosses a threshold, and a measurement when it ends. With `last`, no events follow, and open
    /// intervals are measured as lower bounds.
    pub fn report_news(&mut self, read: &Read<'_>, last: bool) -> (Report, Option<Box<Profiles>>) {
        let t = &mut self.timeline;
        let due = t.now().saturating_sub(t.growing_since()) >= GROWTH;
        t.set_growing(!(last || due));
        let open = self.timeline.open_intervals(!last);
        let watched = self.seen.rules.watches;
        for interval in open.filter(|i| watched.intersects(i.kind.set())) {
            self.seen.rules.interval(&interval, &self.timeline);
        }
        self.seen.open_news(&self.timeline, !last);
        let verdicts = self.seen.rules.enabled.iter_mut().map(|(rule, detector)| {
            let verdict = detector.verdict(&self.timeline);
            detector.forget(&self.timeline);
            (*rule, verdict)
        });
        let verdicts = verdicts.collect();
        let report = self.report_of(verdicts, read, !last);
        let profiles = self.take_profiles(!last);
        self.timeline.start_stretch();
        self.seen.times = Times::default();
        self.seen.tasks.start_stretch();
        self.seen.requests.start_stretch();
        self.slices = Slices::new();
        if due {
            self.timeline.start_growth();
        }
        self.started = false;
        (report, profiles)
    }

    fn report_of(
        &self,
        verdicts: Vec<(&'static Rule, Verdict)>,
        read: &Read<'_>,
        under_way: bool,
    ) -> Report {
        let Read { stats, error, .. } = *read;
        let (start_time, now) = (self.start_time(), self.timeline.now());
        let mut rules = Vec::new();
        let mut all = Vec::new();
        for (i, (rule, mut verdict)) in verdicts.into_iter().enumerate() {
            if stats.without_clock > 0 {
                verdict = Verdict {
                    not_applicable: Some(WITHOUT_CLOCK.into()),
                    ..Verdict::default()
                };
            }
            rules.push(RuleReport {
                rule,
                thresholds: Some(self.settings.of(rule).thresholds),
                status: match (&verdict.not_applicable, verdict.found.is_empty()) {
                    (Some(_), _) => Status::NotApplicable,
                    (None, true) => Status::Ok,
                    (None, false) => Status::Found,
                },
                reason: verdict.not_applicable,
                spread: self.slices.spread(i, &verdict.measurement, now),
                measurement: verdict.measurement,
                by_reason: verdict.by_reason,
            });
            all.extend(verdict.found.into_iter().map(|found| (rule, found)));
        }
        let all = findings::findings(all, &self.timeline, start_time);
        let times = self.seen.times.up_to_now(&self.timeline, under_way);
        let (tasks, regions) = self
            .seen
            .tasks
            .report(&self.seen.chains, &self.timeline, under_way);
        let mut report = Report {
            trace: TraceInfo {
                source: read.source.into(),
                go_version: Some(format!("1.{}", read.version)),
                start_time,
                duration_ns: self.timeline.duration(),
                generations: stats.generations,
                events: stats.events,
                bytes: stats.bytes,
                lost_bytes: error.map_or(0, ReadError::lost_bytes),
                gomaxprocs: self.timeline.gomaxprocs(),
                error: error.map(ToString::to_string),
                warning: warning(read),
            },
            program: program::program(&self.timeline, times.program()),
            waits: times.waits(),
            tasks,
            regions,
            requests: self
                .seen
                .requests
                .report(&self.seen.chains, &self.timeline, under_way),
            goroutines: times.report(&self.timeline, self.settings.system),
            cpu_samples: cpu::cpu_samples(&self.timeline),
            rules,
            findings: all,
            course: self.history.as_ref().map(|h| h.course().clone()),
            moments: Vec::new(),
            suppressed: Vec::new(),
            known: 0,
            evidence: None,
        };
        suppress(&mut report, &self.settings.ignore, today());
        report
    }

    /// Returns the explanations of the custom rules, if the settings request them.
    pub fn explanations(&self) -> Vec<(&'static Rule, Explanation)> {
        let rules = self.detectors_with_open_intervals();
        let explained = rules.filter_map(|(rule, d)| Some((rule, d.explanation()?.clone())));
        explained.collect()
    }

    /// Returns the number of stack frames in memory, over all stacks.
    pub fn frames(&self) -> usize {
        self.timeline.stacks().frames_in_all()
    }

    /// Returns the wall-clock start of the reported time; `None` if the trace has no clock snapshot.
    fn start_time(&self) -> Option<Timestamp> {
        let s = self.snapshot?;
        let at_snapshot = Timestamp::new(s.wall_sec, i32::try_from(s.wall_nsec).ok()?).ok()?;
        let before = s.trace.checked_sub(self.timeline.stretch())?;
        at_snapshot
            .checked_sub(SignedDuration::from_nanos(before))
            .ok()
    }
}

/// Visitor that passes the events of one generation to the timeline.
struct TimelineVisitor<'a> {
    analysis: &'a mut Analysis,
    tables: &'a Tables,
}

impl EventVisitor for TimelineVisitor<'_> {
    #[inline(always)]
    fn transition(&mut self, transition: &Transition) {
        let Self { analysis, tables } = self;
        analysis.slice(transition.time);
        let seen = &mut analysis.seen;
        analysis.timeline.transition(transition, tables, seen);
        analysis.chain(transition);
        analysis.note();
    }

    #[inline(never)]
    fn rare_transition(&mut self, transition: &Transition) {
        self.transition(transition);
    }

    #[inline(always)]
    fn goroutine(&self, slot: Slot) -> GoId {
        self.analysis.timeline.goroutine_at(slot)
    }

    #[inline(always)]
    fn creation(&mut self, creation: &Creation) {
        let Self { analysis, tables } = self;
        analysis.slice(creation.time);
        let seen = &mut analysis.seen;
        analysis.timeline.creation(creation, tables, seen);
        analysis.chain_creation(creation);
        analysis.note();
    }

    fn event(&mut self, event: &Event) {
        self.analysis.event(event, self.tables);
    }

    fn pass(&mut self, time: Time) {
        self.analysis.timeline.pass(time);
    }

    fn unheeded(&mut self, time: Time) {
        let Self { analysis, .. } = self;
        analysis.timeline.unheeded(time, &mut analysis.seen);
    }
}
