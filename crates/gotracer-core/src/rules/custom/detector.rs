//! Detector of custom rules.

use super::matching::{Candidate, Explanation, Matcher};
use super::runs::Runs;
use super::{Activity, Definition, Subject, Value};
use crate::rules::blocked_on_syscall::is_programs;
use crate::rules::cause::Culprit;
use crate::rules::detector::{Description, Detector, Group, Groups, Occurrence, Verdict};
use crate::rules::{Distribution, RuleSettings, SECOND, Severity, Thresholds};
use crate::timeline::{Actor, FrameKey, Goroutine, Interval, Kind, Owner, Timeline};
use crate::trace::{GoState, Time};
use crate::units::{self, elapsed};

/// Maximum number of names with findings of their own at one place. Further ones share a finding.
const NAMES: usize = u8::MAX as usize;
/// Shortest time over which a rate is measured, ns. Rates over less are chance.
const LEAST: u64 = SECOND;

/// Creates the detector of the custom rule that the settings belong to.
///
/// # Panics
/// Never: without a definition the detector observes nothing.
pub fn new(settings: RuleSettings) -> Box<dyn Detector> {
    match settings.custom {
        Some(definition) => Box::new(Custom::new(definition, &settings)),
        None => Box::new(Undefined),
    }
}

/// Occurrence of the rule's subject.
struct Seen<'a> {
    name: &'a str,
    actor: Actor,
    place: FrameKey,
    start: Time,
    end: Time,
    /// Value for thresholds on single occurrences, ns.
    value: u64,
    /// Whether the trace's start or end cuts it off.
    cut: bool,
    /// Whether it had not ended at the trace's end.
    open: bool,
    /// Whether it continues after the report.
    under_way: bool,
}

#[derive(Clone)]
struct Custom {
    definition: &'static Definition,
    thresholds: Thresholds,
    matcher: Matcher,
    runs: Runs,
    /// Durations, of rules on single occurrences.
    durations: Distribution,
    /// Names of activities, by tag of their groups.
    names: Vec<String>,
    groups: Groups,
    /// Whether the trace has the subject at all.
    any: bool,
    /// Sum of the durations, ns.
    sum: u64,
    count: u64,
    /// Time before the last report that no verdict covers, because it was too short for a rate, ns.
    before: u64,
}

impl Custom {
    fn new(definition: &'static Definition, settings: &RuleSettings) -> Self {
        Self {
            definition,
            thresholds: settings.thresholds,
            matcher: Matcher::new(definition, settings.explain),
            runs: Runs::default(),
            durations: Distribution::default(),
            names: Vec::new(),
            groups: Groups::default(),
            any: false,
            sum: 0,
            count: 0,
            before: 0,
        }
    }

    /// Tag of the groups of a name.
    fn tag(&mut self, name: &str) -> u8 {
        if name.is_empty() {
            return 0;
        }
        let known = self.names.iter().position(|known| known == name);
        let index = known.unwrap_or_else(|| {
            if self.names.len() < NAMES {
                self.names.push(name.into());
            }
            self.names.len() - 1
        });
        u8::try_from(index).unwrap_or(u8::MAX)
    }

    /// Name that a tag stands for.
    fn name(&self, tag: u8) -> &str {
        self.names.get(usize::from(tag)).map_or("", String::as_str)
    }

    fn see(&mut self, seen: &Seen<'_>, crossed: impl FnOnce(&Thresholds) -> bool, t: &Timeline) {
        let value = match self.definition.value {
            Value::Duration | Value::Cpu => {
                if !seen.under_way {
                    self.durations.record(seen.value);
                }
                if !crossed(&self.thresholds) {
                    return;
                }
                seen.value
            }
            // A stream reports the part since the last report.
            Value::Share => match within(seen, t) {
                0 => return,
                part => part,
            },
            Value::CountPerSecond if seen.under_way => return,
            Value::CountPerSecond => within(seen, t),
        };
        self.sum = self.sum.saturating_add(value);
        self.count += 1;
        let occurrence = Occurrence {
            value,
            start: seen.start,
            end: seen.end,
            open: seen.cut,
            victim: seen.actor,
        };
        let tag = self.tag(seen.name);
        let by = match seen.open {
            true => Culprit::GoesOn,
            false => Culprit::Unknown,
        };
        self.groups.add(seen.place, tag, &occurrence, || by);
    }

