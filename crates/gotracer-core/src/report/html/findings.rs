//! Findings, and the form that filters them.

use std::fmt::{self, Write as _};

use super::{ENOUGH, Html, clip};
use crate::report::{Finding, Frame, Options, Report, Severity, human};
use crate::units::duration;

/// Frames of a stack that are shown.
const FRAMES: usize = 64;

/// The form that filters; it shows only where scripts run.
pub fn filter(out: &mut String, reports: &[Report]) -> fmt::Result {
    let all = || reports.iter().flat_map(|r| &r.findings);
    if all().count() == 0 {
        return Ok(());
    }
    out.push_str(
        "<form id=\"filter\" role=\"search\" hidden>\n<label>Search <input type=\"search\" \
         name=\"text\" placeholder=\"function, file, text\"></label>\n\
         <label>Rule <select name=\"rule\"><option value=\"\">all</option>",
    );
    let mut rules: Vec<_> = all().map(|f| f.rule).collect();
    rules.sort_by_key(|rule| rule.index());
    rules.dedup();
    for rule in rules {
        write!(out, "<option>{}</option>", rule.name)?;
    }
    out.push_str("</select></label>\n<fieldset><legend>Severity</legend>");
    for severity in Severity::ALL {
        let name = severity.name();
        write!(
            out,
            "<label><input type=\"checkbox\" name=\"severity\" value=\"{name}\" checked> \
             {name}</label>"
        )?;
    }
    out.push_str("</fieldset>\n<output id=\"shown\" aria-live=\"polite\"></output>\n</form>\n");
    Ok(())
}

/// The finding's place in the page.
pub fn anchor(number: usize, finding: &Finding) -> String {
    format!("f{number}-{}", finding.id)
}

/// The findings of one trace.
pub fn write(
    out: &mut String,
    number: usize,
    report: &Report,
    shown: &[&Finding],
    options: &Options,
) -> fmt::Result {
    out.push_str("<h3>Findings</h3>\n");
    if report.findings.is_empty() {
        out.push_str("<p class=\"good\">Nothing was found.</p>\n");
    }
    let mut written = 0;
    for f in shown {
        if out.len() > ENOUGH {
            break;
        }
        finding(out, number, f, options)?;
        written += 1;
    }
    if written < report.findings.len() {
        let more = (report.findings.len() - written) as u64;
        writeln!(
            out,
            "<p>{} left out.</p>",
            human::plural(more, "more finding")
        )?;
    }
    Ok(())
}

fn finding(out: &mut String, number: usize, f: &Finding, options: &Options) -> fmt::Result {
    let (severity, rule) = (f.severity.name(), f.rule.name);
    let place = human::place(&f.place);
    writeln!(
        out,
        "<article id=\"{}\" class=\"finding {severity}\" data-rule=\"{rule}\" \
         data-severity=\"{severity}\">\n<h4><span class=\"severity\">{severity}</span> {rule} \
         <code>{}</code></h4>\n<p>{}</p>",
        anchor(number, f),
        Html(clip(&place)),
        Html(clip(&f.message)),
    )?;
    let value = |n| human::value(f.unit(), n);
    let least = if f.open > 0 { "≥" } else { "" };
    out.push_str("<dl>");
    pair(out, "times", human::count(f.count))?;
    pair(out, "worst", format!("{least}{}", value(f.worst)))?;
    pair(out, "worst at", duration(f.worst_at_ns))?;
    pair(out, "in all", format!("{least}{}", value(f.total)))?;
    pair(out, "threshold", value(f.threshold))?;
    let when = format!("{} to {}", duration(f.first_ns), duration(f.last_ns));
    pair(out, "from the start", when)?;
    if !f.goroutines.is_empty() {
        let ids: Vec<_> = f.goroutines.iter().map(ToString::to_string).collect();
        pair(out, "goroutines", ids.join(", "))?;
    }
    out.push_str("</dl>\n");
    if let Some(cause) = &f.cause {
        writeln!(out, "<p><b>Cause</b> {}</p>", Html(clip(&cause.text)))?;
    }
    // Fixes are texts of ours, and long.
    writeln!(out, "<p><b>Fix</b> {}</p>", Html(clip_fix(&f.suggestion)))?;
    stack(out, "Stack", &f.stack, options)?;
    if let Some(cause) = &f.cause {
        stack(out, "Stack of the cause", &cause.stack, options)?;
    }
    out.push_str("</article>\n");
    Ok(())
}

/// As much as the longest advice of any rule.
fn clip_fix(text: &str) -> &str {
    let longest = crate::rules::RULES.iter().map(|r| r.advice.len()).max();
    let end = text.char_indices().nth(longest.unwrap_or(0));
    end.map_or(text, |(end, _)| &text[..end])
}

fn pair(out: &mut String, term: &str, text: String) -> fmt::Result {
    write!(out, "<div><dt>{term}</dt><dd>{}</dd></div>", Html(text))
}

fn stack(out: &mut String, title: &str, frames: &[Frame], options: &Options) -> fmt::Result {
    if frames.is_empty() {
        return Ok(());
    }
    write!(out, "<details><summary>{title}</summary><ol>")?;
    for frame in frames.iter().take(FRAMES) {
        write!(out, "<li><code>{}</code>", Html(clip(&frame.function)))?;
        if !frame.file.is_empty() {
            let path = options.paths.in_repository(&frame.file);
            let path = path.as_deref().unwrap_or(&frame.file);
            write!(
                out,
                "<br><span class=\"at\">{}:{}</span>",
                Html(clip(path)),
                frame.line
            )?;
        }
        out.push_str("</li>");
    }
    out.push_str("</ol>");
    if frames.len() > FRAMES {
        let more = human::plural((frames.len() - FRAMES) as u64, "more frame");
        write!(out, "<p>{more}</p>")?;
    }
    out.push_str("</details>\n");
    Ok(())
}
