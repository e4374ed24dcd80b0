//! Findings, and the form that filters them.

use std::collections::{HashMap, HashSet};

use maud::{Markup, html};

use super::{ENOUGH, clip, moment, text};
use crate::report::markdown::excerpt;
use crate::report::{Finding, Frame, Options, Report, Severity, human, ranked, share, top};
use crate::units::duration;

/// Maximum number of frames of a stack.
const FRAMES: usize = 64;
/// Number of findings that a page shows without a click.
const OPEN: usize = 25;
/// Number of places of a finding that are listed without a click.
const FEW_PLACES: usize = 5;

/// Returns the form that filters findings. It is hidden where scripts do not run.
pub(super) fn filter(reports: &[Report]) -> Markup {
    let mut rules: Vec<_> = reports
        .iter()
        .flat_map(|report| &report.findings)
        .map(|finding| finding.rule)
        .collect();
    if rules.is_empty() {
        return html! {};
    }
    rules.sort_by_key(|rule| rule.index());
    rules.dedup();
    html! {
        form id="filter" role="search" hidden {
            label { "Search " input type="search" name="text" placeholder="function, file, text"; }
            label {
                "Rule "
                select name="rule" {
                    option value="" { "all" }
                    @for rule in rules { option { (rule.name) } }
                }
            }
            fieldset {
                legend { "Severity" }
                @for severity in Severity::ALL {
                    @let name = severity.name();
                    label { input type="checkbox" name="severity" value=(name) checked; " " (name) }
                }
            }
            output id="shown" aria-live="polite" {}
        }
    }
}

/// Returns the finding's anchor in the page.
pub(super) fn anchor(number: usize, finding: &Finding) -> String {
    format!("f{number}-{}", finding.id)
}

/// Renders the findings of one trace by time lost, as long as the page has room. The page has `written` bytes
/// already.
pub(super) fn write(
    number: usize,
    report: &Report,
    options: &Options,
    mut written: usize,
) -> Markup {
    let kept = top(report, options.top).into_iter();
    let kept: HashSet<&str> = kept.map(|f| f.id.as_str()).collect();
    let mut first_of_rule: HashMap<&str, &Finding> = HashMap::new();
    let mut all: Vec<Markup> = Vec::new();
    for (rank, finding) in (1..).zip(ranked(report)) {
        if !kept.contains(finding.id.as_str()) {
            continue;
        }
        if written > ENOUGH {
            break;
        }
        let first = *first_of_rule.entry(finding.rule.name).or_insert(finding);
        let one = one(number, report, (rank, finding), first, options);
        written += one.0.len();
        all.push(one);
    }
    let left_out = (report.findings.len() - all.len()) as u64;
    html! {
        h3 { "Findings" }
        @if report.findings.is_empty() {
            p class="good" { "Nothing was found." }
        }
        @let folded = all.split_off(all.len().min(OPEN));
        @for finding in all { (finding) }
        @if !folded.is_empty() {
            details class="more" {
                summary { (human::plural(folded.len() as u64, "more finding")) }
                @for finding in folded { (finding) }
            }
        }
        @if left_out > 0 {
            p { (human::plural(left_out, "more finding")) " left out." }
        }
    }
}

/// Renders a finding and its number, which `explain --finding` accepts.
fn one(
    number: usize,
    report: &Report,
    (rank, f): (usize, &Finding),
    first: &Finding,
    options: &Options,
) -> Markup {
    let (severity, rule) = (f.severity.name(), f.rule.name);
    // Suggestions are long texts, equal for many findings of a rule.
    let same_fix = !std::ptr::eq(first, f) && first.suggestion == f.suggestion;
    html! {
        article id=(anchor(number, f)) class={ "finding " (severity) } data-rule=(rule) data-severity=(severity) {
            h4 {
                span class="severity" { (severity) }
                " " (rule) " " code { (clip(&human::place(&f.place))) }
            }
            p { (clip(&f.message)) }
            (numbers(report, rank, f))
            (moment::write(report, f))
            @if let Some(cause) = &f.cause {
                p { b { "Cause" } " " (clip(&cause.text)) }
            }
            @if same_fix {
                p { b { "Fix" } " as of " a href={ "#" (anchor(number, first)) } { "the first finding of this rule" } }
            } @else {
                p { b { "Fix" } " " (clip_fix(&f.suggestion)) }
            }
            (places(f, options))
            (stack("Stack", &f.stack, options))
            @if let Some(cause) = &f.cause {
                (stack("Stack of the cause", &cause.stack, options))
            }
            button type="button" class="copy" data-text=(excerpt(&report.trace.source, f)) hidden { "Copy as Markdown" }
        }
    }
}

