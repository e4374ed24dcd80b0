//! Goroutines that stay in system calls for long.

use std::collections::HashMap;

use super::cause::Culprit;
use super::detector::{Description, Detector, Found, Group, Groups, Occurrence, Verdict};
use super::{
    Alert, Beside, Distribution, Lost, MS, Metric, Panel, Rule, RuleSettings, SECOND, Severity,
    Unit, function, times,
};
use crate::timeline::{FrameKey, Goroutine, Interval, Kind, Kinds, Outside, Timeline, is_c_call};
use crate::trace::GoId;
use crate::trace::internal::{of_map, of_vec};
use crate::units::{self, elapsed};

/// The registry's entry.
pub(super) static RULE: Rule = Rule {
    name: "BlockedOnSyscall",
    unit: Unit::Nanoseconds,
    brief: "goroutines that stay in a system call or a cgo call, but for those that wait \
        for input or a child process",
    summary: "Time that goroutines spend in a system call or a cgo call. Waits for a child \
        process, and for input or events by goroutines that do little else, are told apart. The \
        runtime's own threads (signal delivery) and C threads are not counted. An info says if more \
        than 64 goroutines (8 per P, if that is more) are in calls at once.",
    why: "The goroutine holds an operating system thread for all of it. Many such calls \
        mean many threads, and what waits for the goroutine waits for the disk, the \
        terminal or the C library.",
    advice: "Use the network poller where it works (net, os.Pipe, os.File deadlines), bound \
        how many such calls run at once, give them a deadline, or move slow disks and \
        C libraries behind a worker pool.",
    needs: "Syscall events: Go 1.11 and later. Before Go 1.22 only syscalls that lost \
        their processor say how long they took.",
    thresholds: times([
        (10 * MS, 100 * MS),
        (100 * MS, SECOND),
        (SECOND, 10 * SECOND),
    ]),
    percent_of: "",
    lost: Some(Lost {
        to: "syscalls",
        many: Some("goroutines were in syscalls"),
        counted: "goroutines",
    }),
    off_in: &[],
    watches: Kinds::SYSCALL.union(Kinds::SEMAPHORE),
    detector: new,
    settings: &[],
    metric: Metric {
        name: "gotrace_syscall",
        reading: "The rate of the sum by gotrace_observed_seconds_total is how many goroutines, and so \
            threads, are in system calls at any time.",
        about: "time in system and cgo calls",
        by_reason: None,
    },
    alert: Alert {
        percent: 50,
        hold: "15m",
        summary: "Goroutines of {program} stay in system calls",
        happened: "goroutines stayed in a system call or in C",
        gauge: None,
        meaning: "Goroutines stayed in a system call or a cgo call for longer than the threshold. Each \
            holds a thread of the operating system for all of it, and whatever waits for the \
            goroutine waits for the disk, the terminal or the C library.",
    },
    panel: Panel {
        sum: "goroutines in system calls",
        sum_unit: "short",
        beside: Beside::Sum,
    },
};

/// Tags of groups: the subject of the wait.
mod tag {
    /// The call itself: the kernel, a disk, a C library.
    pub(super) const CALL: u8 = 0;
    /// A child process, until it exits.
    pub(super) const CHILD: u8 = 1;
    /// A writer at the other end of a terminal or a pipe.
    pub(super) const WRITER: u8 = 2;
    /// Any of them, while more goroutines than usual are in calls.
    pub(super) const CROWD: u8 = 3;
}

/// The reasons in metrics, by tag.
const REASONS: [&str; 3] = ["call", "child_process", "input"];

/// Percentage of a goroutine's life from which its reads are waits for a writer.
const WAITS_FOR_WRITER: u64 = 90;
/// Minimum length of a read that counts, ns.
const SHORT: u64 = MS;

/// Read above the warn threshold. Whether it waited for a writer may show only later.
#[derive(Clone, Copy)]
struct Read {
    place: FrameKey,
    occurrence: Occurrence,
    ended: bool,
    /// Whether it waited for a writer, as far as was known at its end.
    waited: bool,
    /// Whether other goroutines waited for a lock that its goroutine held.
    locked: bool,
}

#[derive(Clone)]
struct BlockedOnSyscall {
    settings: RuleSettings,
    by_tag: [Distribution; REASONS.len()],
    groups: Groups,
    /// Calls while more goroutines than usual are in calls.
    crowd: Groups,
    reads: Vec<Read>,
    /// Time in reads by goroutine, ns.
    reading: HashMap<GoId, u64, foldhash::fast::RandomState>,
}

