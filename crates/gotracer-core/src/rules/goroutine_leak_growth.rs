//! Places that create goroutines faster than they end.

mod course;

use std::collections::HashMap;

use course::{Course, Trend};

use super::cause::{Cause, CauseKind, Culprit};
use super::detector::{Detector, EXAMPLES, Found, Group, Verdict};
use super::{
    Alert, Beside, Distribution, Gauge, Limit, Line, Metric, Panel, Rule, RuleSettings, Severity,
    Thresholds, Unit, function,
};
use crate::timeline::{Actor, FrameKey, Kinds, StackKey, Timeline};
use crate::trace::internal::of_map;
use crate::trace::{GoId, GoState, Time};

/// The registry's entry.
pub(super) static RULE: Rule = Rule {
    name: "GoroutineLeakGrowth",
    unit: Unit::Goroutines,
    brief: "places that go on creating goroutines that do not end",
    summary: "Live goroutines by the place that created them: how many more there are at the \
        trace's end than at its start, where that growth goes on. A pool, a burst of \
        requests and connections that are kept open are no leaks.",
    why: "A goroutine that never ends keeps its stack and all it refers to. Memory grows \
        until the process is killed, and a restart hides it until the next time.",
    advice: "Find what the goroutines at that place wait for and who was to end it: a \
        channel nobody closes, a context nobody cancels, a response body nobody reads. \
        Give each goroutine a way out before starting it.",
    needs: "Goroutine creation and end: Go 1.11 and later.",
    thresholds: [
        growth((50, 25.0), (200, 100.0)),
        growth((100, 25.0), (500, 100.0)),
        growth((1_000, 100.0), (10_000, 300.0)),
    ],
    percent_of: "the goroutines there were at the start; never for a handful",
    lost: None,
    off_in: &[],
    watches: Kinds::NONE,
    detector: new,
    settings: &[],
    metric: Metric {
        name: "gotrace_goroutine_growth",
        reading: "One value a creation site that grew. The rate of the sum by \
            gotrace_observed_seconds_total is goroutines gained each second.",
        about: "goroutines gained, one value a creation site that grew",
        by_reason: None,
    },
    alert: Alert {
        percent: 25,
        hold: "10m",
        summary: "{program} creates goroutines faster than they end",
        happened: "a place created goroutines faster than they ended",
        gauge: Some(Gauge {
            metric: "gotrace_goroutines",
            text: "There are {} goroutines now.",
        }),
        meaning: "A place in the program creates goroutines faster than they end, so fast that it \
            shows within single traces of seconds. A goroutine that never ends keeps its stack \
            and all that it refers to. Memory grows until the process is killed.",
    },
    panel: Panel {
        sum: "goroutines gained each second",
        sum_unit: "short",
        beside: Beside::Values {
            title: "Goroutines",
            description: "At the end of each trace, the peak within it, and what is gained each second. A \
                line that only rises is a leak: look in the reports for the place that creates \
                them.",
            unit: "short",
            log: false,
            lines: &[
                Line {
                    expr: "sum by (instance) (gotrace_goroutines{$target})",
                    legend: "",
                    right: None,
                },
                Line {
                    expr: "sum by (instance) (gotrace_goroutines_peak{$target})",
                    legend: "peak",
                    right: None,
                },
                Line {
                    expr: "(sum by (instance) \
                        (rate(gotrace_goroutine_creations_total{$target}[$over])) - sum by \
                        (instance) (rate(gotrace_goroutine_exits_total{$target}[$over]))) / sum \
                        by (instance) (rate(gotrace_observed_seconds_total{$target}[$over]))",
                    legend: "gained each second",
                    right: Some("none"),
                },
            ],
        },
    },
};

/// Minimum growth for a finding by percentage: three goroutines more in a program of six are no leak.
pub const MIN_GROWTH: u64 = 25;
/// Minimum growth for an error by percentage: in a small program 25 goroutines are 100 %.
const MIN_ERROR: u64 = 4 * MIN_GROWTH;

