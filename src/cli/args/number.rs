//! Parsers of numbers in arguments.

use std::fmt::Display;
use std::num::NonZeroUsize;
use std::str::FromStr;

/// Parses a whole number of at least `least`.
pub(crate) fn at_least<T>(least: T) -> impl Fn(&str) -> Result<T, String> + Clone
where
    T: FromStr + PartialOrd + Display + Clone,
{
    move |text| {
        let number = text.trim().parse().ok().filter(|number| *number >= least);
        number.ok_or_else(|| format!("expected a whole number from {least}"))
    }
}

/// Parses a whole number from `least` to `most`.
pub(crate) fn between(least: u32, most: u32) -> impl Fn(&str) -> Result<u32, String> + Clone {
    move |text| {
        let number = text.trim().parse().ok();
        let number = number.filter(|number| (least..=most).contains(number));
        number.ok_or_else(|| format!("expected a whole number from {least} to {most}"))
    }
}

/// Parses a degree of parallelism.
pub(crate) fn jobs(text: &str) -> Result<NonZeroUsize, String> {
    at_least(1)(text).and_then(|n| NonZeroUsize::new(n).ok_or_else(String::new))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_name_the_expected_range() {
        assert_eq!(jobs("2").map(NonZeroUsize::get), Ok(2));
        for text in ["0", "-1", "many", "1.5", ""] {
            let error = jobs(text).unwrap_err();
            assert_eq!(error, "expected a whole number from 1", "{text}");
        }
        assert_eq!(at_least(0)("0"), Ok(0));
    }
}
