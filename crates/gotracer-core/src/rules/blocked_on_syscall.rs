//! Goroutines that stay long in a system call.

use super::detector::{Description, Detector, Group, Signal, Verdict};
use super::{Distribution, MS, Rule, RuleSettings, SECOND, Severity, Unit, function, times};
use crate::timeline::{Interval, Owner, Timeline, kinds};
use crate::units;

/// The registry's entry.
pub static RULE: Rule = Rule {
    name: "BlockedOnSyscall",
    unit: Unit::Nanoseconds,
    summary: "Time that goroutines spend in a system call or a cgo call. The runtime's own \
        threads (signal delivery) are not counted.",
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
    watches: kinds::SYSCALL,
    detector: new,
};

#[derive(Clone)]
struct BlockedOnSyscall(Signal);

fn new(settings: RuleSettings) -> Box<dyn Detector> {
    Box::new(BlockedOnSyscall(Signal::new(&settings)))
}

/// Whether it is a syscall of the program. In Go 1.22 nothing is known of one
/// that lasts for the whole trace; signal delivery always does, so it is not
/// held against the program.
fn is_programs(i: &Interval, t: &Timeline) -> bool {
    let unknown = !i.victim.stack.is_some() && i.cut_at_start && i.cut_at_end;
    let parked = t.stacks().traits(i.victim.stack).parked;
    i.owner == Owner::Program && !parked && !unknown
}

impl Detector for BlockedOnSyscall {
    fn interval(&mut self, i: &Interval, t: &Timeline) {
        if is_programs(i, t) {
            let place = t.stacks().traits(i.victim.stack).place;
            self.0.see(i, t, |o| (place, o.victim));
        }
    }

    fn measurement(&self) -> Option<Distribution> {
        self.0.measurement()
    }

    fn verdict(&self, t: &Timeline) -> Verdict {
        self.0.verdict(|group| {
            let (g, worst) = (group.victim.g, units::duration(group.worst));
            let call = called(t, group);
            let returned = group.by_amount > 0;
            Description {
                variant: "",
                message: if returned {
                    format!("goroutine {g} was in a system call for {worst}{call}")
                } else {
                    format!(
                        "goroutine {g} is in a system call for {worst}{call} and did not return"
                    )
                },
                cause: None,
                at_most: Severity::Error,
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

/// What the place called, such as `syscall.Read`, if that tells more.
fn called(t: &Timeline, group: &Group) -> String {
    let place = function(t, group.victim.stack);
    let frames = t.stacks().frames(group.victim.stack);
    let callee = frames.take_while(|f| f.function != place).last();
    match callee {
        Some(f) if !f.function.is_empty() => format!(" ({})", f.function),
        _ => String::new(),
    }
}
