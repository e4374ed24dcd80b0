//! Goroutines that wait long to send on a channel, or for an item of a pool.

use std::collections::HashMap;

use super::cause::{Cause, CauseKind, Culprit, in_the_end};
use super::detector::{Description, Detector, Group, Groups, Occurrence, Verdict};
use super::mutex_contention::did;
use super::mutex_contention::holders::{Holder, Waits};
use super::{
    Alert, Beside, Distribution, Limit, Lost, MS, Metric, Panel, Preset, Rule, RuleSettings,
    SECOND, Severity, Thresholds, Unit, function,
};
use crate::timeline::{FrameKey, Interval, Kind, Kinds, LONG, Owner, Pool, State, Timeline, Wait};
use crate::trace::internal::of_map;
use crate::units;

/// The registry's entry.
pub(super) static RULE: Rule = Rule {
    name: "ChannelBackpressure",
    unit: Unit::Nanoseconds,
    brief: "waits to send on a channel, or for a connection of a pool, who came late, and what \
        that did meanwhile",
    summary: "Time that goroutines wait to send on a channel, or for an item of a pool: connections \
        of database/sql and net/http, semaphores of golang.org/x/sync. Waits of a tenth of the warn \
        threshold and more are findings of severity info. Waits of less than 1 ms are not \
        measured. Waits to receive are not included, because idle workers wait to receive.",
    why: "The goroutine has something done and cannot pass it on, or cannot begin, because the next \
        stage is slower. Its caller waits as well, and items that are not passed on fill the \
        memory.",
    advice: "Make the receiver faster, add receivers, or drop items instead of waiting. The cause says \
        what the receiver did meanwhile. A buffer helps against bursts only. For a pool: hold its \
        items for a shorter time, or raise its limit.",
    needs: "Blocking events with stacks: Go 1.11 and later. Since Go 1.23 the trace also shows \
        waits that began before it.",
    thresholds: [limits(100 * MS), limits(SECOND), limits(10 * SECOND)],
    percent_of: "",
    lost: Some(Lost {
        to: "waiting to send on channels",
        many: Some("goroutines were waiting to send on channels"),
        counted: "goroutines",
    }),
    off_in: &[Preset::Batch],
    watches: Kinds::HANDOFF,
    detector: new,
    settings: &[],
    metric: Metric {
        name: "gotrace_backpressure",
        reading: "Waits of at least 1 ms. The rate of the sum by gotrace_observed_seconds_total is how \
            many goroutines wait to send or for a pool at any time.",
        about: "waits of at least 1 ms to send on a channel or for an item of a pool",
        by_reason: None,
    },
    alert: Alert {
        percent: 50,
        hold: "15m",
        summary: "Goroutines of {program} wait to send on a channel or for a pool",
        happened: "goroutines waited to send on a channel or for a connection of a pool",
        gauge: None,
        meaning: "Goroutines waited to send on a channel, or for an item of a pool, for longer than \
            the threshold. A later stage of the program is slower than the one before it, or a pool \
            is too small for the load.",
    },
    panel: Panel {
        sum: "goroutines waiting to send or for a pool",
        sum_unit: "short",
        beside: Beside::Sum,
    },
};

/// Ratio of the warn threshold to the threshold of findings of severity info.
const INFO: u64 = 10;

const fn limits(warn: u64) -> Thresholds {
    Thresholds {
        warn: Limit::value(warn),
        // Producers of a healthy pipeline wait by design.
        error: Limit::NEVER,
    }
}

/// Advice for pools.
const HOLD_SHORTER: &str = "Hold the items of the pool for a shorter time, or raise its limit (SetMaxOpenConns, \
    MaxConnsPerHost). For HTTP, a slow dial or a slow answer of the server has the same effect.";
/// Advice for goroutines that wait for a limit that the program set itself.
const LIMITED: &str =
    "Nothing, if the limit of the group is meant. Raise it (SetLimit) if the caller must not wait.";

/// Object of a wait: the tag of a group.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Object {
    Channel,
    Pool(Pool),
}

impl Object {
    const ALL: [Self; 5] = [
        Self::Channel,
        Self::Pool(Pool::Database),
        Self::Pool(Pool::Http),
        Self::Pool(Pool::Semaphore),
        Self::Pool(Pool::Group),
    ];

