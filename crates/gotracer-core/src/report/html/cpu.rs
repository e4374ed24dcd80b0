//! CPU samples of a report by function.

use maud::{Markup, html};

use super::clip;
use super::shell;
use crate::report::{CpuSamples, Report, human};

/// Maximum number of functions on a page.
const MOST: usize = 30;

/// Renders the functions with most CPU samples; nothing without samples.
pub(super) fn write(report: &Report) -> Markup {
    let (Some(cpu), Some(line)) = (&report.cpu_samples, human::cpu_samples(report)) else {
        return html! {};
    };
    html! {
        h3 { "CPU samples" }
        p { (clip(&line)) }
        (shell::wide("CPU samples by function", &table(cpu)))
    }
}

fn table(cpu: &CpuSamples) -> Markup {
    let share = |n: u64| format!("{:.1}%", n as f64 / cpu.count.max(1) as f64 * 100.0);
    html! {
        table {
            thead { tr {
                th scope="col" { "Function" }
                th scope="col" { "Flat" }
                th scope="col" { "Cum" }
            } }
            tbody {
                @for f in cpu.functions.iter().take(MOST) {
                    tr {
                        td { code { (clip(human::short(&f.function))) } }
                        td { (share(f.flat)) }
                        td { (share(f.cum)) }
                    }
                }
            }
        }
    }
}
