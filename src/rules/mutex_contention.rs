//! Goroutines that wait long for a lock.

use super::{MS, Rule, SECOND, Unit, times};

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
};
