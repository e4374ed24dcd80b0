//! Reports as one page for a browser: whole in one file, of bounded size,
//! readable without scripts, on paper and by a screen reader.

mod findings;
mod goroutines;
mod rules;
mod tasks;

use std::cmp::Reverse;
use std::fmt::{self, Display, Write as _};
use std::io::{self, Write};
use std::slice;

use super::svg::{Lane, timeline};
use super::{Escaped, Finding, Format, Options, Report, human, top};

const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("script.js");

/// From here on only what is short is added, bytes: mails and code hosts take
/// pages of 2 MB.
const ENOUGH: usize = 1_400_000;
/// The most traces in the list.
const TRACES: usize = 1_000;

/// The entry in the registry.
pub const FORMAT: Format<[Report]> = Format {
    name: "html",
    summary: "a page in one file, for a browser",
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
    let mut body = String::new();
    // Writing to a string does not fail.
    let _ = self::body(&mut body, &title, reports, options);
    out.write_all(page(&title, &body).as_bytes())
}

/// A whole page with that title, of a `body` that is HTML already.
pub fn page(title: &str, body: &str) -> String {
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <title>{} · gotracer</title>\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; \
         style-src 'unsafe-inline'; script-src 'unsafe-inline'; base-uri 'none'; \
         form-action 'none'\">\n<style>\n{STYLE}</style>\n</head>\n<body>\n{body}\
         <script>\n{SCRIPT}</script>\n</body>\n</html>\n",
        Html(title)
    )
}

fn body(out: &mut String, title: &str, reports: &[Report], options: &Options) -> fmt::Result {
    write!(
        out,
        "<a class=\"skip\" href=\"#main\">Skip to the findings</a>\n<header>\n<h1>{}</h1>\n\
         <button type=\"button\" id=\"theme\" hidden>Dark</button>\n",
        Html(title)
    )?;
    let class = class(reports);
    let verdict = match reports {
        [one] => human::outcome(one, |_, text| text),
        _ => human::verdict(reports, |_, text| text),
    };
    writeln!(
        out,
        "<p class=\"verdict {class}\" role=\"status\">{verdict}</p>\n</header>"
    )?;
    findings::filter(out, reports)?;
    out.push_str("<main id=\"main\">\n");
    // Those with the worst findings first, as long as there is room.
    let mut order: Vec<(usize, &Report)> = reports.iter().enumerate().collect();
    order.sort_by_key(|(_, r)| Reverse(r.worst()));
    if reports.len() > 1 {
        list(out, &order)?;
    }
    let mut left_out = 0;
    for (number, report) in order {
        if out.len() > ENOUGH {
            left_out += 1;
        } else {
            section(out, number, report, reports.len() > 1, options)?;
        }
    }
    if left_out > 0 {
        let more = human::plural(left_out, "more trace");
        writeln!(out, "<p>{more} left out: the page would be too large.</p>")?;
    }
    writeln!(
        out,
        "</main>\n<footer>gotracer {}</footer>",
        env!("CARGO_PKG_VERSION")
    )
}

/// The class of a verdict.
fn class(reports: &[Report]) -> &'static str {
    match reports.iter().filter_map(Report::worst).max() {
        Some(worst) => worst.name(),
        None if reports.iter().any(Report::is_judged) => "good",
        None => "warn",
    }
}

fn list(out: &mut String, order: &[(usize, &Report)]) -> fmt::Result {
    out.push_str(
        "<h2>Traces</h2>\n<table><thead><tr><th scope=\"col\">Trace</th><th scope=\"col\">Found</th>\
         </tr></thead><tbody>\n",
    );
    for (number, report) in order.iter().take(TRACES) {
        let class = class(slice::from_ref(report));
        let verdict = human::outcome(report, |_, text| text);
        writeln!(
            out,
            "<tr><td><a href=\"#t{number}\">{}</a></td><td class=\"{class}\">{verdict}</td></tr>",
            Html(clip(&report.trace.source))
        )?;
    }
    out.push_str("</tbody></table>\n");
    if order.len() > TRACES {
        let more = human::plural((order.len() - TRACES) as u64, "more trace");
        writeln!(out, "<p>{more} not listed.</p>")?;
    }
    Ok(())
}

/// All of one trace.
fn section(
    out: &mut String,
    number: usize,
    report: &Report,
    several: bool,
    options: &Options,
) -> fmt::Result {
    let trace = &report.trace;
    writeln!(out, "<section id=\"t{number}\" class=\"trace\">")?;
    if several {
        writeln!(out, "<h2>{}</h2>", Html(clip(&trace.source)))?;
    }
    facts(out, report)?;
    if let Some(error) = &trace.error {
        let error = Html(clip(error));
        writeln!(
            out,
            "<p class=\"error\"><strong>The trace broke off:</strong> {error}</p>"
        )?;
    }
    let shown = top(report, options.top);
    over_time(out, number, report, &shown)?;
    findings::write(out, number, report, &shown, options)?;
    tasks::write(out, report)?;
    goroutines::write(out, report)?;
    rules::write(out, report)?;
    out.push_str("</section>\n");
    Ok(())
}

