//! Registry of the output formats of reports.
//!
//! A format is one entry in the module that writes it. The command line, its help and the endings of files use the
//! entries.

use super::format::Formats;
use super::{
    Report, benchstat, csv, github, gitlab, html, json, jsonl, junit, markdown, openmetrics, sarif,
    table,
};

/// Formats of reports. A file's ending means the first format that lists it.
pub static FORMATS: Formats<[Report]> = Formats(&[
    &table::FORMAT,
    &json::FORMAT,
    &html::FORMAT,
    &markdown::FORMAT,
    &sarif::FORMAT,
    &junit::FORMAT,
    &github::FORMAT,
    &gitlab::FORMAT,
    &jsonl::FORMAT,
    &csv::FORMAT,
    &benchstat::FORMAT,
    &openmetrics::FORMAT,
]);

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn a_file_is_in_the_format_of_its_longest_ending() {
        for (file, formats) in [
            ("report.json", &["json", "sarif", "gitlab"][..]),
            ("report.sarif.json", &["sarif"]),
            ("report.SARIF", &["sarif"]),
            ("dir.html/report.md", &["markdown"]),
            ("report", &[]),
            ("html", &[]),
            ("report.txt", &["table"]),
            ("report.pdf", &[]),
        ] {
            let found = FORMATS.of_file(Path::new(file));
            let names: Vec<_> = found.iter().map(|format| format.name).collect();
            assert_eq!(names, formats, "{file}");
        }
    }

    #[test]
    fn every_format_is_found_by_its_name() {
        for format in FORMATS.iter() {
            assert_eq!(FORMATS.find(format.name), Some(format));
        }
        assert!(FORMATS.find("xml").is_none());
    }
}
