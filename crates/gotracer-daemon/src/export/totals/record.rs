//! Adds reports to the totals.

use std::time::{Duration, Instant, SystemTime};

use super::spans::{self, Seen};
use super::{Limits, Series, Spans, Totals, exemplar, functions, last};
use crate::report::{Creations, Finding, Report, RuleReport, Severity};
use crate::units;

/// A finding is extreme from this many times the threshold for errors.
const EXTREME: u64 = 10;
/// Intervals without a trace after which gauges end: three failed captures, and the duration of the
/// next one.
const STALE_AFTER: u32 = 4;

impl Totals {
    /// Adds the report of a trace.
    pub fn record(&mut self, report: &Report, took: Duration, at: SystemTime, limits: &Limits<'_>) {
        self.traces += 1;
        self.analysis.record(took.as_nanos() as u64);
        self.record_part(report, at, limits);
    }

    /// Adds the report of a part of a trace.
    pub fn record_part(&mut self, report: &Report, at: SystemTime, limits: &Limits<'_>) {
        self.reserve_others(&limits.series);
        let trace = &report.trace;
        self.bytes += trace.bytes;
        self.lost_bytes += trace.lost_bytes;
        self.events += trace.events;
        self.observed += Duration::from_nanos(trace.duration_ns);
        self.last_success = Some(at);
        let fresh = self
            .interval
            .map(|interval| interval.saturating_mul(STALE_AFTER));
        self.stale_at = fresh.and_then(|fresh| Instant::now().checked_add(fresh));
        for rule in &report.rules {
            match self.measurements.get_mut(rule.rule.index()) {
                Some(measurements) => {
                    measurements.merge(&rule.measurement);
                    self.record_reasons(rule, limits);
                }
                None => self.record_custom(rule, limits),
            }
        }
        for finding in &report.findings {
            self.record_finding(finding, report.evidence.as_deref(), at);
        }
        let (births, room) = (&self.births, &mut self.room);
        let (birth, admit) = (|| births.with_a_trace(), || room.admit(1, limits));
        self.suppressed.record(&report.suppressed, birth, admit);
        self.time += report.program.time;
        let pressure = report.program.sched_pressure.unwrap_or_default();
        self.pressure.some_ns = self.pressure.some_ns.saturating_add(pressure.some_ns);
        self.pressure.full_ns = self.pressure.full_ns.saturating_add(pressure.full_ns);
        for (state, waits) in &report.waits {
            self.waits[state.index()].merge(waits);
        }
        if let Some(cpu) = &report.cpu_samples {
            self.running += Duration::from_nanos(cpu.running_ns);
            self.on_cpu += Duration::from_nanos(cpu.on_cpu_ns);
        }
        let goroutines = &report.program.goroutines;
        self.created.add(goroutines.created, goroutines.exited);
        self.record_places(&goroutines.places, limits);
        self.record_spans(report, at, limits);
        let (known, groups) = (&mut self.functions, &report.goroutines);
        let place = (&mut self.room, limits);
        functions::record(known, groups, at, &self.births, place);
        last::record(&mut self.last, report, at);
    }

    fn record_custom(&mut self, report: &RuleReport, limits: &Limits<'_>) {
        let mut known = std::mem::take(&mut self.custom);
        let births = self.births.clone();
        let admit = || self.room.admit(limits.series.custom, limits);
        if let Some(rule) = known.entry(report, || births.with_a_trace(), admit) {
            rule.record(report);
        }
        self.custom = known;
    }

    fn record_reasons(&mut self, report: &RuleReport, limits: &Limits<'_>) {
        let series = limits.series.reasons.get(report.rule.index());
        let Some(&series) = series.filter(|series| **series > 0) else {
            return;
        };
        let mut known = std::mem::take(&mut self.by_reason[report.rule.index()]);
        let births = self.births.clone();
        for (reason, values) in &report.by_reason {
            let birth = || births.with_a_trace();
            let total = known.entry(reason, series, birth, &mut self.room, limits);
            if let Some(total) = total {
                total.merge(values);
            }
        }
        self.by_reason[report.rule.index()] = known;
    }

