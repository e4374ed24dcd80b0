//! Goroutines that wait long for a lock.

use super::detector::{Cause, Description, Detector, Signal, Verdict};
use super::{Distribution, MS, Rule, RuleSettings, SECOND, Severity, Unit, function, times};
use crate::timeline::{Interval, Owner, Timeline, kinds};
use crate::units;

/// The registry's entry.
pub static RULE: Rule = Rule {
    name: "MutexContention",
    unit: Unit::Nanoseconds,
    summary: "Time that goroutines wait for a sync.Mutex or a sync.RWMutex. WaitGroup.Wait, \
        Cond.Wait, Once.Do and channels are no locks.",
    why: "Goroutines that should work side by side work one after the other, and a lock \
        held during I/O stops all of them for as long as the I/O takes.",
    advice: "Look at the stack that unlocked: that is who held it. Do less while holding it \
        (no I/O, no sleeping, no logging), split it by key, let readers share \
        (RWMutex), or hand out copies (atomic.Pointer).",
    needs: "Blocking events with stacks: Go 1.11 and later. Go 1.22 has no stacks of \
        goroutines that were blocked during the whole trace.",
    thresholds: times([(MS, 10 * MS), (10 * MS, 100 * MS), (100 * MS, SECOND)]),
    watches: kinds::SEMAPHORE,
    detector: new,
};

#[derive(Clone)]
struct MutexContention(Signal);

fn new(settings: RuleSettings) -> Box<dyn Detector> {
    Box::new(MutexContention(Signal::new(&settings)))
}

impl Detector for MutexContention {
    fn interval(&mut self, i: &Interval, t: &Timeline) {
        if i.owner == Owner::Program && t.waits_for_lock(i) {
            self.0.see(i, t, |o| {
                let stack = [o.victim.stack, i.by.stack];
                let stack = stack.into_iter().find(|s| s.is_some());
                let place = t.stacks().traits(stack.unwrap_or_default()).place;
                (place, i.by)
            });
        }
    }

    fn measurement(&self) -> Option<Distribution> {
        self.0.measurement()
    }

    fn verdict(&self, t: &Timeline) -> Verdict {
        self.0.verdict(|group| {
            let (g, worst) = (group.victim.g, units::duration(group.worst));
            // Nobody unlocked yet what is still waited for.
            let unlocked = group.by_amount > 0;
            let cause = (unlocked && group.by.stack.is_some()).then(|| Cause {
                kind: "held_by",
                text: format!(
                    "goroutine {} held it, and unlocked it in {}",
                    group.by.g,
                    function(t, group.by.stack)
                ),
                actor: group.by,
            });
            Description {
                variant: "",
                message: if unlocked {
                    format!("goroutine {g} waited {worst} for a lock")
                } else {
                    format!("goroutine {g} waits for a lock for {worst} and did not get it")
                },
                cause,
                at_most: Severity::Error,
                advice: None,
            }
        })
    }

    fn forget(&mut self, _: &Timeline) {
        self.0.forget();
    }

    fn boxed_clone(&self) -> Box<dyn Detector> {
        Box::new(self.clone())
    }
}