fn new(settings: RuleSettings) -> Box<dyn Detector> {
    Box::new(BlockedOnSyscall {
        settings,
        by_tag: Default::default(),
        groups: Groups::default(),
        crowd: Groups::default(),
        reads: Vec::new(),
        reading: HashMap::default(),
    })
}

impl Detector for BlockedOnSyscall {
    fn interval(&mut self, i: &Interval, t: &Timeline) {
        match i.kind {
            Kind::Syscall if t.is_programs_call(i) => self.call(i, t),
            Kind::Blocked(_) if !self.reads.is_empty() && t.waits_for_lock(i) => self.lock(i),
            _ => {}
        }
    }

    fn counts_calls_below(&self) -> Option<u64> {
        Some(SHORT.min(self.settings.thresholds.warn.value))
    }

    fn short_call(&mut self, g: &Goroutine, ns: u64, t: &Timeline) {
        let traits = t.stacks().traits(g.stack);
        if g.stack.is_some() && !traits.parked && !g.in_c {
            let tag = match traits.outside {
                Outside::Child => tag::CHILD,
                Outside::Kernel | Outside::Writer => tag::CALL,
            };
            self.by_tag[usize::from(tag)].record(ns);
        }
    }

    fn measurement(&self) -> Option<Distribution> {
        Some(self.by_tag[usize::from(tag::CALL)].clone())
    }

    fn verdict(&self, t: &Timeline) -> Verdict {
        let groups = self.with_reads(t);
        let mut found = groups.found(&self.settings.thresholds, |tag, group| {
            describe(tag, group, t)
        });
        found.extend(self.crowded(t));
        let seen = REASONS.iter().zip(&self.by_tag);
        let seen = seen.filter(|(_, d)| d.count() > 0);
        Verdict {
            measurement: self.by_tag[usize::from(tag::CALL)].clone(),
            by_reason: seen.map(|(&r, d)| (r.to_owned(), d.clone())).collect(),
            found,
            ..Verdict::default()
        }
    }

    fn forget(&mut self, t: &Timeline) {
        self.by_tag = Default::default();
        self.groups = Groups::default();
        self.crowd = Groups::default();
        self.reads.clear();
        self.reading.retain(|&g, _| t.find(g).is_some());
    }

    fn held(&self) -> u64 {
        self.groups.held() + self.crowd.held() + of_vec(&self.reads, 1) + of_map(&self.reading, 1)
    }

    fn boxed_clone(&self) -> Box<dyn Detector> {
        Box::new(self.clone())
    }
}

impl BlockedOnSyscall {
    /// Observes a call of the program.
    fn call(&mut self, i: &Interval, t: &Timeline) {
        let traits = t.stacks().traits(i.victim.stack);
        let tag = match traits.outside {
            Outside::Kernel => tag::CALL,
            Outside::Child => tag::CHILD,
            Outside::Writer if self.waits_for_writer(i, t) => tag::WRITER,
            Outside::Writer => tag::CALL,
        };
        if traits.outside == Outside::Writer && !i.under_way && i.duration() >= SHORT {
            let reading = self.reading.entry(i.victim.g).or_default();
            *reading = reading.saturating_add(i.duration());
        }
        if !i.under_way {
            self.by_tag[usize::from(tag)].record(i.duration());
        }
        let (place, occurrence) = (traits.place, Occurrence::of(i));
        if i.duration() >= SHORT && t.call_crowd().is_some() {
            let crowd = &mut self.crowd;
            crowd.add(place, tag::CROWD, &occurrence, || Culprit::Unknown);
        }
        if !self.settings.thresholds.crossed_by(i, i.duration(), t) {
            return;
        }
        let ended = !i.cut_at_end;
        if traits.outside == Outside::Writer {
            self.reads.push(Read {
                place,
                occurrence,
                ended,
                waited: tag == tag::WRITER,
                locked: false,
            });
        } else {
            self.groups.add(place, tag, &occurrence, || by(ended));
        }
    }

