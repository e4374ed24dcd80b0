//! The configuration in force, and the answer to addresses that do not exist.

use maud::html;

use super::page;
use crate::report::html::text;

/// The configuration in force, as YAML.
pub fn configuration(yaml: &str) -> String {
    let main = html! { pre { (text_lines(yaml)) } };
    page("./", "Configuration", &main, None)
}

/// An address that does not exist. Links start at the root of the server's address.
pub fn not_found(path: &str) -> String {
    let main = html! {
        p { "There is no page " code { (text(path)) } "." }
        p { a href="/" { "All traces" } }
    };
    page("/", "Not found", &main, None)
}

/// Text of several lines.
fn text_lines(lines: &str) -> String {
    let lines = lines.lines().map(|line| text(line).to_string() + "\n");
    lines.collect()
}