    fn record_places(&mut self, places: &[Creations], limits: &Limits<'_>) {
        let limit = limits.settings.goroutine_places;
        if limit == 0 {
            return;
        }
        let mut known = std::mem::take(&mut self.places);
        let births = self.births.clone();
        for creations in places {
            // Created and ended.
            let admit = || self.room.admit(2, limits);
            known.count(creations, limit, &births, admit);
        }
        self.places = known;
    }

    fn record_spans(&mut self, report: &Report, at: SystemTime, limits: &Limits<'_>) {
        let seen_tasks = report.tasks.iter().map(|task| Seen {
            name: &task.name,
            duration: &task.duration,
            time: &task.time,
            slowest: task.slowest.first(),
        });
        let regions = report.regions.iter().map(|region| Seen {
            name: &region.name,
            duration: &region.duration,
            time: &region.time,
            slowest: region.slowest.first(),
        });
        let requests = report.requests.iter().map(|request| Seen {
            name: &request.handler,
            duration: &request.duration,
            time: &request.time,
            slowest: request.slowest.first(),
        });
        let times = (report.trace.start_time.map(units::system_time), at);
        // Handlers come first, because they have the fewest series.
        let mut known = std::mem::take(&mut self.requests);
        let series = limits.series.requests;
        self.record_kind(&mut known, requests, (&[], series), times, limits);
        self.requests = known;
        let mut known = std::mem::take(&mut self.tasks);
        let series = limits.series.tasks;
        self.record_kind(
            &mut known,
            seen_tasks,
            (&limits.settings.task_types, series),
            times,
            limits,
        );
        self.tasks = known;
        let mut known = std::mem::take(&mut self.regions);
        let series = limits.series.regions;
        self.record_kind(&mut known, regions, (&[], series), times, limits);
        self.regions = known;
    }

    /// Records the types of a kind, each of which has `series` series. A kind without series is
    /// not exposed.
    fn record_kind<'r>(
        &mut self,
        known: &mut Spans,
        seen: impl Iterator<Item = Seen<'r>>,
        (names, series): (&[String], usize),
        times: (Option<SystemTime>, SystemTime),
        limits: &Limits<'_>,
    ) {
        known.forget(times.1, &mut self.room);
        if series == 0 {
            return;
        }
        let births = self.births.clone();
        for seen in seen {
            let room = (&mut self.room, limits);
            spans::record(known, seen, (names, series), times, &births, room);
        }
    }

    /// Keeps room for the label value `other` of every family that may need it.
    fn reserve_others(&mut self, series: &Series) {
        let reasons = series.reasons.iter().zip(&self.by_reason);
        let reasons = reasons.map(|(series, known)| (*series, known.has_other()));
        let kinds = [
            (series.tasks, self.tasks.has_other()),
            (series.regions, self.regions.has_other()),
            (series.requests, self.requests.has_other()),
        ];
        let missing = reasons.chain(kinds).filter(|(_, has_other)| !has_other);
        self.room.reserve(missing.map(|(series, _)| series).sum());
    }

    pub(super) fn record_finding(
        &mut self,
        finding: &Finding,
        evidence: Option<&str>,
        at: SystemTime,
    ) {
        let severity = Severity::ALL.iter().position(|s| *s == finding.severity);
        let index = finding.rule.index();
        let (by_severity, extreme) = match self.findings.get_mut(index) {
            Some(by_severity) => (by_severity, &mut self.extreme[index]),
            None => match self.custom.get_mut(finding.rule.name) {
                Some(custom) => (&mut custom.findings, &mut custom.extreme),
                // The limit of series leaves no room for the rule.
                None => return,
            },
        };
        let findings = &mut by_severity[severity.unwrap_or(0)];
        findings.count += 1;
        findings.exemplar = Some(Box::new(exemplar(finding, evidence, at)));
        let limit = finding.threshold.saturating_mul(EXTREME);
        if finding.severity == Severity::Error && limit > 0 && finding.worst >= limit {
            *extreme += 1;
        }
    }
}
