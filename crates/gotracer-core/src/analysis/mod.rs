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
mod outcome;
mod packed;
mod pipeline;
mod placement;
mod profiles;
mod program;
mod record;
mod reporting;
mod slices;
mod suppress;
mod times;
mod visitor;
mod whole;

pub use live::{Heard, follow};
pub use outcome::Outcome;
pub use pipeline::analyze_on_two_threads;
#[doc(hidden)]
pub use whole::analyze_plainly;
pub use whole::{Explanations, analyze, analyze_all, explain_rules};

use crate::rules::custom::Explanation;
use crate::rules::{Rule, Settings};
use crate::tasks::{Chains, IdKeys, Requests, Tasks};
use crate::timeline::{Creation, StackKey, Timeline, Transition};
use crate::trace::internal::Share;
use crate::trace::{
    ClockSnapshot, ErrorKind, Event, EventKind, ReadError, Reader, Stats, Tables, Time,
};
use event_batch::EventBatch;
use history::History;
use observers::{Observers, Rules};
use packed::Packed;
use slices::Slices;
use times::Times;
use visitor::{RecordingVisitor, TimelineVisitor};

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
        let enabled = enabled.filter(|(_, own)| own.enabled).collect();
        // Profiles add up all intervals.
        let rules = Rules::new(enabled, settings.profiles);
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
        let records = self.seen.profiles.is_some() || self.history.is_some();
        let mut visitor = TimelineVisitor {
            analysis: self,
            tables,
        };
        match records {
            true => events.unpack(&mut RecordingVisitor(visitor)),
            false => events.unpack(&mut visitor),
        }
    }

    #[inline(always)]
    fn event(&mut self, event: &Event, tables: &Tables) {
        if Tasks::handles(event) {
            self.timeline.unheeded(event.time, &mut self.seen);
            return self.user_event(event, tables);
        }
        if let EventKind::Sync { .. } = event.kind {
            self.seen.tasks.start_generation();
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
}
