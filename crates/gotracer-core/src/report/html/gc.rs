//! The garbage collector's share of the CPU, and the utilization that it leaves to the program.

use maud::{Markup, html};

use super::picture;
use crate::report::{Report, human, share, svg};
use crate::units::duration;

/// Renders the collector's work in one trace; empty without a collection.
pub(super) fn write(report: &Report) -> Markup {
    let Some(gc) = report.program.gc.as_ref().filter(|gc| gc.cycles > 0) else {
        return html! {};
    };
    let drawn = picture(|out| svg::utilization(out, &gc.minimum_utilization));
    let of_cpu = |ratio: f64| format!("{} of the CPU", share::text(ratio));
    html! {
        h3 { "Garbage collector" }
        dl {
            @for (term, text) in [
                ("collections", human::count(gc.cycles)),
                ("marking", duration(gc.marking_ns)),
                ("share", of_cpu(gc.cpu_ratio)),
                ("with idle marking", of_cpu(gc.cpu_ratio_with_idle)),
                ("assists", duration(gc.cpu.assist_ns)),
                ("pauses, over all Ps", duration(gc.cpu.pause_ns)),
            ] {
                div { dt { (term) } dd { (text) } }
            }
        }
        @if !drawn.0.is_empty() {
            figure {
                figcaption {
                    "Minimum mutator utilization: the share of CPU time that the collector leaves to the program "
                    "in the worst window of each length"
                }
                (drawn)
            }
        }
    }
}
