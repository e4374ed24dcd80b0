//! A comparison as a page, with both distributions of each signal over each
//! other.

use std::fmt::{self, Write as _};
use std::io::{self, Write};

use super::words::{self, Row};
use crate::compare::{Comparison, Difference, Signal, Verdict};
use crate::report::html::{Html, page};
use crate::report::svg::{Series, histogram};
use crate::report::{Format, Options, Severity, human};

/// The entry in the registry.
pub const FORMAT: Format<Comparison> = Format {
    name: "html",
    summary: "a page in one file, with both distributions of each signal",
    endings: &["html", "htm"],
    course: false,
    write,
};

fn write(out: &mut dyn Write, c: &Comparison, _: &Options) -> io::Result<()> {
    let mut text = String::new();
    // Writing to a string does not fail.
    let _ = body(&mut text, c);
    out.write_all(page("Comparison", &text).as_bytes())
}

fn body(out: &mut String, c: &Comparison) -> fmt::Result {
    let class = words::concern(c).map_or("good", Severity::name);
    write!(
        out,
        "<a class=\"skip\" href=\"#main\">Skip to the changes</a>\n<header>\n<h1>Comparison</h1>\n\
         <button type=\"button\" id=\"theme\" hidden>Dark</button>\n\
         <p class=\"verdict {class}\" role=\"status\">{}</p>\n</header>\n<main id=\"main\">\n<ul>\n",
        words::conclusion(c)
    )?;
    for (name, side) in [("base", &c.base), ("new", &c.new)] {
        writeln!(out, "<li>{name}: {}</li>", Html(words::side(side)))?;
    }
    out.push_str("</ul>\n<h2>Signals</h2>\n");
    signals(out, c)?;
    findings(out, c)?;
    if !c.sites.is_empty() {
        out.push_str("<h2>Goroutines</h2>\n<ul>\n");
        for s in &c.sites {
            let place = human::place(&s.place);
            writeln!(
                out,
                "<li><code>{}</code> {}</li>",
                Html(place),
                words::site(s)
            )?;
        }
        out.push_str("</ul>\n");
    }
    out.push_str("</main>\n");
    Ok(())
}

fn signals(out: &mut String, c: &Comparison) -> fmt::Result {
    let rows = words::rows(&c.signals, c.effect);
    if !rows.is_empty() {
        out.push_str(
            "<div class=\"wide\" tabindex=\"0\" role=\"group\" \
             aria-label=\"Signals, can be scrolled\">\n<table>\n<thead><tr>",
        );
        for heading in Row::HEADING {
            write!(out, "<th scope=\"col\">{}</th>", capital(heading))?;
        }
        out.push_str("</tr></thead>\n<tbody>\n");
        for row in &rows {
            let class = match row.verdict {
                Verdict::Regression => "error",
                Verdict::Improvement => "good",
                Verdict::NoChange | Verdict::TooLittle => "weak",
            };
            let [first @ .., verdict] = row.cells();
            out.push_str("<tr>");
            for cell in first {
                write!(out, "<td>{}</td>", Html(cell))?;
            }
            writeln!(out, "<td class=\"{class}\">{verdict}</td></tr>")?;
        }
        out.push_str("</tbody>\n</table>\n</div>\n");
    }
    for line in words::left_out(c).into_iter().chain(words::limits(c)) {
        writeln!(out, "<p class=\"weak\">{}</p>", Html(line))?;
    }
    out.push_str(
        "<ul class=\"legend\">\n<li class=\"seen\">new</li>\n\
         <li class=\"base-run\">base, in front of it</li>\n</ul>\n<div class=\"rules\">\n",
    );
    for signal in &c.signals {
        picture(out, signal)?;
    }
    out.push_str("</div>\n");
    Ok(())
}

fn picture(out: &mut String, s: &Signal) -> fmt::Result {
    // The one in front lets the other be seen.
    let sides = [("new", "seen", &s.new), ("base", "base-run", &s.base)];
    let series = sides.map(|(name, class, seen)| Series { name, class, seen });
    if s.base.count() + s.new.count() == 0 {
        return Ok(());
    }
    writeln!(out, "<article class=\"rule\">\n<h3>{}</h3>", s.rule.name)?;
    histogram(out, s.rule.unit, &series, &[])?;
    out.push_str("</article>\n");
    Ok(())
}

fn findings(out: &mut String, c: &Comparison) -> fmt::Result {
    if c.findings.is_empty() {
        return Ok(());
    }
    out.push_str("<h2>Findings</h2>\n<ul>\n");
    for f in &c.findings {
        let class = match f.difference {
            Difference::New | Difference::Worse => "warn",
            Difference::Better | Difference::Gone => "good",
        };
        let seen = f.new.as_ref().or(f.base.as_ref());
        let at = seen.map(|s| human::place(&s.place)).unwrap_or_default();
        writeln!(
            out,
            "<li><strong class=\"{class}\">{}</strong> {} <code>{}</code>: {}</li>",
            words::difference(f.difference),
            f.rule.name,
            Html(at),
            Html(words::finding(c, f))
        )?;
    }
    out.push_str("</ul>\n");
    Ok(())
}

/// A heading as a page has it.
fn capital(heading: &str) -> String {
    let (first, rest) = heading.split_at(1);
    format!("{first}{}", rest.to_lowercase())
}
