//! Page of the effective configuration, and page for unknown paths.

use maud::html;

use super::page;
use crate::report::html::text;

/// Renders the effective configuration as YAML.
pub(crate) fn configuration(yaml: &str) -> String {
    let main = html! { pre { (text_lines(yaml)) } };
    page("./", "Configuration", &main, None)
}

/// Renders the page for an unknown path. Its links start at the root of the server.
pub(crate) fn not_found(path: &str) -> String {
    let main = html! {
        p { "There is no page " code { (text(path)) } "." }
        p { a href="/" { "All traces" } }
    };
    page("/", "Not found", &main, None)
}

/// Escapes text of several lines.
fn text_lines(lines: &str) -> String {
    let lines = lines.lines().map(|line| text(line).to_string() + "\n");
    lines.collect()
}
