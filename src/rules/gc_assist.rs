//! Goroutines that do the garbage collector's work.

use super::{MS, Rule, Unit, times};

/// The registry's entry.
pub static RULE: Rule = Rule {
    name: "GCAssist",
    unit: Unit::Nanoseconds,
    summary: "Mark assists: time in which a goroutine that allocates is made to mark, or to \
        wait until others have marked enough.",
    why: "The program allocates faster than the collector marks, and the collector takes \
        the time from those who allocate. Requests get slower just when there are \
        many.",
    advice: "Allocate less where the stack says (reuse buffers, preallocate, avoid \
        conversions), or give the collector a head start: a larger GOGC, GOMEMLIMIT \
        instead of a small GOGC, more CPU.",
    needs: "Mark assist ranges: Go 1.11 and later.",
    thresholds: times([(MS, 10 * MS), (5 * MS, 50 * MS), (50 * MS, 500 * MS)]),
};
