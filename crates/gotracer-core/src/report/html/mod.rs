//! Reports as one HTML page: one file of bounded size, readable without scripts, on paper and by a screen reader. The
//! daemon's pages and comparisons use the same parts.

mod cpu;
mod findings;
mod gc;
mod goroutines;
mod listing;
mod moment;
mod over_time;
mod rules;
pub mod shell;
mod signals;
mod tasks;

use std::cmp::Reverse;
use std::fmt;
use std::io::{self, Write};
use std::slice;

use maud::{Markup, PreEscaped, html};

use self::shell::Network;
use super::{Escaped, Format, Options, Report, human};

/// Size from which on only short parts are added, bytes. Mail and code hosts accept pages of 2 MB.
const ENOUGH: usize = 1_400_000;
/// Maximum number of traces in the list.
const TRACES: usize = 1_000;

/// Entry in the registry.
pub const FORMAT: Format<[Report]> = Format {
    name: "html",
    summary: "a web page in one file",
    endings: &["html", "htm"],
    course: true,
    write,
};

/// Writes one page.
///
/// # Errors
/// If writing fails.
pub fn write(out: &mut dyn Write, reports: &[Report], options: &Options) -> io::Result<()> {
    let title = match reports {
        [one] => one.trace.source.clone(),
        all => human::plural(all.len() as u64, "trace"),
    };
    let body = html! {
        (shell::header(None, &title, &verdict(reports)))
        (findings::filter(reports))
        main id="main" { (traces(reports, options)) }
    };
    out.write_all(shell::page(&title, &body, Network::None).as_bytes())
}

/// Renders one report as a page of a server, with `above` at the top.
pub fn one(
    title: &str,
    nav: &Markup,
    about: &Markup,
    report: &Report,
    options: &Options,
) -> String {
    let below = html! {
        (about)
        (verdict(slice::from_ref(report)))
    };
    let body = html! {
        (shell::header(Some(nav), title, &below))
        (findings::filter(slice::from_ref(report)))
        main id="main" { (section(0, report, false, options, 0)) }
    };
    shell::page(title, &body, Network::Server)
}

/// Escapes control characters of text from a trace. Maud escapes markup.
pub fn text(text: &str) -> Escaped<'_> {
    Escaped(text)
}

/// Renders one of our pictures. Writing to a string does not fail.
pub fn picture(draw: impl FnOnce(&mut String) -> fmt::Result) -> Markup {
    let mut out = String::new();
    let _ = draw(&mut out);
    PreEscaped(out)
}

/// Cuts a long text.
fn clip(text: &str) -> Escaped<'_> {
    const LONG: usize = 300;
    let end = text.char_indices().nth(LONG);
    Escaped(end.map_or(text, |(end, _)| &text[..end]))
}

/// Renders headline and verdict.
fn verdict(reports: &[Report]) -> Markup {
    let outcome = match reports {
        [one] => human::outcome(one, |_, text| text),
        _ => human::verdict(reports, |_, text| text),
    };
    let headline = match reports {
        [one] => one.headline(),
        _ => None,
    };
    html! {
        p class={ "verdict " (class(reports)) } role="status" {
            @if let Some(headline) = headline {
                strong { (clip(&headline)) }
                br;
            }
            (outcome)
        }
    }
}

/// Returns the style class of a verdict.
pub fn class(reports: &[Report]) -> &'static str {
    match reports.iter().filter_map(Report::worst).max() {
        Some(worst) => worst.name(),
        None if reports.iter().any(Report::is_judged) => "good",
        None if reports.iter().any(Report::is_unreadable) => "error",
        None => "warn",
    }
}

/// Renders all traces, those with the worst findings first, as long as the page has room.
fn traces(reports: &[Report], options: &Options) -> Markup {
    let mut order: Vec<(usize, &Report)> = reports.iter().enumerate().collect();
    order.sort_by_key(|(_, r)| Reverse(r.worst()));
    let several = reports.len() > 1;
    let list = several.then(|| list(&order));
    let mut written = list.as_ref().map_or(0, |list| list.0.len());
    let (mut sections, mut left_out) = (Vec::new(), 0);
    for (number, report) in order {
        if written > ENOUGH {
            left_out += 1;
            continue;
        }
        let section = section(number, report, several, options, written);
        written += section.0.len();
        sections.push(section);
    }
    html! {
        @if let Some(list) = list { (list) }
        @for section in sections { (section) }
        @if left_out > 0 {
            p { (human::plural(left_out, "more trace")) " left out: the page would be too large." }
        }
    }
}

fn list(order: &[(usize, &Report)]) -> Markup {
    html! {
        h2 { "Traces" }
        table {
            thead { tr { th scope="col" { "Trace" } th scope="col" { "Found" } } }
            tbody {
                @for (number, report) in order.iter().take(TRACES) {
                    tr {
                        td { a href={ "#t" (number) } { (clip(&report.trace.source)) } }
                        td class=(class(slice::from_ref(report))) {
                            (human::outcome(report, |_, text| text))
                        }
                    }
                }
            }
        }
        @if order.len() > TRACES {
            p { (human::plural((order.len() - TRACES) as u64, "more trace")) " not listed." }
        }
    }
}

/// Renders one trace. The page has `written` bytes already.
fn section(
    number: usize,
    report: &Report,
    several: bool,
    options: &Options,
    written: usize,
) -> Markup {
    let trace = &report.trace;
    html! {
        section id={ "t" (number) } class="trace" {
            @if several { h2 { (clip(&trace.source)) } }
            @if report.is_unreadable() {
                p class="error" { (clip(trace.error.as_deref().unwrap_or_default())) }
            } @else {
                (parts(number, report, options, written))
            }
        }
    }
}

/// Renders all that was found out about a trace.
fn parts(number: usize, report: &Report, options: &Options, written: usize) -> Markup {
    html! {
            (facts(report))
            @if let Some(error) = &report.trace.error {
                p class="error" { strong { "The trace broke off:" } " " (clip(error)) }
            }
            (signals::write(report))
            (over_time::write(number, report, options))
            (findings::write(number, report, options, written))
            (tasks::write(report))
            (gc::write(report))
            (goroutines::write(report))
            (cpu::write(report))
            (rules::write(report))
    }
}

fn facts(report: &Report) -> Markup {
    let goroutines = &report.program.goroutines;
    let [most, created] = [goroutines.peak, goroutines.created].map(human::count);
    html! {
        ul class="facts" {
            @for fact in human::facts(&report.trace) {
                li { (clip(&fact)) }
            }
            li { "goroutines: at most " (most) ", " (created) " created" }
        }
    }
}

#[cfg(test)]
mod tests;
