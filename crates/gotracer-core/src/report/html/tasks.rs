//! Tasks and regions by type.

use std::fmt::{self, Write as _};

use super::{Html, clip};
use crate::report::{Report, Slow, human};
use crate::rules::Distribution;
use crate::timeline::StateVector;
use crate::units::duration;

/// Maximum number of types on a page.
const MOST: usize = 50;
/// States named for each type.
const STATES: usize = 4;

/// Writes the tasks and regions of one trace, if it has any.
pub fn write(out: &mut String, report: &Report) -> fmt::Result {
    let tasks = report.tasks.iter();
    let tasks = tasks.map(|t| {
        (
            t.name.as_str(),
            t.open,
            &t.duration,
            &t.time,
            &t.slowest[..],
        )
    });
    table(out, "Tasks", tasks)?;
    let regions = report.regions.iter();
    let regions = regions.map(|r| {
        (
            r.name.as_str(),
            r.open,
            &r.duration,
            &r.time,
            &r.slowest[..],
        )
    });
    table(out, "Regions", regions)?;
    let requests = report.requests.iter();
    let requests = requests.map(|r| {
        (
            human::short(&r.handler),
            r.open,
            &r.duration,
            &r.time,
            &r.slowest[..],
        )
    });
    table(out, "Requests", requests)
}

type Row<'a> = (&'a str, u64, &'a Distribution, &'a StateVector, &'a [Slow]);

fn table<'a>(
    out: &mut String,
    title: &str,
    rows: impl ExactSizeIterator<Item = Row<'a>>,
) -> fmt::Result {
    let all = rows.len();
    if all == 0 {
        return Ok(());
    }
    writeln!(
        out,
        "<h3>{title}</h3>\n\
         <div class=\"wide\" tabindex=\"0\" role=\"group\" aria-label=\"{title} by type, can be scrolled\">\n\
         <table><thead><tr><th scope=\"col\">Type</th><th scope=\"col\">Count</th>\
         <th scope=\"col\">p50</th><th scope=\"col\">p99</th><th scope=\"col\">Longest</th>\
         <th scope=\"col\">At</th><th scope=\"col\">States</th></tr></thead><tbody>"
    )?;
    for (name, open, taken, time, slowest) in rows.take(MOST) {
        let bound = if open > 0 { " (≥)" } else { "" };
        let [p50, p99] = [taken.quantile(0.5), taken.quantile(0.99)].map(duration);
        let at = slowest.first().map_or(0, |slow| slow.start_ns);
        writeln!(
            out,
            "<tr><td><code>{}</code></td><td>{}{bound}</td><td>{p50}</td><td>{p99}</td><td>{}</td>\
             <td>{}</td><td>{}</td></tr>",
            Html(clip(name)),
            human::count(taken.count()),
            duration(taken.max()),
            duration(at),
            human::states(time, STATES)
        )?;
    }
    out.push_str("</tbody></table>\n</div>\n");
    if all > MOST {
        let more = human::plural((all - MOST) as u64, "more type");
        writeln!(out, "<p>{more} not listed.</p>")?;
    }
    Ok(())
}
