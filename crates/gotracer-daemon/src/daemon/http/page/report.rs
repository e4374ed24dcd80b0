//! Page of one report, which is that of an HTML report file with labels and failure added.

use maud::html;

use super::{failed, nav, page};
use crate::daemon::recent_reports::Entry;
use crate::report::Options;
use crate::report::html::{self, text};

/// Renders the page.
pub fn report(entry: &Entry) -> String {
    let id = entry.id;
    let about = html! {
        @if !entry.labels.is_empty() {
            p class="weak" { (text(&entry.labels.to_string())) }
        }
        @if let Some(failure) = &entry.failure {
            p { (failed(failure)) }
        }
    };
    let Some(report) = &entry.report else {
        return page("../", &entry.source, &about, None);
    };
    let nav = html! {
        (nav("../"))
        a href={ "../api/v1/reports/" (id) } { "This report (JSON)" }
    };
    html::one(&entry.source, &nav, &about, report, &Options::default())
}