const fn growth(warn: (u64, f64), error: (u64, f64)) -> Thresholds {
    Thresholds {
        warn: limit(warn),
        error: limit(error),
    }
}

const fn limit((value, percent): (u64, f64)) -> Limit {
    Limit {
        percent: Some(percent),
        ..Limit::value(value)
    }
}

#[derive(Clone)]
struct GoroutineLeakGrowth {
    settings: RuleSettings,
    /// Highest severity that was reported for each place.
    reported: HashMap<FrameKey, Severity, foldhash::fast::RandomState>,
}

fn new(settings: RuleSettings) -> Box<dyn Detector> {
    Box::new(GoroutineLeakGrowth {
        settings,
        reported: HashMap::default(),
    })
}

/// Growth of the number of goroutines that one place created.
struct Growth {
    place: FrameKey,
    /// Stack of the creator; otherwise the goroutines' start function.
    stack: StackKey,
    /// Number of goroutines added.
    net: u64,
    first: Time,
    last: Time,
    blocked: u64,
    examples: Vec<GoId>,
    /// Stacks of the blocked goroutines, with their number.
    waits: HashMap<StackKey, u64, foldhash::fast::RandomState>,
    /// Births, exits and activity over time.
    course: Course,
}

impl Detector for GoroutineLeakGrowth {
    fn verdict(&self, t: &Timeline) -> Verdict {
        let mut measurement = Distribution::default();
        let mut found = Vec::new();
        for growth in growths(t) {
            if !t.population().growing {
                measurement.record(growth.net);
            }
            let reported = self.reported.get(&growth.place).copied();
            let found_here = self.judge(&growth, t);
            found.extend(found_here.filter(|f| Some(f.severity) > reported));
        }
        Verdict {
            measurement,
            found,
            ..Verdict::default()
        }
    }

    fn forget(&mut self, t: &Timeline) {
        if !t.population().growing {
            self.reported.clear();
            return;
        }
        let reported = growths(t).into_iter().filter_map(|growth| {
            let place = growth.place;
            Some((place, self.judge(&growth, t)?.severity))
        });
        let reported: Vec<_> = reported.collect();
        for (place, severity) in reported {
            let known = self.reported.entry(place).or_insert(severity);
            *known = severity.max(*known);
        }
    }

    fn held(&self) -> u64 {
        of_map(&self.reported, 1)
    }

    fn boxed_clone(&self) -> Box<dyn Detector> {
        Box::new(self.clone())
    }
}

impl GoroutineLeakGrowth {
    fn judge(&self, growth: &Growth, t: &Timeline) -> Option<Found> {
        let before = t.population().before;
        let crosses = |limit: Limit, least: u64| {
            let percent = growth.net as f64 / before.max(1) as f64 * 100.0;
            // Running goroutines may be about to end, so a percentage
            // counts only if most of them are blocked.
            let relative = limit.percent.is_some_and(|p| percent >= p)
                && growth.net >= least
                && growth.blocked * 2 >= growth.net;
            growth.net >= limit.value || relative
        };
        let Thresholds { warn, error } = self.settings.thresholds;
        let (severity, limit) = if crosses(error, MIN_ERROR) {
            (Severity::Error, error)
        } else if crosses(warn, MIN_GROWTH) {
            (Severity::Warn, warn)
        } else {
            return None;
        };
        let (severity, course) = match growth.course.trend(t.growing_since(), t.now()) {
            Trend::Leak => (severity, ""),
            Trend::Stopped => (Severity::Info, "; they may be kept on purpose"),
            Trend::InUse => return None,
        };
        let examples = growth.examples.iter().map(|&g| (growth.net, g));
        let victim = Actor {
            g: growth.examples.first().copied().unwrap_or(GoId::NONE),
            stack: growth.stack,
        };
        Some(Found {
            severity,
            threshold: limit.value,
            variant: String::new(),
            advice: None,
            message: format!(
                "{} goroutines more than at the trace's start ({before} in all then), {} of them \
                 blocked{course}",
                growth.net, growth.blocked
            ),
            cause: cause(growth, t),
            group: Group {
                place: growth.place,
                places: Vec::new(),
                more_places: 0,
                count: 1,
                open: 0,
                worst: growth.net,
                worst_span: (growth.first, growth.last),
                total: growth.net,
                first: growth.first,
                last: growth.last,
                victim,
                by: Culprit::Unknown,
                examples: examples.collect(),
                in_the_end: None,
            },
        })
    }
}

