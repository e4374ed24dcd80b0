//! Goroutines that wait for a lock for long.

pub(super) mod holders;

use std::collections::HashMap;

use super::cause::{Cause, CauseKind, Culprit, in_the_end};
use super::detector::{Description, Detector, Group, Groups, Occurrence, Verdict};
use super::{
    Alert, Beside, Distribution, Lost, MS, Metric, Panel, Rule, RuleSettings, SECOND, Severity,
    Unit, function, times,
};
use crate::timeline::{Doing, FrameKey, Interval, Kinds, Lock, Owner, State, Timeline};
use crate::trace::internal::of_map;
use crate::units;
use holders::{Holder, Waits};

/// The registry's entry.
pub(super) static RULE: Rule = Rule {
    name: "MutexContention",
    unit: Unit::Nanoseconds,
    brief: "waits for `sync.Mutex`, `sync.RWMutex` and the locks of open files, who held \
        them longest, and what that did",
    summary: "Time that goroutines wait for a sync.Mutex, a sync.RWMutex, or the lock of an open \
        file. Waits for a sync.Once are told apart; WaitGroup.Wait, Cond.Wait and channels \
        are no locks.",
    why: "Goroutines that should work side by side work one after the other, and a lock \
        held during I/O stops all of them for as long as the I/O takes.",
    advice: "Do less while holding the lock (no I/O, no sleeping, no logging), split it by key, let \
        readers share it (RWMutex), or hand out copies (atomic.Pointer). The stack of who held it \
        longest says where.",
    needs: "Blocking events with stacks: Go 1.11 and later. Go 1.22 has no stacks of \
        goroutines that were blocked during the whole trace.",
    thresholds: times([(MS, 10 * MS), (10 * MS, 100 * MS), (100 * MS, SECOND)]),
    percent_of: "",
    lost: Some(Lost {
        to: "waiting for locks",
        many: Some("goroutines were waiting for locks"),
        counted: "goroutines",
    }),
    off_in: &[],
    watches: Kinds::SEMAPHORE,
    detector: new,
    settings: &[],
    metric: Metric {
        name: "gotrace_mutex_wait",
        reading: "The rate of the sum by gotrace_observed_seconds_total is how many goroutines wait \
            for a lock at any time.",
        about: "waits for sync.Mutex, sync.RWMutex and the locks of open files",
        by_reason: None,
    },
    alert: Alert {
        percent: 25,
        hold: "10m",
        summary: "Goroutines of {program} wait for locks",
        happened: "goroutines waited for a sync.Mutex or sync.RWMutex",
        gauge: None,
        meaning: "Goroutines waited for a `sync.Mutex` or `sync.RWMutex` for longer than the \
            threshold. What should run side by side runs one after the other.",
    },
    panel: Panel {
        sum: "goroutines waiting for a lock",
        sum_unit: "short",
        beside: Beside::Sum,
    },
};

#[derive(Clone)]
struct MutexContention {
    settings: RuleSettings,
    by_lock: [Distribution; Lock::ALL.len()],
    /// Tagged with the kind of lock.
    groups: Groups,
    waits: Waits,
    /// Holder of the lock in the worst wait of each group.
    holders: HashMap<(FrameKey, u8), Holder, foldhash::fast::RandomState>,
}

fn new(settings: RuleSettings) -> Box<dyn Detector> {
    Box::new(MutexContention {
        settings,
        by_lock: Default::default(),
        groups: Groups::default(),
        waits: Waits::default(),
        holders: HashMap::default(),
    })
}

impl Detector for MutexContention {
    fn interval(&mut self, i: &Interval, t: &Timeline) {
        if i.owner != Owner::Program {
            return;
        }
        let Some(lock) = t.lock(i) else {
            return;
        };
        if !i.under_way {
            self.by_lock[lock as usize].record(i.duration());
        }
        if self.settings.thresholds.crossed_by(i, i.duration(), t) {
            self.long(i, lock, t);
        }
        if !i.cut_at_end {
            self.waits.add(i, t);
        }
    }

    fn measurement(&self) -> Option<Distribution> {
        let locks = Lock::ALL.into_iter().filter(|lock| *lock != Lock::Once);
        let locks = locks.map(|lock| &self.by_lock[lock as usize]);
        Some(Distribution::of_all(locks))
    }