    /// Index in [`ALL`](Self::ALL).
    fn tag(self) -> u8 {
        match self {
            Self::Channel => 0,
            Self::Pool(Pool::Database) => 1,
            Self::Pool(Pool::Http) => 2,
            Self::Pool(Pool::Semaphore) => 3,
            Self::Pool(Pool::Group) => 4,
        }
    }

    /// Value of the label `reason`, and variant of findings.
    fn name(self) -> &'static str {
        match self {
            Self::Channel => "channel",
            Self::Pool(Pool::Database) => "database",
            Self::Pool(Pool::Http) => "http",
            Self::Pool(Pool::Semaphore) => "semaphore",
            Self::Pool(Pool::Group) => "group",
        }
    }

    /// End of "goroutine 7 waited …".
    fn words(self) -> String {
        match self {
            Self::Channel => "to send on a channel".into(),
            Self::Pool(pool) => format!("for {}", pool.words()),
        }
    }

    /// Action that ended the wait.
    fn ended_by(self) -> &'static str {
        match self {
            Self::Channel => "received",
            Self::Pool(Pool::Database | Pool::Http) => "passed the connection on",
            Self::Pool(Pool::Semaphore) => "released it",
            Self::Pool(Pool::Group) => "ended",
        }
    }
}

#[derive(Clone)]
struct ChannelBackpressure {
    settings: RuleSettings,
    by_object: [Distribution; Object::ALL.len()],
    groups: Groups,
    waits: Waits,
    /// Goroutine that delayed the worst wait, for each group with a wait that began or ended within the trace.
    late: HashMap<(FrameKey, u8), Option<Holder>, foldhash::fast::RandomState>,
}

fn new(settings: RuleSettings) -> Box<dyn Detector> {
    Box::new(ChannelBackpressure {
        settings,
        by_object: Default::default(),
        groups: Groups::default(),
        waits: Waits::default(),
        late: HashMap::default(),
    })
}

/// Returns the object of a wait that the rule covers.
fn object(i: &Interval, t: &Timeline) -> Option<Object> {
    let traits = t.stacks().traits(i.victim.stack);
    match i.kind {
        Kind::Blocked(Wait::Pool) => traits.waits.pool.map(Object::Pool),
        // The standard library's own goroutines send by design. A select waits to send if a receiver ends it.
        Kind::Blocked(Wait::Send) if traits.own => Some(Object::Channel),
        Kind::Blocked(Wait::Select) if traits.own && !i.cut_at_end => {
            let receives = t.stacks().traits(i.by.stack).receives;
            receives.then_some(Object::Channel)
        }
        _ => None,
    }
}

impl Detector for ChannelBackpressure {
    fn interval(&mut self, i: &Interval, t: &Timeline) {
        if i.owner != Owner::Program || i.duration() < LONG as u64 {
            return;
        }
        let Some(object) = object(i, t) else {
            return;
        };
        if !i.under_way {
            self.by_object[usize::from(object.tag())].record(i.duration());
        }
        let crosses = |limits: &Thresholds| limits.crossed_by(i, i.duration(), t);
        if crosses(&self.levels()) || crosses(&self.settings.thresholds) {
            self.long(i, object, t);
        }
        if !i.cut_at_end {
            self.waits.add(i, t);
        }
    }

    fn measurement(&self) -> Option<Distribution> {
        Some(Distribution::of_all(&self.by_object))
    }

    fn verdict(&self, t: &Timeline) -> Verdict {
        let seen = Object::ALL.into_iter().zip(&self.by_object);
        let seen = seen.filter(|(_, d)| d.count() > 0);
        let found = self.groups.found(&self.levels(), |tag, group| {
            let object = Object::ALL[usize::from(tag)];
            let (g, worst) = (group.victim.g, units::duration(group.worst));
            let ended = group.by != Culprit::GoesOn;
            let late = self.late.get(&(group.place, tag)).and_then(Option::as_ref);
            Description {
                variant: match object {
                    Object::Channel => "",
                    Object::Pool(_) => object.name(),
                },
                message: match ended {
                    true => format!("goroutine {g} waited {worst} {}", object.words()),
                    false => format!(
                        "goroutine {g} waits {} for {worst}, and nothing ended the wait",
                        object.words()
                    ),
                },
                cause: late.map(|late| cause(late, group, object, t)),
                at_most: self.severity(object, group, tag),
                advice: match object {
                    Object::Channel => None,
                    Object::Pool(Pool::Group) => Some(LIMITED),
                    Object::Pool(_) => Some(HOLD_SHORTER),
                },
            }
        });
        Verdict {
            measurement: self.measurement().unwrap_or_default(),
            by_reason: seen
                .map(|(object, d)| (object.name().to_owned(), d.clone()))
                .collect(),
            found,
            ..Verdict::default()
        }
    }

