//! Tasks, regions, requests and logs, as custom rules observe them.

use super::Subject;
use crate::timeline::Actor;
use crate::trace::Time;

/// A task, region or request that ended, or a log.
#[derive(Clone, Copy, Debug)]
pub struct Activity<'a> {
    /// Kind of the activity.
    pub subject: Subject,
    /// Type of the task or region, function of the handler, or category of the log.
    pub name: &'a str,
    /// Goroutine, and its stack at the begin.
    pub actor: Actor,
    /// Begin, or the trace's start.
    pub start: Time,
    /// End, or the trace's end.
    pub end: Time,
    /// Time its goroutines ran, ns.
    pub cpu: u64,
    /// Whether the trace's start or end cuts it off.
    pub cut: bool,
    /// Whether it had not ended at the trace's end.
    pub open: bool,
}
