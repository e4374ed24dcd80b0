//! Page of one report, which is that of an HTML report file with labels and failure added.

use std::borrow::Cow;

use maud::html;

use super::{failed, nav, page};
use crate::daemon::http::evidence;
use crate::daemon::recent_reports::Entry;
use crate::report::html::{self, text};
use crate::report::{Moment, Options};

/// Renders the page, with the moments of its worst findings. It links to the kept trace if `linked`.
pub(crate) fn report(entry: &Entry, moments: &[Moment], linked: bool) -> String {
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
        @if let Some(kept) = evidence::id(report).filter(|_| linked) {
            a href={ "../api/v1/evidence/" (kept) } { "Its trace" }
            a href={ "../api/v1/evidence/" (kept) "?format=perfetto" } { "For Perfetto" }
        }
    };
    let mut report = Cow::Borrowed(&**report);
    if !moments.is_empty() {
        report.to_mut().moments = moments.to_vec();
    }
    html::one(&entry.source, &nav, &about, &report, &Options::default())
}
