//! Percentages in arguments.

use std::ffi::OsString;

/// Parses a percentage to a fraction.
pub(crate) fn percent(text: &str) -> Result<f64, String> {
    let number = text.strip_suffix('%').unwrap_or(text);
    let number: f64 = number
        .trim()
        .parse()
        .map_err(|_| "expected a percentage, such as 10%")?;
    if number.is_finite() && number >= 0.0 {
        Ok(number / 100.0)
    } else {
        Err("expected a percentage, such as 10%".into())
    }
}

/// Joins `--fail-on-regression 10%` to one argument. The option's value is optional, so clap needs `=`; an argument that
/// is not a percentage names a side.
pub(crate) fn joined(arguments: Vec<OsString>) -> Vec<OsString> {
    const OPTION: &str = "--fail-on-regression";
    if arguments.get(1).is_none_or(|command| command != "diff") {
        return arguments;
    }
    let mut joined: Vec<OsString> = Vec::with_capacity(arguments.len());
    let mut options = true;
    for argument in arguments {
        options &= argument != "--";
        let value = argument
            .to_str()
            .filter(|text| text.ends_with('%') && percent(text).is_ok());
        match (joined.last_mut(), value) {
            (Some(last), Some(value)) if options && *last == OPTION => {
                last.push("=");
                last.push(value);
            }
            _ => joined.push(argument),
        }
    }
    joined
}
