//! Analysis of one trace of a target's stream.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use parking_lot::Mutex;

use super::dedup::Dedup;
use super::duty::DutyCycle;
use super::evidence_window::EvidenceWindow;
use super::gaps::Gaps;
use super::metered_reader::{Bytes, SharedRing};
use crate::analysis::{Heard, follow};
use crate::daemon::pipeline::{Pipeline, Thresholds};
use crate::daemon::target_table::{Last, TargetTable};
use crate::export::{Gap, Metrics, Stream};
use crate::source::scrape::{Options, Target};
use crate::trace::{Allowance, Input, ReadError};

/// Reason to end a trace early.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Cut {
    /// The trace exceeds the target's byte budget.
    Budget,
    /// The rule settings or evidence settings changed.
    Renewal,
}

/// Parts of the daemon that a stream uses.
#[derive(Clone)]
pub(crate) struct Parts {
    /// Pipeline that the stream reports to.
    pub pipeline: Arc<Pipeline>,
    /// Metrics of the stream.
    pub metrics: Arc<Metrics>,
    /// Table of the targets.
    pub table: Arc<TargetTable>,
}

/// State that outlives the single traces of a target.
pub(super) struct Session {
    parts: Parts,
    target: Target,
    limit: u64,
    gaps: Gaps,
    duty_cycle: DutyCycle,
    dedup: Dedup,
    window: Option<EvidenceWindow>,
}

impl Session {
    /// Creates the session of a target before its first trace.
    pub(super) fn new(parts: Parts, target: &Target, options: &Options) -> Self {
        let duty_cycle = DutyCycle::new(options.stream_budget);
        let metrics = &parts.metrics;
        metrics.stream(&target.labels, |s| s.duty = duty_cycle.duty());
        Self {
            parts,
            target: target.clone(),
            limit: options.limit,
            gaps: Gaps::default(),
            duty_cycle,
            dedup: Dedup::default(),
            window: None,
        }
    }

    /// Whether the byte budget limits the target to a part of the time.
    pub(super) fn is_limited(&self) -> bool {
        self.duty_cycle.is_limited()
    }

    /// Returns the pause that the byte budget requires.
    pub(super) fn pause(&mut self) -> Duration {
        let pause = self.duty_cycle.pause();
        let duty = self.duty_cycle.duty();
        self.count(|s| s.duty = duty);
        pause
    }

    /// Marks the target as down.
    pub(super) fn disconnected(&self) {
        self.count(|s| s.connected = false);
    }

    fn count(&self, change: impl FnOnce(&mut Stream)) {
        self.parts.metrics.stream(&self.target.labels, change);
    }

    /// Starts a gap.
    pub(super) fn interrupted(&mut self, why: Gap) {
        if self.gaps.begin(why) {
            self.count(|s| s.gaps[why as usize].0 += 1);
        }
        self.gap_goes_on();
    }

    /// Adds the time that passed in the current gap.
    pub(super) fn gap_goes_on(&mut self) {
        let more = self.gaps.go_on(Instant::now());
        self.count_gap(more);
    }

    fn count_gap(&self, more: Option<(Gap, Duration)>) {
        if let Some((why, time)) = more {
            self.count(|s| s.gaps[why as usize].1 += time);
        }
    }

