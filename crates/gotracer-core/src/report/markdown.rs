//! Reports as Markdown for a job's summary, a comment or an issue: GitHub's dialect, which GitLab reads too.

use std::fmt::{self, Display, Write as _};
use std::io::{self, Write};

use super::{Detail, Escaped, Finding, Format, Frame, Options, Report, Status, human, top};

/// Maximum size: GitHub drops a summary of more than 1 MiB.
const MOST: usize = 900 << 10;
/// Maximum length of an excerpt, characters.
const EXCERPT: usize = 2_000;

/// Entry in the registry.
pub const FORMAT: Format<[Report]> = Format {
    name: "markdown",
    summary: "Markdown for a job summary or a comment",
    endings: &["md", "markdown"],
    course: false,
    write,
};

/// Writes each report as a section.
///
/// # Errors
/// If writing fails.
pub fn write(out: &mut dyn Write, reports: &[Report], options: &Options) -> io::Result<()> {
    let mut text = String::new();
    let quiet = options.detail == Detail::Findings;
    let mut left_out = 0;
    for report in reports.iter().filter(|r| !quiet || !r.findings.is_empty()) {
        if text.len() > MOST {
            left_out += 1;
            continue;
        }
        // Writing to a string does not fail.
        let _ = section(&mut text, report, options);
    }
    if left_out > 0 {
        let _ = writeln!(
            text,
            "\n{} left out.",
            human::plural(left_out, "more trace")
        );
    }
    out.write_all(text.as_bytes())
}

fn section(out: &mut String, report: &Report, options: &Options) -> fmt::Result {
    let trace = &report.trace;
    let verdict = human::outcome(report, |_, text| text);
    if let Some(error) = trace.error.as_deref().filter(|_| report.is_unreadable()) {
        let source = Code(&trace.source);
        return writeln!(out, "### gotracer: {source} {verdict}\n\n{}\n", Text(error));
    }
    writeln!(out, "### gotracer: {verdict} in {}\n", Code(&trace.source))?;
    if options.detail > Detail::Findings {
        let facts = human::facts(trace).into_iter();
        let facts: Vec<_> = facts.map(|f| Text(&f).to_string()).collect();
        writeln!(out, "{}\n", facts.join(", "))?;
        let lines = [
            human::program_time(&report.program.time),
            human::cpu_samples(report),
        ];
        for line in lines.iter().flatten() {
            writeln!(out, "{}\n", Text(line))?;
        }
    }
    if let Some(error) = &trace.error {
        writeln!(out, "**The trace broke off:** {}\n", Text(error))?;
    }
    let shown = top(report, options.top);
    if !shown.is_empty() {
        out.push_str("| | Rule | Place | Count | Worst | Total |\n|---|---|---|--:|--:|--:|\n");
    }
    for finding in &shown {
        row(out, finding, options)?;
    }
    for (i, finding) in shown.iter().enumerate() {
        if out.len() > MOST {
            let rest = human::plural((shown.len() - i) as u64, "finding");
            writeln!(out, "\nThe details of {rest} are left out.")?;
            break;
        }
        details(out, finding)?;
    }
    if options.detail > Detail::Findings {
        not_applicable(out, report)?;
    }
    out.write_char('\n')
}

fn row(out: &mut String, finding: &Finding, options: &Options) -> fmt::Result {
    let icon = match finding.severity.name() {
        "error" => "🔴 error",
        "warn" => "🟠 warn",
        _ => "🔵 info",
    };
    let location = options.paths.location(finding);
    let at = Frame {
        file: location.path,
        ..location.frame.clone()
    };
    let unit = finding.unit();
    let least = if finding.open > 0 { "≥" } else { "" };
    writeln!(
        out,
        "| {icon} | {} | {} | {} | {least}{} | {least}{} |",
        finding.rule.name,
        Code(&human::place(&at)),
        human::count(finding.count),
        human::value(unit, finding.worst),
        human::value(unit, finding.total),
    )
}

