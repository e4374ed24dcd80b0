//! Pages for people: plain HTML, no scripts, readable on a phone, light and
//! dark.

mod landing;
mod releases;
mod report;

use std::fmt::{self, Write};

pub use landing::landing;
pub use releases::releases;
pub use report::report;

use crate::daemon::failure::Failure;

/// The look of all pages. A narrow screen shows a row of a table as a card.
const STYLE: &str = "
:root { color-scheme: light dark; --line: #8884; --weak: #777; --error: #c62828; --warn: #a85b00; --info: #1565c0; --good: #2e7d32 }
@media (prefers-color-scheme: dark) { :root { --weak: #999; --error: #ff8a80; --warn: #ffb74d; --info: #90caf9; --good: #81c784 } }
* { box-sizing: border-box }
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 72rem; margin: 0 auto; padding: 1rem }
h1 { font-size: 1.5rem; margin: .5rem 0 } h2 { font-size: 1.2rem; margin: 1.5rem 0 .5rem } h3 { font-size: 1rem; margin: 0 } table + h3 { margin-top: 1rem }
h1, h3, td, li, p { overflow-wrap: anywhere }
nav { display: flex; flex-wrap: wrap; gap: .25rem 1rem }
nav a { padding: .25rem 0 }
table { border-collapse: collapse; width: 100% }
th, td { text-align: left; vertical-align: top; padding: .4rem .8rem .4rem 0; border-top: 1px solid var(--line) }
th { color: var(--weak); font-weight: normal; border: 0 }
th.number, td.number { text-align: right; font-variant-numeric: tabular-nums }
.weak { color: var(--weak) } .error { color: var(--error) } .warn { color: var(--warn) } .info { color: var(--info) } .good { color: var(--good) }
article { border-left: .25rem solid currentColor; padding: .1rem 0 .1rem .8rem; margin: 1rem 0 }
article > * { color: CanvasText } article p { margin: .25rem 0 }
ol { margin: .25rem 0; padding-left: 1.5rem }
summary { cursor: pointer; color: var(--weak) }
@media (min-width: 40rem) {
  td:first-child, td.number { white-space: nowrap }
  .list th:first-child { width: 14rem } .list th:last-child { width: 22rem }
}
@media (max-width: 40rem) {
  thead { display: none }
  tr { display: block; border-top: 1px solid var(--line); padding: .5rem 0 }
  td, td.number { display: block; border: 0; padding: .1rem 0; text-align: left }
  td:empty { display: none }
  td[data-is]::before { content: attr(data-is) ' '; color: var(--weak) }
}
";

/// A whole page.
fn page(title: &str, body: &str) -> String {
    format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>{}</title>\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <style>{STYLE}</style></head><body>\n{body}</body></html>\n",
        Html(title)
    )
}

/// Why something failed.
fn failed(out: &mut String, (reason, text): &(Failure, String)) -> fmt::Result {
    let reason = reason.name();
    write!(out, "<span class=\"error\">{reason}: {}</span>", Html(text))
}

/// Text within HTML.
struct Html<T>(T);

impl<T: fmt::Display> fmt::Display for Html<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in self.0.to_string().chars() {
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