    /// Returns the info that many goroutines were in calls at the same time, if that lasted as long as the threshold.
    fn crowded(&self, t: &Timeline) -> Option<Found> {
        let crowd = t.call_crowd()?;
        let threshold = self.settings.thresholds.warn.value;
        if crowd.total < threshold {
            return None;
        }
        let groups = self.crowd.merged(Some);
        let mut group = groups.iter().next()?.clone();
        (group.count, group.open) = (crowd.count, 0);
        (group.worst, group.worst_span) = (crowd.total, crowd.span);
        group.total = crowd.total;
        (group.first, group.last) = crowd.span;
        Some(Found {
            severity: Severity::Info,
            threshold,
            variant: "many_threads".into(),
            message: format!(
                "{} goroutines were in system calls or C calls at once, each on a thread of its own; more than {} for {}",
                crowd.peak,
                crowd.limit,
                units::duration(crowd.total)
            ),
            cause: None,
            advice: Some(FEWER_THREADS),
            group,
        })
    }

    /// Returns whether a read waits for a writer: it spans the trace's start or end,
    /// or its goroutine has done little else so far.
    fn waits_for_writer(&self, i: &Interval, t: &Timeline) -> bool {
        i.is_cut() || i.duration() >= SHORT && self.mostly_reads(i.victim.g, i.duration(), t)
    }

    /// Returns whether a goroutine that exists does little but read.
    fn mostly_reads(&self, g: GoId, more: u64, t: &Timeline) -> bool {
        let before = self.reading.get(&g).copied().unwrap_or(0);
        let reading = units::total([before, more]);
        t.find(g).is_some_and(|g| {
            let life = elapsed(g.birth, t.now());
            u128::from(reading) * 100 >= u128::from(life) * u128::from(WAITS_FOR_WRITER)
        })
    }

    /// Marks reads of a lock's holder during a wait for the lock: they delayed others.
    fn lock(&mut self, wait: &Interval) {
        for read in &mut self.reads {
            let o = &read.occurrence;
            let meanwhile = o.start < wait.end && wait.start < o.end;
            read.locked |= meanwhile && o.victim.g == wait.by.g && wait.by.g.is_some();
        }
    }

    /// Returns all groups, with each read in the group of its subject.
    fn with_reads(&self, t: &Timeline) -> Groups {
        let mut groups = self.groups.clone();
        for read in &self.reads {
            let g = read.occurrence.victim.g;
            // Of a goroutine that ended, no more is known than at the read's end.
            let known = read.occurrence.open || t.find(g).is_none();
            let waited = match known {
                true => read.waited,
                false => self.mostly_reads(g, 0, t),
            };
            let tag = match waited && !read.locked {
                true => tag::WRITER,
                false => tag::CALL,
            };
            groups.add(read.place, tag, &read.occurrence, || by(read.ended));
        }
        groups
    }
}

fn by(ended: bool) -> Culprit {
    match ended {
        true => Culprit::Unknown,
        false => Culprit::GoesOn,
    }
}

/// Returns the texts of a group. Waits for child processes and input are informative.
fn describe<'a>(tag: u8, group: &Group, t: &Timeline) -> Description<'a> {
    let (g, worst) = (group.victim.g, units::duration(group.worst));
    let (call, is_c) = called(t, group);
    let returned = group.by != Culprit::GoesOn;
    let (variant, at_most, what) = match tag {
        tag::CHILD => (
            "child_process",
            Severity::Info,
            "waiting for a child process",
        ),
        tag::WRITER => ("input", Severity::Info, "waiting for input"),
        _ if is_c => ("", Severity::Error, "in a C call"),
        _ => ("", Severity::Error, "in a system call"),
    };
    Description {
        variant,
        message: if returned {
            format!("goroutine {g} was {what} for {worst}{call}")
        } else {
            format!("goroutine {g} is {what} for {worst}{call} and did not return")
        },
        cause: None,
        at_most,
        advice: (at_most == Severity::Info).then_some(WAITS),
    }
}

/// Advice for many calls at the same time.
const FEWER_THREADS: &str = "Limit how many such calls run at a time, for example with a semaphore. Each takes a \
    thread, and the program ends if it has 10,000 (debug.SetMaxThreads).";

/// Advice for waits that are meant to last.
const WAITS: &str =
    "Nothing, if the goroutine is there to wait. Give the wait a deadline if others depend on it.";

/// Returns the function called at the place, such as `syscall.Read`, if that says more than the place, and whether
/// it is C code.
fn called(t: &Timeline, group: &Group) -> (String, bool) {
    let stacks = t.stacks();
    let place = function(t, group.victim.stack);
    let frames = stacks.frames(group.victim.stack);
    let callee = frames.take_while(|f| f.function != place).last();
    match callee.map(|f| f.function) {
        Some(name) if !name.is_empty() => (format!(" ({name})"), is_c_call(name)),
        _ => (String::new(), is_c_call(place)),
    }
}