fn facts(out: &mut String, report: &Report) -> fmt::Result {
    out.push_str("<ul class=\"facts\">");
    for fact in human::facts(&report.trace) {
        write!(out, "<li>{}</li>", Html(clip(&fact)))?;
    }
    let goroutines = &report.program.goroutines;
    let [most, created] = [goroutines.peak, goroutines.created].map(human::count);
    write!(
        out,
        "<li>goroutines: at most {most}, {created} created</li>"
    )?;
    if let Some(n) = report.trace.gomaxprocs {
        write!(out, "<li>GOMAXPROCS {n}</li>")?;
    }
    out.push_str("</ul>\n");
    Ok(())
}

/// The timeline, with a lane for each rule that found something.
fn over_time(out: &mut String, number: usize, report: &Report, shown: &[&Finding]) -> fmt::Result {
    /// Marks that can be told apart.
    const MARKS: usize = 60;
    let mut lanes: Vec<Lane<'_>> = Vec::new();
    for rule in &report.rules {
        let of_rule = shown.iter().filter(|f| f.rule == rule.rule).take(MARKS);
        let marks = of_rule.map(|f| {
            let text = format!("{}: {}", f.rule.name, clip(&f.message));
            (
                f.first_ns,
                f.last_ns,
                f.severity,
                text,
                findings::anchor(number, f),
            )
        });
        let marks: Vec<_> = marks.collect();
        if !marks.is_empty() {
            lanes.push(Lane {
                name: rule.rule.name,
                marks,
            });
        }
    }
    if lanes.is_empty() && report.course.is_none() {
        return Ok(());
    }
    out.push_str(
        "<h3>Over time</h3>\n<div class=\"wide\" tabindex=\"0\" role=\"group\" \
                  aria-label=\"Timeline, can be scrolled\">",
    );
    timeline(
        out,
        report.trace.duration_ns,
        &lanes,
        report.course.as_ref(),
    )?;
    out.push_str("</div>\n");
    if report.course.is_some() {
        out.push_str(
            "<ul class=\"legend\"><li class=\"stopped\">world stopped</li>\
             <li class=\"heap-max\">heap</li><li class=\"heap-live\">live after the last \
             collection</li><li class=\"heap-goal\">goal</li>\
             <li class=\"runnable\">runnable goroutines, at most</li>\
             <li class=\"running\">running goroutines, on average</li></ul>\n",
        );
    }
    Ok(())
}

/// The beginning of a text that nobody reads to its end.
fn clip(text: &str) -> &str {
    const LONG: usize = 300;
    text.char_indices()
        .nth(LONG)
        .map_or(text, |(end, _)| &text[..end])
}

/// Text within HTML, in attributes as well.
pub struct Html<T>(pub T);

impl<T: Display> Display for Html<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in Escaped(&self.0.to_string()).to_string().chars() {
            match c {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                c => f.write_char(c)?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{Course, State, sample};

    fn html(reports: &[Report]) -> String {
        let mut out = Vec::new();
        write(&mut out, reports, &Options::default()).unwrap();
        String::from_utf8(out).unwrap()
    }

    fn course() -> Course {
        let mut course = Course::default();
        for i in 0..100u64 {
            let state = State {
                runnable: i % 7,
                running: 4,
                stopped: i % 25 == 0,
                heap_live: (40 + i / 20) << 20,
                heap_goal: (80 + i / 10) << 20,
                heap_objects: (40 + i % 40) << 20,
            };
            course.advance((i + 1) * 50_000_000, &state);
        }
        course
    }

    #[test]
    fn golden() {
        let mut report = sample::eventful("a.trace");
        report.course = Some(course());
        // Style and script are looked at in a browser; tips are many.
        let page = html(&[report, sample::broken("b")]);
        let body = page.split_once("<body>\n").unwrap().1;
        let body = body.split_once("<script>").unwrap().0;
        let (before, tips) = body.split_once("<g class=\"tips\">").unwrap();
        let after = tips.split_once("</g>").unwrap().1;
        let text = format!("{before}[tips]{after}").replace("><", ">\n<");
        let version = format!("gotracer {}", env!("CARGO_PKG_VERSION"));
        insta::assert_snapshot!(text.replace(&version, "gotracer [version]"));
    }

    #[test]
    fn nothing_of_a_trace_is_markup() {
        let page = html(&[sample::hostile()]);
        assert_eq!(page.matches("<script").count(), 1);
        assert!(!page.contains("<img") && !page.contains("<!-- "));
        assert!(!page.chars().any(|c| c.is_control() && c != '\n'));
        // Nothing is loaded from anywhere.
        for outside in ["src=\"", "href=\"http", "url(", "@import"] {
            assert!(!page.contains(outside), "{outside}");
        }
    }

    #[test]
    fn a_page_is_never_too_large() {
        let mut report = sample::hostile();
        report.course = Some(course());
        let found = report.findings[0].clone();
        let mut deep = found.clone();
        deep.message = "<".repeat(10_000);
        deep.stack = vec![found.place.clone(); 128];
        for frame in &mut deep.stack {
            frame.function = "<".repeat(1_024);
            frame.file = "&".repeat(1_024);
        }
        report.findings = vec![deep; 60];
        let most = 2_000_000;
        let one = html(std::slice::from_ref(&report));
        assert!(one.len() < most, "{}", one.len());
        assert!(one.contains("left out"));
        report.findings = vec![found];
        let many = html(&vec![report; 1_200]);
        assert!(many.len() < most, "{}", many.len());
    }
}