    fn forget(&mut self, t: &Timeline) {
        self.by_object = Default::default();
        self.groups = Groups::default();
        self.late.clear();
        self.waits.forget(t);
    }

    fn held(&self) -> u64 {
        self.groups.held() + of_map(&self.late, 1) + self.waits.held()
    }

    fn boxed_clone(&self) -> Box<dyn Detector> {
        Box::new(self.clone())
    }
}

impl ChannelBackpressure {
    /// Thresholds one severity down: a finding of severity info crosses `warn`, one of severity warn crosses `error`.
    fn levels(&self) -> Thresholds {
        let warn = self.settings.thresholds.warn;
        Thresholds {
            warn: Limit::value(warn.value / INFO),
            error: warn,
        }
    }

    /// Returns the severity of a group.
    fn severity(&self, object: Object, group: &Group, tag: u8) -> Severity {
        // A goroutine that waits for the whole trace may be there to be asked, like a generator.
        let meant =
            object == Object::Pool(Pool::Group) || !self.late.contains_key(&(group.place, tag));
        match self.settings.thresholds.judge(group.worst) {
            Some((severity, _)) if !meant => severity,
            _ => Severity::Info,
        }
    }

    /// Adds a wait that crosses a threshold.
    fn long(&mut self, i: &Interval, object: Object, t: &Timeline) {
        let place = t.stacks().traits(i.victim.stack).place;
        let (tag, ended) = (object.tag(), !i.cut_at_end);
        let (waits, late) = (&self.waits, &mut self.late);
        if ended || !i.cut_at_start {
            late.entry((place, tag)).or_default();
        }
        // Only evaluated for the worst wait.
        let by = || {
            if let Some(late) = late.get_mut(&(place, tag)) {
                *late = waits.holder(i, t).filter(|_| ended);
            }
            match ended {
                true => Culprit::Goroutine(i.by),
                false => Culprit::GoesOn,
            }
        };
        let group = self.groups.add(place, tag, &Occurrence::of(i), by);
        group.ended_as(t.in_the_end(i, t.state(i.victim.g).unwrap_or(State::Other)));
    }
}

/// Returns the cause of a wait: the goroutine that came late, and what it did meanwhile.
fn cause(late: &Holder, group: &Group, object: Object, t: &Timeline) -> Cause {
    let Holder {
        by,
        held,
        doing,
        alike,
        stalled,
        ..
    } = *late;
    let (g, place, ended) = (by.g, function(t, by.stack), object.ended_by());
    let length = units::duration(held);
    let mut text = match alike {
        _ if held >= group.worst => format!("goroutine {g} {ended} in {place}"),
        1 => format!("goroutine {g} delayed it for {length} of that, until it {ended} in {place}"),
        n => format!(
            "{n} goroutines delayed it one after the other, goroutine {g} longest: for {length}, \
             until it {ended} in {place}"
        ),
    };
    if stalled > 0 {
        let part = units::duration(stalled);
        text += &format!("; the process did not run for {part} of the wait");
    }
    if let Some((doing, ns)) = doing {
        let part = units::duration(ns.min(held));
        text += &format!("; before that it {} for {part}", did(doing));
    }
    if let Some(end) = group
        .in_the_end
        .and_then(|leaves| in_the_end(&leaves, doing.map(|(doing, _)| doing)))
    {
        text += &format!("; {end}");
    }
    Cause {
        kind: match object {
            Object::Channel => CauseKind::ReceivedLate,
            Object::Pool(_) => CauseKind::HeldBy,
        },
        text,
        actor: by,
    }
}