fn numbers(report: &Report, rank: usize, f: &Finding) -> Markup {
    let value = |n| human::value(f.unit(), n);
    let least = if f.open > 0 { "≥" } else { "" };
    let ids: Vec<_> = f.goroutines.iter().map(ToString::to_string).collect();
    let pair = |term: &str, value: String| {
        html! { div { dt { (term) } dd { (value) } } }
    };
    html! {
        dl {
            (pair("finding", rank.to_string()))
            (pair("count", human::count(f.count)))
            (pair("worst", format!("{least}{}", value(f.worst))))
            (pair("at", duration(f.worst_at_ns)))
            (pair("total", format!("{least}{}", value(f.total))))
            @if let Some(share) = report.share_lost(f) {
                (pair("share", share::phrase(f.rule, share)))
            }
            (pair("threshold", value(f.threshold)))
            @if let Some(range) = range(f) {
                (pair("from", range))
            }
            @if let Some(end) = human::waits_in_the_end(f) {
                (pair("in the end", end))
            }
            @if !ids.is_empty() {
                (pair("goroutine ids", ids.join(", ")))
            }
        }
    }
}

/// Formats the time from the first occurrence to the last, if they are not at the same one.
fn range(f: &Finding) -> Option<String> {
    let [first, last] = [f.first_ns, f.last_ns].map(duration);
    (f.count > 1 && first != last).then(|| format!("{first} to {last}"))
}

/// Renders the places of a finding that covers several, the worst first.
fn places(f: &Finding, options: &Options) -> Markup {
    let all = f.all_places();
    if all <= 1 {
        return html! {};
    }
    html! {
        details open[f.places.len() <= FEW_PLACES] {
            summary { (human::plural(all, "place")) }
            table class="places" {
                thead { tr {
                    th scope="col" { "Place" }
                    th scope="col" class="number" { "Count" }
                    th scope="col" class="number" { "Worst" }
                } }
                tbody {
                    @for at in &f.places {
                        tr {
                            td { (frame(&at.place, options)) }
                            td class="number" { (human::count(at.count)) }
                            td class="number" { (human::value(f.unit(), at.worst)) }
                        }
                    }
                }
            }
            @if all > f.places.len() as u64 {
                p { (human::plural(all - f.places.len() as u64, "more place")) }
            }
        }
    }
}

/// Renders a function and, below it, file and line.
fn frame(frame: &Frame, options: &Options) -> Markup {
    let path = options.paths.in_repository(&frame.file);
    let path = path.as_deref().unwrap_or(&frame.file);
    html! {
        code { (clip(&frame.function)) }
        @if !frame.file.is_empty() {
            br;
            span class="at" { (clip(path)) ":" (frame.line) }
        }
    }
}

/// Cuts a suggestion at the length of the longest one of any rule.
fn clip_fix(fix: &str) -> crate::report::Escaped<'_> {
    let longest = crate::rules::RULES.iter().map(|r| r.advice.len()).max();
    let end = fix.char_indices().nth(longest.unwrap_or(0));
    text(end.map_or(fix, |(end, _)| &fix[..end]))
}

fn stack(title: &str, frames: &[Frame], options: &Options) -> Markup {
    if frames.is_empty() {
        return html! {};
    }
    html! {
        details {
            summary { (title) }
            ol {
                @for one in frames.iter().take(FRAMES) {
                    li { (frame(one, options)) }
                }
            }
            @if frames.len() > FRAMES {
                p { (human::plural((frames.len() - FRAMES) as u64, "more frame")) }
            }
        }
    }
}
