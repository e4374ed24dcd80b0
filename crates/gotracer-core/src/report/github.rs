//! Reports as annotations for GitHub Actions: workflow commands, which GitHub shows at the code of a pull request.

use std::fmt::{self, Display, Write as _};
use std::io::{self, Write};

use super::placed::placed;
use super::{Escaped, Format, Options, Report, Severity, human};

/// Entry in the registry.
pub const FORMAT: Format<[Report]> = Format {
    name: "github",
    summary: "annotations for GitHub Actions",
    endings: &[],
    course: false,
    write,
};

/// Writes one command per finding, the worst first. GitHub shows at most ten errors, ten warnings and ten notices per
/// step.
///
/// # Errors
/// If writing fails.
pub(super) fn write(out: &mut dyn Write, reports: &[Report], options: &Options) -> io::Result<()> {
    for report in reports {
        if let Some(error) = &report.trace.error {
            let source = &report.trace.source;
            let text = format!("{source}: {error}");
            match report.is_unreadable() {
                true => writeln!(out, "::error title=unreadable trace::{}", Data(&text))?,
                false => writeln!(out, "::warning title=trace broke off::{}", Data(&text))?,
            }
        }
    }
    for found in placed(reports, options) {
        let finding = found.finding;
        let level = match finding.severity {
            Severity::Error => "error",
            Severity::Warn => "warning",
            Severity::Info => "notice",
        };
        write!(out, "::{level} ")?;
        if !found.location.path.is_empty() {
            write!(out, "file={},", Property(&found.location.path))?;
        }
        if found.location.frame.line > 0 {
            write!(out, "line={},", found.location.frame.line)?;
        }
        let text = format!(
            "{} ({}, in {})\n{}",
            finding.message,
            human::extent(finding),
            found.source,
            finding.suggestion
        );
        writeln!(out, "title={}::{}", finding.rule.name, Data(&text))?;
    }
    Ok(())
}

/// Message of a command, escaped.
struct Data<'a>(&'a str);

/// Property of a command, escaped.
struct Property<'a>(&'a str);

impl Display for Data<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        escape(f, self.0, "")
    }
}

impl Display for Property<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        escape(f, self.0, ":,")
    }
}

fn escape(f: &mut fmt::Formatter<'_>, text: &str, more: &str) -> fmt::Result {
    for (i, line) in text.split('\n').enumerate() {
        if i > 0 {
            f.write_str("%0A")?;
        }
        for c in Escaped(line).to_string().chars() {
            if c == '%' || more.contains(c) {
                write!(f, "%{:02X}", u32::from(c))?;
            } else {
                f.write_char(c)?;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    fn github(reports: &[Report]) -> String {
        let mut options = Options::default();
        options.paths.add("example.com/shop", "");
        sample::written(&FORMAT, reports, &options)
    }

    #[test]
    fn golden() {
        insta::assert_snapshot!(github(&[sample::eventful("a.trace"), sample::broken("b")]));
    }

    #[test]
    fn no_text_is_a_command_of_its_own() {
        let text = github(&[sample::hostile()]);
        assert!(text.lines().count() >= 2);
        for line in text.lines() {
            let rest = line.strip_prefix("::").unwrap();
            let (head, _) = rest.split_once("::").unwrap();
            let (level, properties) = head.split_once(' ').unwrap();
            assert!(["error", "warning", "notice"].contains(&level), "{line}");
            let keys = properties.split(',').map(|p| p.split_once('=').unwrap().0);
            assert!(
                keys.clone().all(|k| ["file", "line", "title"].contains(&k)),
                "{line}"
            );
        }
        assert!(text.contains("evil%3A%3Aerror%2C"), "{text}");
    }
}
