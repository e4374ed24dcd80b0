//! Names that later formats spell out and the old format numbers.

use super::super::event::StringId;
use super::super::tables::Tables;
use super::wire;

/// Why a goroutine stops or waits, by event type.
const REASONS: [(u8, &str); 12] = [
    (wire::GO_STOP, "forever"),
    (wire::GO_PREEMPT, "preempted"),
    (wire::GO_SCHED, "runtime.Gosched"),
    (wire::GO_SLEEP, "sleep"),
    (wire::GO_BLOCK_SEND, "chan send"),
    (wire::GO_BLOCK_RECV, "chan receive"),
    (wire::GO_BLOCK_NET, "network"),
    (wire::GO_BLOCK_SYNC, "sync"),
    (wire::GO_BLOCK_COND, "sync.(*Cond).Wait"),
    (wire::GO_BLOCK_SELECT, "select"),
    (wire::GO_BLOCK, ""),
    (wire::GO_BLOCK_GC, "GC mark assist wait for work"),
];

/// Why the world is stopped, as Go 1.21 counts; older versions count the first
/// two from 0.
const STOPS: [&str; 17] = [
    "",
    "GC mark termination",
    "GC sweep termination",
    "write heap dump",
    "goroutine profile",
    "goroutine profile cleanup",
    "all goroutine stack trace",
    "read mem stats",
    "AllThreadsSyscall",
    "GOMAXPROCS",
    "start trace",
    "stop trace",
    "CountPagesInUse (test)",
    "ReadMetricsSlow (test)",
    "ReadMemStatsSlow (test)",
    "PageCachePagesLeaked (test)",
    "ResetDebugLog (test)",
];

/// The first version whose stops have more than two kinds.
const WITH_STOP_KINDS: u32 = 21;

/// The handles of these names.
#[derive(Debug)]
pub(super) struct Names {
    reasons: [StringId; 64],
    stops: [StringId; STOPS.len()],
    /// Number of the first kind of stop.
    first_stop: u64,
    last_stop: u64,
}

impl Names {
    /// Adds the names to a trace's strings.
    pub(super) fn new(tables: &mut Tables, version: u32) -> Self {
        let mut add = |text: &str| match text {
            "" => StringId::default(),
            text => tables.add_own_string(text.as_bytes()),
        };
        let mut reasons = [StringId::default(); 64];
        for (kind, text) in REASONS {
            reasons[kind as usize] = add(text);
        }
        let (first_stop, last_stop) = match version < WITH_STOP_KINDS {
            true => (1, 2),
            false => (0, STOPS.len() as u64 - 1),
        };
        Self {
            reasons,
            stops: STOPS.map(add),
            first_stop,
            last_stop,
        }
    }

    /// Why a goroutine stops or waits that does so by an event of this type.
    #[inline]
    pub(super) fn reason(&self, kind: u8) -> StringId {
        self.reasons[(kind & wire::TYPE) as usize]
    }

    /// Why the world stops.
    pub(super) fn stop(&self, kind: u64) -> StringId {
        let index = kind.saturating_add(self.first_stop);
        match index <= self.last_stop {
            true => self.stops[index as usize],
            false => StringId::default(),
        }
    }
}