fn cause(growth: &Growth, t: &Timeline) -> Option<Cause> {
    let most = growth.waits.iter().max_by_key(|(_, n)| **n);
    let (&stack, n) = most.filter(|(stack, _)| stack.is_some())?;
    Some(Cause {
        kind: CauseKind::BlockedIn,
        text: format!("{n} of them wait in {}", function(t, stack)),
        actor: Actor {
            g: GoId::NONE,
            stack,
        },
    })
}

/// Returns the growth that is left after `old` goroutines were replaced, and takes those off.
fn without_replaced(growth: u64, old: &mut u64) -> u64 {
    let replaced = growth.min(*old);
    *old -= replaced;
    growth - replaced
}

/// Returns the places with more goroutines than before.
fn growths(t: &Timeline) -> Vec<Growth> {
    let stacks = t.stacks();
    let mut by_place: HashMap<FrameKey, Growth, foldhash::fast::RandomState> = HashMap::default();
    // Goroutines that were there before and ended make room for as many new ones
    // with the same start function: a server's connections come and go.
    let mut replaced = t.population().ended_old.clone();
    let mut courses: HashMap<FrameKey, Course, foldhash::fast::RandomState> = HashMap::default();
    for site in t.population().sites() {
        let stack = if site.creator.is_some() {
            site.creator
        } else {
            site.start
        };
        let place = stacks.traits(stack).creation;
        courses.entry(place).or_default().add_site(site);
        let root = stacks.traits(site.start).root;
        let net = match replaced.get_mut(&root) {
            Some(old) => without_replaced(site.growth(), old),
            None => site.growth(),
        };
        if net == 0 {
            continue;
        }
        let growth = by_place.entry(place).or_insert_with(|| Growth {
            place,
            stack,
            net: 0,
            first: site.first,
            last: site.last,
            blocked: 0,
            examples: Vec::new(),
            waits: HashMap::default(),
            course: Course::default(),
        });
        growth.net += net;
        growth.first = growth.first.min(site.first);
        growth.last = growth.last.max(site.last);
    }
    let born = t
        .goroutines()
        .filter(|g| g.born && g.state != GoState::NotExist);
    for g in born {
        let stack = if g.creator.is_some() {
            g.creator
        } else {
            g.start
        };
        let Some(growth) = by_place.get_mut(&stacks.traits(stack).creation) else {
            continue;
        };
        if g.birth >= t.growing_since() {
            growth.course.add(g, t.now());
        }
        if growth.examples.len() < EXAMPLES {
            growth.examples.push(g.id);
        }
        if g.state == GoState::Waiting {
            growth.blocked += 1;
            *growth.waits.entry(g.stack).or_default() += 1;
        }
    }
    for (place, growth) in &mut by_place {
        growth.course.add_ended(courses.get(place));
        growth.blocked = growth.blocked.min(growth.net);
    }
    by_place.into_values().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn goroutines_that_ended_make_room_for_as_many_new_ones() {
        let mut old = 20;
        assert_eq!(without_replaced(5, &mut old), 0);
        assert_eq!((without_replaced(30, &mut old), old), (15, 0));
        assert_eq!(without_replaced(30, &mut old), 30);
    }
}
