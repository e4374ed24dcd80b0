//! Goroutines that could run and had to wait for a processor.

use super::detector::{Cause, Description, Detector, Group, Groups, Occurrence, Verdict};
use super::{Distribution, MS, Rule, RuleSettings, SECOND, Severity, Unit, function, times};
use crate::timeline::{Actor, Interval, Kind, Owner, Timeline, Way, kinds};
use crate::units;

/// The registry's entry.
pub static RULE: Rule = Rule {
    name: "HighSchedulingLatency",
    unit: Unit::Nanoseconds,
    summary: "Time from when a goroutine becomes runnable (woken, created, preempted, back \
        from a syscall) until it runs.",
    why: "The goroutine had something to do and nothing to wait for but a processor. To \
        its user the program is slow although nothing in it is.",
    advice: "See what ran meanwhile. Fewer CPU-bound goroutines at a time (a worker pool of \
        GOMAXPROCS), more processors (GOMAXPROCS, the container's CPU limit), or \
        shorter stretches of work between blocking calls. CPU-bound goroutines that \
        only take turns with each other are reported as info.",
    needs: "Goroutine state transitions: Go 1.11 and later.",
    thresholds: times([(MS, 10 * MS), (10 * MS, 50 * MS), (100 * MS, SECOND)]),
    watches: kinds::RUNNABLE,
    detector: new,
};

/// Tags: goroutines that something made runnable, and goroutines that only
/// take turns with others because there are more of them than processors.
const MADE_RUNNABLE: u8 = 0;
const TAKING_TURNS: u8 = 1;

#[derive(Clone)]
struct HighSchedulingLatency {
    settings: RuleSettings,
    by_way: [Distribution; Way::ALL.len()],
    groups: Groups,
}

fn new(settings: RuleSettings) -> Box<dyn Detector> {
    Box::new(HighSchedulingLatency {
        settings,
        by_way: Default::default(),
        groups: Groups::default(),
    })
}

impl Detector for HighSchedulingLatency {
    fn interval(&mut self, i: &Interval, t: &Timeline) {
        let Kind::Runnable(way) = i.kind else {
            return;
        };
        if i.owner != Owner::Program {
            return;
        }
        self.by_way[way as usize].record(i.duration());
        if i.duration() < self.settings.thresholds.warn.value {
            return;
        }
        let place = t.stacks().traits(i.victim.stack).place;
        let tag = match way {
            Way::Preempted | Way::Yielded => TAKING_TURNS,
            _ => MADE_RUNNABLE,
        };
        self.groups.add(place, tag, &Occurrence::of(i), || {
            if i.stopped > i.duration() / 2 {
                // Nobody ran instead: the world was stopped.
                return (Actor::NONE, i.stopped);
            }
            t.ran_longest(i.start, i.end).unwrap_or((Actor::NONE, 0))
        });
    }

    fn verdict(&self, t: &Timeline) -> Verdict {
        let mut measurement = Distribution::default();
        self.by_way.iter().for_each(|d| measurement.merge(d));
        let seen = Way::ALL.iter().zip(&self.by_way);
        let seen = seen.filter(|(_, d)| d.count() > 0);
        let found = self.groups.found(&self.settings.thresholds, |tag, group| {
            let (g, worst) = (group.victim.g, units::duration(group.worst));
            let turns = tag == TAKING_TURNS;
            Description {
                variant: if turns { "taking_turns" } else { "" },
                message: if turns {
                    format!("goroutine {g} was preempted and waited {worst} for its next turn")
                } else {
                    format!("goroutine {g} could run and waited {worst} for a processor")
                },
                cause: cause(group, t),
                // Goroutines that use all processors and share them fairly do
                // no wrong: worth knowing, not worth failing a build.
                at_most: if turns {
                    Severity::Info
                } else {
                    Severity::Error
                },
            }
        });
        Verdict {
            measurement,
            by_reason: seen
                .map(|(way, d)| (way.name().to_owned(), d.clone()))
                .collect(),
            found,
            ..Verdict::default()
        }
    }

    fn boxed_clone(&self) -> Box<dyn Detector> {
        Box::new(self.clone())
    }
}

fn cause(group: &Group, t: &Timeline) -> Option<Cause> {
    if group.by_amount == 0 {
        return None;
    }
    let amount = units::duration(group.by_amount);
    let actor = group.by;
    Some(if actor.g.is_some() {
        Cause {
            kind: "ran_instead",
            text: format!(
                "goroutine {} ran for {amount} of it, in {}",
                actor.g,
                function(t, actor.stack)
            ),
            actor,
        }
    } else {
        Cause {
            kind: "stop_the_world",
            text: format!("the world was stopped for {amount} of it"),
            actor,
        }
    })
}
