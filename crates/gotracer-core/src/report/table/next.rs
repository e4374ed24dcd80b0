//! The next command to type.

use std::io::{self, Write};

use crate::report::style::Style;
use crate::report::{Options, Report, is_hostile};

/// Writes commands that show more of the report's trace. There are none for a trace that cannot be read again, such
/// as standard input.
pub(super) fn write(out: &mut dyn Write, report: &Report, options: &Options) -> io::Result<()> {
    let Some(file) = file(&report.trace.source) else {
        return Ok(());
    };
    let style = Style::new(options.color);
    let page = format!("gotracer analyze {file} -o report.html");
    let Some(worst) = super::ranked(report).first().copied() else {
        return writeln!(out, "{} {}", style.dim("next:"), style.bold(page));
    };
    // `explain` numbers all findings, including those of the baseline and suppressed ones.
    let all = report.known == 0 && report.suppressed.is_empty();
    let which = match all {
        true => "1",
        false => worst.id.get(..8).unwrap_or(&worst.id),
    };
    let explain = format!("gotracer explain {file} --finding {which}");
    writeln!(out, "{} {}", style.dim("next:"), style.bold(explain))?;
    writeln!(out, "      {}", style.bold(page))
}

/// Returns the argument that names the file in a shell.
fn file(source: &str) -> Option<String> {
    let numbered = source.ends_with(')') && source.contains(" (");
    if source == "-" || source.contains("://") || numbered || source.chars().any(is_hostile) {
        return None;
    }
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+=,@%:".contains(c);
    let quoted = || format!("'{}'", source.replace('\'', r"'\''"));
    match source.chars().all(plain) && !source.starts_with('-') {
        true => Some(source.into()),
        false if source.starts_with('-') => None,
        false => Some(quoted()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_is_named_as_a_shell_takes_it() {
        for (source, argument) in [
            ("dir/trace.out", Some("dir/trace.out")),
            ("my trace", Some("'my trace'")),
            ("it's", Some(r"'it'\''s'")),
            ("$(reboot)", Some("'$(reboot)'")),
            ("-", None),
            ("--rm", None),
            ("http://localhost:6060", None),
            ("s3://bucket/trace", None),
            ("trace.out (2)", None),
            ("a\nb", None),
        ] {
            assert_eq!(file(source).as_deref(), argument, "{source}");
        }
    }
}