    /// Observes an interval, or the run before it.
    fn observe(&mut self, i: &Interval, t: &Timeline) {
        if i.owner != Owner::Program {
            return;
        }
        let (start, end, waiting) = match (self.definition.subject, i.kind) {
            (Subject::Wait, Kind::Blocked(_)) => {
                let waiting = t.find(i.victim.g).map(|g| g.waiting);
                (i.start, i.end, waiting.or(Some(Default::default())))
            }
            (Subject::Syscall, Kind::Syscall) if is_programs(i, t) => (i.start, i.end, None),
            (Subject::Running, _) => match self.runs.interval(i, t) {
                Some((start, end)) => (start, end, None),
                None => return,
            },
            _ => return,
        };
        let is_run = self.definition.subject == Subject::Running;
        // A waiter without a stack is placed at the goroutine that woke it.
        let stack = match i.victim.stack.is_some() || is_run {
            true => i.victim.stack,
            false => i.by.stack,
        };
        let place = t.stacks().traits(stack).place;
        let candidate = Candidate {
            name: "",
            waiting,
            function: t.stacks().get(place).function,
            stack,
        };
        self.any = true;
        if !self.matcher.matches(&candidate, t) {
            return;
        }
        let value = elapsed(start, end);
        let seen = Seen {
            name: "",
            actor: i.victim,
            place,
            start,
            end,
            value,
            cut: i.is_cut() && !is_run,
            open: i.cut_at_end && !is_run,
            under_way: i.under_way,
        };
        match is_run {
            true => self.see(&seen, |limits| limits.judge(value).is_some(), t),
            false => self.see(&seen, |limits| limits.crossed_by(i, value, t), t),
        }
    }

    /// Observes a run that no interval ends.
    fn run(&mut self, actor: Actor, (start, end): (Time, Time), open: bool, t: &Timeline) {
        let place = t.stacks().traits(actor.stack).place;
        let candidate = Candidate {
            name: "",
            waiting: None,
            function: t.stacks().get(place).function,
            stack: actor.stack,
        };
        self.any = true;
        if !self.matcher.matches(&candidate, t) {
            return;
        }
        let value = elapsed(start, end);
        let seen = Seen {
            name: "",
            actor,
            place,
            start,
            end,
            value,
            cut: open,
            open,
            under_way: false,
        };
        self.see(&seen, |limits| limits.judge(value).is_some(), t);
    }

    /// Observed time, ns.
    fn window(&self, t: &Timeline) -> u64 {
        self.before.saturating_add(t.duration())
    }

    /// Rate of a sum and a count over the observed time, in the value's unit.
    fn rate(&self, sum: u64, count: u64, t: &Timeline) -> u64 {
        let window = u128::from(self.window(t).max(1));
        let (part, whole) = match self.definition.value {
            Value::Share => {
                let ps = match self.definition.subject {
                    Subject::Running => u128::from(t.gomaxprocs().unwrap_or(1).max(1)),
                    _ => 1,
                };
                (u128::from(sum) * 1_000_000, window * ps)
            }
            _ => (u128::from(count) * 1_000 * u128::from(SECOND), window),
        };
        u64::try_from((part + whole / 2) / whole).unwrap_or(u64::MAX)
    }

    /// Reason why the trace holds no evidence, if it holds none.
    fn not_applicable(&self, t: &Timeline) -> Option<String> {
        let subject = self.definition.subject;
        if !self.any && subject.is_activity() {
            return Some(match subject {
                Subject::Request => {
                    "no request of a net/http or gRPC server ended in the trace".into()
                }
                Subject::Log => "the trace has no logs of runtime/trace".into(),
                _ => format!("no {} of runtime/trace ended in the trace", subject.name()),
            });
        }
        let short = self.definition.value.is_rate() && self.window(t) < LEAST;
        short.then(|| {
            let length = units::duration(self.window(t));
            format!("the trace is {length} long, and rates need at least 1 s")
        })
    }

    /// The sentence about a group.
    fn message(&self, tag: u8, group: &Group, t: &Timeline) -> String {
        let definition = self.definition;
        let subject = definition.subject;
        let name = match self.name(tag) {
            "" => String::new(),
            name => format!(" {name}"),
        };
        let (g, worst) = (group.victim.g, group.worst);
        match definition.value {
            Value::CountPerSecond => {
                let what = match subject.is_activity() {
                    true => format!("{}{name}", subject.plural()),
                    false => subject.plural().into(),
                };
                let (rate, window) = (worst as f64 / 1e3, units::duration(self.window(t)));
                format!("{what}: {rate:.1} per second over {window}")
            }
            Value::Share => {
                let share = worst as f64 / 1e4;
                match subject {
                    Subject::Running => format!("running took {share:.1} % of the time of all Ps"),
                    _ => format!("{}{name} took {share:.1} % of the time", subject.plural()),
                }
            }
            Value::Cpu => {
                let ns = units::duration(worst);
                format!("{}{name} ran for {ns}", subject.name())
            }
            Value::Duration => {
                let ns = units::duration(worst);
                let ended = group.by != Culprit::GoesOn;
                match (subject, ended) {
                    (Subject::Wait, true) => format!("goroutine {g} waited {ns}"),
                    (Subject::Wait, false) => format!("goroutine {g} waits for {ns}"),
                    (Subject::Syscall, true) => {
                        format!("goroutine {g} was in a system call for {ns}")
                    }
                    (Subject::Syscall, false) => {
                        format!("goroutine {g} is in a system call for {ns}")
                    }
                    (Subject::Running, _) => format!("goroutine {g} ran for {ns} without a break"),
                    (_, true) => format!("{}{name} took {ns}", subject.name()),
                    (_, false) => {
                        format!("{}{name} takes {ns} and did not end", subject.name())
                    }
                }
            }
        }
    }
}

