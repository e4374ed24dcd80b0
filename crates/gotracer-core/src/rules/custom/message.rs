//! Sentences about the findings of custom rules.

use super::{Definition, Subject, Value};
use crate::rules::cause::Culprit;
use crate::rules::detector::Group;
use crate::units;

/// Describes a group of occurrences of an activity, or of intervals if `name` is empty. `window` is the observed time, ns.
pub(super) fn message(definition: &Definition, name: &str, group: &Group, window: u64) -> String {
    let subject = definition.subject;
    let name = match name {
        "" => String::new(),
        name => format!(" {name}"),
    };
    let (g, worst) = (group.victim.g, group.worst);
    match definition.value {
        Value::CountPerSecond => {
            let plural = subject.plural();
            let (rate, window) = (worst as f64 / 1e3, units::duration(window));
            format!("{plural}{name}: {rate:.1} per second over {window}")
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
                (_, false) => format!("{}{name} takes {ns} and did not end", subject.name()),
            }
        }
    }
}