    /// Publishes a generation; `first` marks the first one of a trace. Returns whether to continue.
    fn hear(&mut self, mut heard: Heard, first: bool) -> bool {
        let (now, at) = (Instant::now(), SystemTime::now());
        let findings = std::mem::take(&mut heard.report.findings);
        heard.report.findings = self.dedup.fold(findings, now, heard.last);
        let trace = heard.report.trace.clone();
        let (bytes, lasted) = (trace.bytes, Duration::from_nanos(trace.duration_ns));
        let window = trace.window(at);
        let delay = trace
            .start_time
            .and_then(|_| at.duration_since(window.1).ok());
        if !heard.last {
            let gap = self.gaps.see(window, now);
            self.count_gap(gap);
            let last = Last {
                at,
                took: delay.unwrap_or_default(),
                failure: None,
            };
            self.parts.table.captured(&self.target, last);
        }
        let source = self.target.url().to_string();
        let labels = &self.target.labels;
        if let Some(window) = &mut self.window {
            let asked = self.parts.table.take_request(&self.target);
            let analyzer = self.parts.pipeline.analyzer();
            window.hear(analyzer, labels, &mut heard, asked);
        }
        let delay = delay.filter(|_| !heard.last);
        let ends = (first, heard.last);
        let pipeline = &self.parts.pipeline;
        let result = (heard.report, heard.profiles);
        pipeline.publish_generation(labels, source, result, (at, delay), ends);
        heard.last || self.duty_cycle.add(bytes, lasted)
    }
}

/// Analysis of one trace, generation by generation.
pub(super) struct Listener {
    session: Arc<Mutex<Session>>,
    thresholds: Arc<Thresholds>,
    bytes: Arc<Bytes>,
    ring: Option<SharedRing>,
    cut: Option<Cut>,
}

impl Listener {
    /// Creates a listener that publishes through the session and keeps evidence within `memory`.
    pub(super) fn new(session: Arc<Mutex<Session>>, memory: Allowance) -> Self {
        let (thresholds, bytes, ring) = {
            let mut session = session.lock();
            let evidence = session.parts.pipeline.evidence();
            session.window = evidence.map(|evidence| EvidenceWindow::new(evidence, memory));
            let ring = session.window.as_ref().map(EvidenceWindow::ring);
            session.count(|s| s.connected = true);
            let bytes = Arc::new(Bytes::new(session.limit));
            let thresholds = session.parts.pipeline.analyzer().thresholds();
            (thresholds, bytes, ring)
        };
        Self {
            session,
            thresholds,
            bytes,
            ring,
            cut: None,
        }
    }

    /// Returns the byte limit of its input.
    pub(super) fn bytes(&self) -> Arc<Bytes> {
        Arc::clone(&self.bytes)
    }

    /// Returns the ring buffer that records its input, if evidence is enabled.
    pub(super) fn ring(&self) -> Option<SharedRing> {
        self.ring.clone()
    }

    /// Returns why the listener ended the trace, if it did.
    pub(super) fn cut(&self) -> Option<Cut> {
        self.cut
    }

    /// Whether the settings of this analysis are still in force.
    fn is_wanted(&self, pipeline: &Pipeline) -> bool {
        let evidence = pipeline.evidence();
        let evidence = evidence.as_ref();
        let window = |session: &Session| match &session.window {
            Some(window) => window.is_wanted(evidence),
            None => evidence.is_none(),
        };
        let thresholds = pipeline.analyzer().thresholds();
        Arc::ptr_eq(&self.thresholds, &thresholds) && window(&self.session.lock())
    }

    /// Analyzes a trace to its end.
    ///
    /// # Errors
    /// If the input is no trace or is truncated.
    pub(super) fn listen(&mut self, input: Input<'_>) -> Result<(), ReadError> {
        let (source, labels, pipeline) = {
            let session = self.session.lock();
            let target = &session.target;
            let source = target.url().to_string();
            (
                source,
                Arc::clone(&target.labels),
                Arc::clone(&session.parts.pipeline),
            )
        };
        let thresholds = Arc::clone(&self.thresholds);
        let settings = thresholds.of(&labels);
        let mut first = true;
        follow(input, &source, settings, |heard| {
            self.bytes.analysed(heard.end);
            let last = heard.last;
            let within = self.session.lock().hear(heard, std::mem::take(&mut first));
            if !last && !within {
                self.cut = Some(Cut::Budget);
            } else if !last && !self.is_wanted(&pipeline) {
                self.cut = Some(Cut::Renewal);
            }
            self.cut.is_none()
        })
    }
}
