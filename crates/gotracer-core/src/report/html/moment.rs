//! Picture of a finding's worst occurrence.

use maud::{Markup, html};

use super::picture;
use crate::report::svg::{self, states};
use crate::report::{Finding, Report};
use crate::units::duration;

/// Renders the picture; empty if there is none.
pub(super) fn write(report: &Report, finding: &Finding) -> Markup {
    let Some(moment) = report.moments.iter().find(|m| m.finding == finding.id) else {
        return html! {};
    };
    html! {
        figure {
            figcaption {
                "The worst occurrence: " (duration(moment.length)) " from " (duration(moment.from)) " of the trace"
            }
            (picture(|out| svg::moment(out, moment)))
            ul class="legend" {
                @for state in states(moment) {
                    li class=(state.class()) { (state.name()) }
                }
                @if !moment.wakes.is_empty() {
                    li class="wake" { "wakes up" }
                }
            }
        }
    }
}
