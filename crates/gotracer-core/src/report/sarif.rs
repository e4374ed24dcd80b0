//! Reports as SARIF 2.1.0, the Static Analysis Results Interchange Format, for GitHub's code scanning, Azure DevOps
//! and editors.
//!
//! All traces are one run, and each place is one result: code hosts show duplicates as separate alerts.

use std::io::{self, Write};

use serde_json::{Value, json};

use super::placed::{Placed, placed_with_suppressed};
use super::{Format, Frame, Options, PathMap, Report, Severity, Status, human};
use crate::rules::{RULES, Rule};

const SCHEMA: &str = "https://json.schemastore.org/sarif-2.1.0.json";

/// Entry in the registry.
pub(super) const FORMAT: Format<[Report]> = Format {
    name: "sarif",
    summary: "SARIF 2.1.0 for code scanning",
    endings: &["sarif", "sarif.json", "json"],
    course: false,
    write,
};

/// Writes one SARIF log.
///
/// # Errors
/// If writing fails.
pub(super) fn write(out: &mut dyn Write, reports: &[Report], options: &Options) -> io::Result<()> {
    let results = placed_with_suppressed(reports, options);
    let rules = applied(reports);
    let results = results.iter().map(|r| result(r, &rules, &options.paths));
    let results: Vec<_> = results.collect();
    let driver = json!({
        "name": "gotracer",
        "semanticVersion": env!("CARGO_PKG_VERSION"),
        "rules": rules.iter().map(|r| rule(r)).collect::<Vec<_>>(),
    });
    let log = json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": driver},
            "columnKind": "unicodeCodePoints",
            "invocations": [{
                "executionSuccessful": reports.iter().all(|r| r.trace.error.is_none()),
                "toolExecutionNotifications": notifications(reports, &rules),
            }],
            "results": results,
        }],
    });
    serde_json::to_writer_pretty(&mut *out, &log)?;
    out.write_all(b"\n")
}

/// Returns the built-in rules, and the custom rules that were applied.
fn applied(reports: &[Report]) -> Vec<&'static Rule> {
    let mut rules: Vec<_> = RULES.into_iter().collect();
    for asked in reports.iter().flat_map(|report| &report.rules) {
        if !rules.contains(&asked.rule) {
            rules.push(asked.rule);
        }
    }
    rules
}

/// Returns the number of a rule in the log.
fn index(rules: &[&Rule], rule: &Rule) -> Option<usize> {
    rules.iter().position(|known| *known == rule)
}

fn rule(rule: &Rule) -> Value {
    json!({
        "id": rule.name,
        "name": rule.name,
        "shortDescription": {"text": rule.summary},
        "fullDescription": {"text": format!("{} {}", rule.summary, rule.why)},
        "help": {
            "text": format!("{} {}", rule.why, rule.advice),
            "markdown": format!("**Why** {}\n\n**What to do** {}", rule.why, rule.advice),
        },
        "defaultConfiguration": {"level": "warning"},
        "properties": {"tags": ["performance", "go"], "precision": "very-high"},
    })
}

/// Notifications about truncated traces, and about rules that were not applicable.
fn notifications(reports: &[Report], rules: &[&Rule]) -> Vec<Value> {
    let mut all = Vec::new();
    for report in reports {
        let source = &report.trace.source;
        if let Some(error) = &report.trace.error {
            let text = format!("{source}: {error}");
            all.push(json!({"level": "error", "message": {"text": text}}));
        }
        for asked in &report.rules {
            if asked.status == Status::NotApplicable {
                let why = asked.reason.as_deref().unwrap_or_default();
                let text = format!("{source}: {} is not applicable: {why}", asked.rule.name);
                all.push(json!({
                    "level": "note",
                    "message": {"text": text},
                    "associatedRule": {"id": asked.rule.name, "index": index(rules, asked.rule)},
                }));
            }
        }
    }
    all
}