    fn verdict(&self, t: &Timeline) -> Verdict {
        let seen = Lock::ALL.into_iter().zip(&self.by_lock);
        let seen = seen.filter(|(_, d)| d.count() > 0);
        let found = self.groups.found(&self.settings.thresholds, |tag, group| {
            let (g, worst) = (group.victim.g, units::duration(group.worst));
            let (variant, what, at_most) = match Lock::ALL[usize::from(tag)] {
                Lock::Mutex | Lock::RwMutex => ("", "a lock", Severity::Error),
                Lock::File => ("file", "the lock of an open file", Severity::Error),
                // Its holder runs once, and its own waits are findings.
                Lock::Once => ("once", "a sync.Once", Severity::Info),
            };
            // A wait that has not ended has no unlocking goroutine.
            let unlocked = group.by != Culprit::GoesOn;
            let holder = self.holders.get(&(group.place, tag));
            let known = matches!(group.by, Culprit::Goroutine(by) if by.stack.is_some());
            let holder = holder.filter(|_| known);
            Description {
                variant,
                message: if unlocked {
                    format!("goroutine {g} waited {worst} for {what}")
                } else {
                    format!("goroutine {g} waits for {what} for {worst} and did not get it")
                },
                cause: holder.map(|holder| cause(holder, group, t)),
                at_most,
                advice: None,
            }
        });
        Verdict {
            measurement: self.measurement().unwrap_or_default(),
            by_reason: seen
                .map(|(lock, d)| (lock.name().to_owned(), d.clone()))
                .collect(),
            found,
            ..Verdict::default()
        }
    }

    fn forget(&mut self, t: &Timeline) {
        self.by_lock = Default::default();
        self.groups = Groups::default();
        self.holders.clear();
        self.waits.forget(t);
    }

    fn held(&self) -> u64 {
        self.groups.held() + of_map(&self.holders, 1) + self.waits.held()
    }

    fn boxed_clone(&self) -> Box<dyn Detector> {
        Box::new(self.clone())
    }
}

impl MutexContention {
    /// Groups a wait that crosses a threshold.
    fn long(&mut self, i: &Interval, lock: Lock, t: &Timeline) {
        let stack = [i.victim.stack, i.by.stack];
        let stack = stack.into_iter().find(|s| s.is_some());
        let place = t.stacks().traits(stack.unwrap_or_default()).place;
        let tag = lock as u8;
        let ended = !i.cut_at_end;
        let (waits, holders) = (&self.waits, &mut self.holders);
        // Called for the worst wait only.
        let by = || {
            if ended && let Some(holder) = waits.holder(i, t) {
                holders.insert((place, tag), holder);
            }
            match ended {
                true => Culprit::Goroutine(i.by),
                false => Culprit::GoesOn,
            }
        };
        let group = self.groups.add(place, tag, &Occurrence::of(i), by);
        group.ended_as(t.in_the_end(i, State::Lock));
    }
}

/// Returns the cause of a wait: the holder, what it did, and other holders.
fn cause(holder: &Holder, group: &Group, t: &Timeline) -> Cause {
    let Holder {
        by,
        held,
        doing,
        last,
        alike,
        stalled,
    } = *holder;
    let (g, place) = (by.g, function(t, by.stack));
    let length = units::duration(held);
    let mut text = match alike {
        _ if held >= group.worst => format!("goroutine {g} held it, and unlocked it in {place}"),
        1 => format!("goroutine {g} held it for {length} of that, and unlocked it in {place}"),
        n => format!(
            "{n} goroutines held it one after the other, goroutine {g} longest: for {length}, \
             and unlocked it in {place}"
        ),
    };
    if stalled > 0 {
        let part = units::duration(stalled);
        text += &format!("; the process did not run for {part} of the wait");
    }
    if let Some((doing, ns)) = doing {
        let part = units::duration(ns.min(held));
        text += &format!("; meanwhile it {} for {part}", did(doing));
    }
    if let Some(end) = group
        .in_the_end
        .and_then(|leaves| in_the_end(&leaves, doing.map(|(doing, _)| doing)))
    {
        text += &format!("; {end}");
    }
    if let Some(last) = last.filter(|_| alike == 1) {
        text += &format!("; goroutine {last} held it last, and had waited for that itself");
    }
    Cause {
        kind: CauseKind::HeldBy,
        text,
        actor: by,
    }
}

/// Activity of a holder, for "goroutine 7 … for 5 ms".
pub(super) fn did(doing: Doing) -> &'static str {
    match doing {
        Doing::Running => "ran",
        Doing::Runnable => "waited for a processor",
        Doing::Syscall => "was in a system call",
        Doing::Network => "waited for the network",
        Doing::Sleeping => "slept",
        Doing::Semaphore => "waited for another lock or semaphore",
        Doing::Waiting => "waited for other goroutines",
    }
}
