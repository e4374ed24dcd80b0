//! Where the time of goroutines goes: all of the program's as a bar, and by the function that they were started with.

use std::fmt::{self, Write as _};

use super::{Html, clip};
use crate::report::{GoroutineGroup, Report, human};
use crate::timeline::{State, StateVector};
use crate::units::duration;

/// Most functions that a page shows.
const MOST: usize = 50;
/// States named for each function.
const STATES: usize = 4;

/// The goroutines of one trace.
pub fn write(out: &mut String, report: &Report) -> fmt::Result {
    let time = &report.program.time;
    let Some(line) = human::program_time(time) else {
        return Ok(());
    };
    writeln!(out, "<h3>Goroutines</h3>\n<p>{}</p>", Html(&line))?;
    bar(out, time)?;
    out.push_str(
        "<div class=\"wide\" tabindex=\"0\" role=\"group\" aria-label=\"Goroutines by function, can be scrolled\">\n\
         <table><thead><tr><th scope=\"col\">Started with</th><th scope=\"col\">Goroutines</th>\
         <th scope=\"col\">Alive</th><th scope=\"col\">Life p50</th><th scope=\"col\">p99</th>\
         <th scope=\"col\">Time in all</th><th scope=\"col\">States</th></tr></thead><tbody>\n",
    );
    report
        .goroutines
        .iter()
        .take(MOST)
        .try_for_each(|group| row(out, group))?;
    out.push_str("</tbody></table>\n</div>\n");
    if report.goroutines.len() > MOST {
        let more = human::plural((report.goroutines.len() - MOST) as u64, "more function");
        writeln!(out, "<p>{more} not listed.</p>")?;
    }
    Ok(())
}

/// Shares of the states as one bar; the text before it says the same.
fn bar(out: &mut String, time: &StateVector) -> fmt::Result {
    out.push_str("<div class=\"states\" aria-hidden=\"true\">");
    for state in State::ALL {
        let share = time.of(state) as f64 / time.total() as f64 * 100.0;
        if share >= 0.05 {
            let (name, words) = (state.name(), state.words());
            write!(
                out,
                "<span class=\"{name}\" style=\"width:{share:.2}%\" title=\"{words} {share:.1}%\"></span>"
            )?;
        }
    }
    out.push_str("</div>\n");
    Ok(())
}

fn row(out: &mut String, group: &GoroutineGroup) -> fmt::Result {
    let [count, alive] = [group.count, group.alive].map(human::count);
    let [p50, p99, all] = [group.life.p50, group.life.p99, group.time.total()].map(duration);
    writeln!(
        out,
        "<tr><td><code>{}</code></td><td>{count}</td><td>{alive}</td><td>{p50}</td><td>{p99}</td><td>{all}</td>\
         <td>{}</td></tr>",
        Html(clip(human::short(&group.function))),
        human::states(&group.time, STATES)
    )
}