fn details(out: &mut String, finding: &Finding) -> fmt::Result {
    write!(
        out,
        "\n<details><summary>{}: {}</summary>\n\n",
        finding.rule.name,
        Text(&finding.message)
    )?;
    writeln!(out, "**Fix:** {}\n", Text(&finding.suggestion))?;
    if let Some(cause) = &finding.cause {
        writeln!(out, "**Cause:** {}\n", Text(&cause.text))?;
    }
    if let Some(places) = human::places(finding, usize::MAX) {
        writeln!(out, "**Places:** {}\n", Text(&places))?;
    }
    stack(out, &finding.stack)?;
    out.push_str("</details>\n");
    Ok(())
}

/// Formats one finding with its place, cause and fix, for a comment or an issue.
pub fn excerpt(source: &str, finding: &Finding) -> String {
    let mut out = format!(
        "**{} {}** at {}\n\n{} ({})\n",
        finding.severity.name(),
        finding.rule.name,
        Code(&human::place(&finding.place)),
        Text(&finding.message),
        human::extent(finding)
    );
    if let Some(cause) = &finding.cause {
        out += &format!("\nCause: {}\n", Text(&cause.text));
    }
    out += &format!(
        "\nFix: {}\n\nTrace: {}, finding {}\n",
        Text(&finding.suggestion),
        Code(source),
        Text(&finding.id)
    );
    out.chars().take(EXCERPT).collect()
}

fn stack(out: &mut String, frames: &[Frame]) -> fmt::Result {
    for frame in frames {
        let Frame {
            function,
            file,
            line,
        } = frame;
        let at = if file.is_empty() {
            String::new()
        } else {
            format!(" {file}:{line}")
        };
        writeln!(out, "- {}", Code(&format!("{function}{at}")))?;
    }
    if !frames.is_empty() {
        out.push('\n');
    }
    Ok(())
}

fn not_applicable(out: &mut String, report: &Report) -> fmt::Result {
    let silent = report.rules.iter();
    let silent = silent.filter(|r| r.status == Status::NotApplicable);
    for (i, asked) in silent.enumerate() {
        let why = asked.reason.as_deref().unwrap_or_default();
        let gap = if i == 0 { "\n" } else { "" };
        writeln!(
            out,
            "{gap}- {}: not applicable: {}",
            asked.rule.name,
            Text(why)
        )?;
    }
    Ok(())
}

/// Text in which all markup is escaped.
pub struct Text<'a>(pub &'a str);

/// Text shown as code, also within a cell of a table.
pub struct Code<'a>(pub &'a str);

impl Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in Escaped(self.0).to_string().chars() {
            match c {
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '&' => f.write_str("&amp;")?,
                // A name from a trace must not mention a user.
                '@' => f.write_str("&#64;")?,
                '\\' | '`' | '*' | '_' | '[' | ']' | '#' | '|' | '~' | '!' | '$' => {
                    write!(f, "\\{c}")?;
                }
                c => f.write_char(c)?,
            }
        }
        Ok(())
    }
}

impl Display for Code<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // An HTML tag needs no balanced backticks.
        f.write_str("<code>")?;
        Text(self.0).fmt(f)?;
        f.write_str("</code>")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    fn markdown(reports: &[Report]) -> String {
        sample::written(&FORMAT, reports, &Options::default())
    }

    #[test]
    fn golden() {
        insta::assert_snapshot!(markdown(&[
            sample::eventful("a.trace"),
            sample::broken("b")
        ]));
    }

    #[test]
    fn nothing_is_markup() {
        let text = markdown(&[sample::hostile()]);
        assert!(
            !text.contains("<script") && !text.contains("<img"),
            "{text}"
        );
        assert!(!text.contains("@everyone"), "{text}");
        for row in text.lines().filter(|l| l.starts_with("| ")) {
            let bars = row.replace("\\|", "").matches('|').count();
            assert_eq!(bars, 7, "{row}");
        }
        assert!(!text.replace("\\`", "").contains('`'), "{text}");
    }

    #[test]
    fn a_summary_is_never_dropped_for_its_size() {
        let mut report = sample::eventful("big.trace");
        let finding = report.findings[0].clone();
        report.findings = vec![finding; 5_000];
        let text = markdown(&[report.clone(), report]);
        assert!(text.len() < 1 << 20, "{}", text.len());
        assert!(
            text.contains("are left out"),
            "{}",
            &text[text.len() - 200..]
        );
    }
}