/// Part of an occurrence since the last report, ns.
fn within(seen: &Seen<'_>, t: &Timeline) -> u64 {
    t.since_stretch(seen.end)
        .saturating_sub(t.since_stretch(seen.start))
}

impl Detector for Custom {
    fn interval(&mut self, i: &Interval, t: &Timeline) {
        self.observe(i, t);
    }

    fn ended(&mut self, g: &Goroutine, t: &Timeline) {
        if self.definition.subject != Subject::Running || g.owner != Owner::Program {
            return;
        }
        if let Some(span) = self.runs.ended(g, t) {
            let actor = Actor {
                g: g.id,
                stack: g.best_stack(),
            };
            self.run(actor, span, false, t);
        }
    }

    fn activity(&mut self, activity: &Activity<'_>, t: &Timeline) {
        if activity.subject != self.definition.subject {
            return;
        }
        self.any = true;
        let stack = activity.actor.stack;
        let place = match activity.subject {
            // The handler, not what it called.
            Subject::Request => {
                let mut frames = t.stacks().keys(stack);
                frames.find(|&f| t.stacks().get(f).function == activity.name)
            }
            _ => None,
        };
        let place = place.unwrap_or(t.stacks().traits(stack).place);
        let candidate = Candidate {
            name: activity.name,
            waiting: None,
            function: match activity.subject {
                Subject::Request => activity.name,
                _ => t.stacks().get(place).function,
            },
            stack,
        };
        if !self.matcher.matches(&candidate, t) {
            return;
        }
        let value = match self.definition.value {
            Value::Cpu => activity.cpu,
            _ => elapsed(activity.start, activity.end),
        };
        let seen = Seen {
            name: activity.name,
            actor: activity.actor,
            place,
            start: activity.start,
            end: activity.end,
            value,
            cut: activity.cut,
            open: activity.open,
            under_way: false,
        };
        self.see(&seen, |limits| limits.judge(value).is_some(), t);
    }

    fn open(&mut self, t: &Timeline, under_way: bool) {
        let whole = !under_way || self.definition.value == Value::Share;
        if self.definition.subject != Subject::Running || !whole {
            return;
        }
        let running = t
            .goroutines()
            .filter(|g| g.state == GoState::Running && g.owner == Owner::Program);
        for g in running {
            let actor = Actor {
                g: g.id,
                stack: g.best_stack(),
            };
            self.run(actor, (g.since, t.now()), true, t);
        }
    }

    fn measurement(&self) -> Option<Distribution> {
        (!self.definition.value.is_rate()).then(|| self.durations.clone())
    }

    fn verdict(&self, t: &Timeline) -> Verdict {
        if let Some(reason) = self.not_applicable(t) {
            return Verdict {
                not_applicable: Some(reason),
                ..Verdict::default()
            };
        }
        let describe = |tag: u8, group: &Group| Description {
            variant: self.name(tag),
            message: self.message(tag, group, t),
            cause: None,
            at_most: Severity::Error,
            advice: None,
        };
        if !self.definition.value.is_rate() {
            return Verdict {
                measurement: self.durations.clone(),
                found: self.groups.found(&self.thresholds, describe),
                ..Verdict::default()
            };
        }
        let mut measurement = Distribution::default();
        measurement.record(self.rate(self.sum, self.count, t));
        let rates = self.groups.rated(|sum, count| self.rate(sum, count, t));
        Verdict {
            measurement,
            found: rates.found(&self.thresholds, describe),
            ..Verdict::default()
        }
    }

    fn forget(&mut self, t: &Timeline) {
        self.durations = Distribution::default();
        self.any = false;
        if self.definition.value.is_rate() && self.window(t) < LEAST {
            self.before = self.window(t);
            return;
        }
        self.groups = Groups::default();
        self.names.clear();
        (self.sum, self.count, self.before) = (0, 0, 0);
    }

    fn held(&self) -> u64 {
        let names: usize = self.names.iter().map(String::capacity).sum();
        self.groups.held() + self.matcher.held() + self.runs.held() + names as u64
    }

    fn boxed_clone(&self) -> Box<dyn Detector> {
        Box::new(self.clone())
    }

    fn explanation(&self) -> Option<&Explanation> {
        self.matcher.explanation.as_deref()
    }
}

/// Detector of a rule without a definition: the settings of another rule were passed.
#[derive(Clone)]
struct Undefined;

impl Detector for Undefined {
    fn verdict(&self, _: &Timeline) -> Verdict {
        Verdict {
            not_applicable: Some("the rule has no definition".into()),
            ..Verdict::default()
        }
    }

    fn forget(&mut self, _: &Timeline) {}

    fn boxed_clone(&self) -> Box<dyn Detector> {
        Box::new(Self)
    }
}