fn result(found: &Placed<'_>, rules: &[&Rule], paths: &PathMap) -> Value {
    let finding = found.finding;
    let mut message = format!("{} ({}).", finding.message, human::extent(finding));
    if let Some(cause) = &finding.cause {
        message += &format!(" Cause: {}.", cause.text);
    }
    message += &format!(" {}", finding.suggestion);
    let mut result = json!({
        "ruleId": finding.rule.name,
        "ruleIndex": index(rules, finding.rule),
        "kind": "fail",
        "level": match finding.severity {
            Severity::Error => "error",
            Severity::Warn => "warning",
            Severity::Info => "note",
        },
        "message": {"text": message},
        "occurrenceCount": finding.count.max(1),
        "partialFingerprints": {"gotracer/v1": found.fingerprint},
        "properties": {
            "source": found.source,
            "unit": finding.unit().name(),
            "worst": finding.worst,
            "total": finding.total,
            "threshold": finding.threshold,
            "phase": finding.phase,
            "places": finding.all_places(),
        },
    });
    if let Some(suppressed) = found.suppressed {
        result["suppressions"] = json!([{
            "kind": "external",
            "status": "accepted",
            "justification": suppressed.reason,
        }]);
    }
    // GitHub rejects a result without a location.
    let frame = Frame {
        file: found.location.path.clone(),
        ..found.location.frame.clone()
    };
    result["locations"] = match frame.file.as_str() {
        "" => json!([{"physicalLocation": {"artifactLocation": {"uri": uri(found.source)}}}]),
        _ => json!([location(&frame)]),
    };
    let others = finding.places.iter().filter(|at| at.place != finding.place);
    let others: Vec<_> = others
        .map(|at| {
            let file = paths.in_repository(&at.place.file);
            let file = file.unwrap_or_else(|| at.place.file.replace('\\', "/"));
            location(&Frame {
                file,
                ..at.place.clone()
            })
        })
        .collect();
    if !others.is_empty() {
        result["relatedLocations"] = others.into();
    }
    let mut stacks = Vec::new();
    let causes = finding.cause.as_ref().map(|c| ("cause", &c.stack));
    for (title, frames) in [("stack", &finding.stack)].into_iter().chain(causes) {
        if frames.is_empty() {
            continue;
        }
        let frames = frames.iter().map(|frame| {
            let file = paths.in_repository(&frame.file);
            let file = file.unwrap_or_else(|| frame.file.replace('\\', "/"));
            json!({"location": location(&Frame { file, ..frame.clone() })})
        });
        let frames: Vec<_> = frames.collect();
        stacks.push(json!({"message": {"text": title}, "frames": frames}));
    }
    if !stacks.is_empty() {
        result["stacks"] = stacks.into();
    }
    result
}

fn location(frame: &Frame) -> Value {
    let mut location = json!({
        "logicalLocations": [{"fullyQualifiedName": frame.function, "kind": "function"}],
    });
    if !frame.file.is_empty() {
        let artifact = json!({"artifactLocation": {"uri": uri(&frame.file)}});
        location["physicalLocation"] = artifact;
        if frame.line > 0 {
            location["physicalLocation"]["region"] = json!({"startLine": frame.line});
        }
    }
    location
}

/// Formats a path as a URI reference. Relative paths stay relative.
fn uri(path: &str) -> String {
    let mut out = match path.as_bytes() {
        [b'/', ..] => "file://".to_owned(),
        [drive, b':', b'/', ..] if drive.is_ascii_alphabetic() => "file:///".to_owned(),
        _ => String::new(),
    };
    let absolute = !out.is_empty();
    for byte in path.bytes() {
        // In a relative path, a colon would end a scheme.
        let colon = byte == b':' && absolute;
        if colon || byte.is_ascii_alphanumeric() || b"-._~/@+!$&'()*,;=".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out += &format!("%{byte:02X}");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    fn sarif(reports: &[Report]) -> String {
        let mut options = Options::default();
        options.paths.add("example.com/shop", "");
        sample::written(&FORMAT, reports, &options)
    }

    #[test]
    fn golden() {
        let log = sarif(&[sample::eventful("a.trace"), sample::broken("b")]);
        let mut log: Value = serde_json::from_str(&log).unwrap();
        let driver = &mut log["runs"][0]["tool"]["driver"];
        assert_eq!(driver["rules"].as_array().unwrap().len(), RULES.len());
        // All rules have the same form.
        driver["rules"].as_array_mut().unwrap().truncate(1);
        driver["semanticVersion"] = "[version]".into();
        insta::assert_snapshot!(serde_json::to_string_pretty(&log).unwrap());
    }

    #[test]
    fn paths_become_references() {
        for (path, expected) in [
            ("cart/a b.go", "cart/a%20b.go"),
            ("/usr/lib/go/x.go", "file:///usr/lib/go/x.go"),
            ("C:/go/x.go", "file:///C:/go/x.go"),
            ("javascript:x#y?", "javascript%3Ax%23y%3F"),
            ("ü.go", "%C3%BC.go"),
        ] {
            assert_eq!(uri(path), expected);
        }
    }
}
