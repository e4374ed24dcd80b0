//! Detector of custom rules.

use super::matching::{Candidate, Explanation, Matcher};
use super::message::message;
use super::names::Names;
use super::rates::Rates;
use super::runs::Runs;
use super::{Activity, Definition, Subject, Value};
use crate::rules::cause::Culprit;
use crate::rules::detector::{Description, Detector, Group, Groups, Occurrence, Verdict};
use crate::rules::{Distribution, RuleSettings, Severity, Thresholds};
use crate::timeline::{Actor, FrameKey, Goroutine, Interval, Kind, Owner, State, Timeline};
use crate::trace::{GoState, Time};
use crate::units::{self, elapsed};

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
    /// The wait and its state, of rules on waits.
    wait: Option<(&'a Interval, State)>,
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
    names: Names,
    groups: Groups,
    /// Whether the trace has the subject at all.
    any: bool,
    /// Rates, of rules on them.
    rates: Rates,
}

impl Custom {
    fn new(definition: &'static Definition, settings: &RuleSettings) -> Self {
        Self {
            definition,
            thresholds: settings.thresholds,
            matcher: Matcher::new(definition, settings.explain),
            runs: Runs::default(),
            durations: Distribution::default(),
            names: Names::default(),
            groups: Groups::default(),
            any: false,
            rates: Rates::new(definition),
        }
    }

    /// Measures and groups an occurrence if it matches.
    fn see(
        &mut self,
        candidate: &Candidate<'_>,
        seen: &Seen<'_>,
        crossed: impl FnOnce(&Thresholds) -> bool,
        t: &Timeline,
    ) {
        self.any = true;
        if !self.matcher.matches(candidate, t) {
            return;
        }
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
        self.rates.add(value);
        let occurrence = Occurrence {
            value,
            start: seen.start,
            end: seen.end,
            open: seen.cut,
            victim: seen.actor,
        };
        let tag = self.names.tag(candidate.name);
        let by = match seen.open {
            true => Culprit::GoesOn,
            false => Culprit::Unknown,
        };
        let group = self.groups.add(seen.place, tag, &occurrence, || by);
        if let Some((wait, own)) = seen.wait
            && self.definition.value == Value::Duration
        {
            group.ended_as(t.in_the_end(wait, own));
        }
    }

    /// Observes a wait, a system call, or the run before an interval.
    fn observe(&mut self, i: &Interval, t: &Timeline) {
        if i.owner != Owner::Program {
            return;
        }
        let waiting = match (self.definition.subject, i.kind) {
            (Subject::Wait, Kind::Blocked(_)) => {
                let waiting = t.find(i.victim.g).map(|g| g.waiting);
                waiting.or(Some(Default::default()))
            }
            (Subject::Syscall, Kind::Syscall) if t.is_programs_call(i) => None,
            (Subject::Running, _) => {
                if let Some(span) = self.runs.interval(i, t) {
                    self.run(i.victim, span, false, i.under_way, t);
                }
                return;
            }
            _ => return,
        };
        // A waiter without a stack is placed at the goroutine that woke it.
        let stack = match i.victim.stack.is_some() {
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
        let value = i.duration();
        let seen = Seen {
            actor: i.victim,
            place,
            start: i.start,
            end: i.end,
            value,
            cut: i.is_cut(),
            open: i.cut_at_end,
            under_way: i.under_way,
            wait: waiting.map(|waiting| (i, waiting.state())),
        };
        let crossed = |limits: &Thresholds| limits.crossed_by(i, value, t);
        self.see(&candidate, &seen, crossed, t);
    }

    /// Observes a run.
    fn run(
        &mut self,
        actor: Actor,
        (start, end): (Time, Time),
        open: bool,
        under_way: bool,
        t: &Timeline,
    ) {
        let place = t.stacks().traits(actor.stack).place;
        let candidate = Candidate {
            name: "",
            waiting: None,
            function: t.stacks().get(place).function,
            stack: actor.stack,
        };
        let value = elapsed(start, end);
        let seen = Seen {
            actor,
            place,
            start,
            end,
            value,
            cut: open,
            open,
            under_way,
            wait: None,
        };
        let crossed = |limits: &Thresholds| limits.judge(value).is_some();
        self.see(&candidate, &seen, crossed, t);
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
        let short = self.definition.value.is_rate() && self.rates.too_short(t);
        short.then(|| {
            let length = units::duration(self.rates.window(t));
            format!("the trace is {length} long, and rates need at least 1 s")
        })
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
            self.run(actor, span, false, false, t);
        }
    }

    fn activity(&mut self, activity: &Activity<'_>, t: &Timeline) {
        if activity.subject != self.definition.subject {
            return;
        }
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
        let value = match self.definition.value {
            Value::Cpu => activity.cpu,
            _ => elapsed(activity.start, activity.end),
        };
        let seen = Seen {
            actor: activity.actor,
            place,
            start: activity.start,
            end: activity.end,
            value,
            cut: activity.cut,
            open: activity.open,
            under_way: false,
            wait: None,
        };
        let crossed = |limits: &Thresholds| limits.judge(value).is_some();
        self.see(&candidate, &seen, crossed, t);
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
            self.run(actor, (g.since, t.now()), true, false, t);
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
            variant: self.names.of(tag),
            message: message(
                self.definition,
                self.names.of(tag),
                group,
                self.rates.window(t),
            ),
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
        measurement.record(self.rates.all(t));
        let rates = self.groups.rated(|sum, count| self.rates.of(sum, count, t));
        Verdict {
            measurement,
            found: rates.found(&self.thresholds, describe),
            ..Verdict::default()
        }
    }

    fn forget(&mut self, t: &Timeline) {
        self.durations = Distribution::default();
        self.any = false;
        if self.definition.value.is_rate() && self.rates.too_short(t) {
            self.rates.postpone(t);
            return;
        }
        self.groups = Groups::default();
        self.names.clear();
        self.rates = Rates::new(self.definition);
    }

    fn held(&self) -> u64 {
        self.groups.held() + self.matcher.held() + self.runs.held() + self.names.held()
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
