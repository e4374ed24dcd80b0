//! Reports as JSON, described by `schema/report-v1.json`.
//!
//! The shape is the same for one trace or a thousand, see [`wire`](super::wire).

use std::io::{self, Write};

use super::wire::Document;
use super::{Format, Options, Report};

/// Entry in the registry.
pub const FORMAT: Format<[Report]> = Format {
    name: "json",
    summary: "JSON for scripts, see schema/report-v1.json",
    endings: &["json"],
    course: false,
    write,
};

/// Writes the reports as one JSON document.
///
/// # Errors
/// If writing fails.
pub fn write(out: &mut dyn Write, reports: &[Report], options: &Options) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, &Document::new(reports, options))?;
    out.write_all(b"\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    fn json(reports: &[Report]) -> String {
        sample::written(&FORMAT, reports, &Options::default())
    }

    #[test]
    fn golden() {
        let mut report = sample::eventful("a.trace");
        report.rules.retain(|r| [2, 7].contains(&r.rule.index()));
        insta::assert_snapshot!(json(&[report, sample::broken("-")]));
    }

    #[test]
    fn output_follows_the_published_schema() {
        let schema = include_str!("../../../../schema/report-v1.json");
        let schema = serde_json::from_str(schema).unwrap();
        let validator = jsonschema::validator_for(&schema).unwrap();
        let reports = [
            sample::eventful("a"),
            sample::broken("b"),
            sample::report("c"),
        ];
        for output in [json(&reports), json(&[])] {
            let value = serde_json::from_str(&output).unwrap();
            let errors: Vec<_> = validator
                .iter_errors(&value)
                .map(|e| e.to_string())
                .collect();
            assert!(errors.is_empty(), "{errors:#?}");
        }
    }
}
