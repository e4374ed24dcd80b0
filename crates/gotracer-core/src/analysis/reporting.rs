//! Reports of an analysis, at its end and of a live trace.

use jiff::{SignedDuration, Timestamp};

use super::slices::Slices;
use super::suppress::suppress;
use super::times::Times;
use super::{Analysis, Read, cpu, findings, program};
use crate::pprof::Profiles;
use crate::report::{Report, RuleReport, Status, TraceInfo};
use crate::rules::suppression::today;
use crate::rules::{Detector, Rule, Verdict};
use crate::timeline::Observer;
use crate::trace::ReadError;
use crate::trace::internal::is_newer;

/// Period over which the growth of the number of goroutines is counted in a live trace, ns. A service's load changes
/// within hours, which is no leak.
const GROWTH: i64 = 60 * 1_000_000_000;

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

impl Analysis {
    /// Returns the report of the trace so far. Open intervals count up to now and are marked as lower bounds.
    pub fn report(&self, read: &Read<'_>) -> Report {
        let detectors = self.detectors_with_open_intervals();
        let verdicts = detectors.map(|(rule, detector)| (rule, detector.verdict(&self.timeline)));
        self.report_of(verdicts.collect(), read, false)
    }

    /// Returns copies of the detectors that have observed the open intervals as well.
    pub(super) fn detectors_with_open_intervals(
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

    /// Returns the wall-clock start of the reported time; `None` if the trace has no clock snapshot.
    pub(super) fn start_time(&self) -> Option<Timestamp> {
        let s = self.snapshot?;
        let at_snapshot = Timestamp::new(s.wall_sec, i32::try_from(s.wall_nsec).ok()?).ok()?;
        let before = s.trace.checked_sub(self.timeline.stretch())?;
        at_snapshot
            .checked_sub(SignedDuration::from_nanos(before))
            .ok()
    }
}
