//! Formatting of an error and its causes in one line.

use std::error::Error;

/// Joins the texts of an error and its causes, each once.
///
/// Some error types include the cause in their text and return it as the source as well; joining the chain alone would
/// repeat it.
pub fn with_causes<'a>(chain: impl IntoIterator<Item = &'a (dyn Error + 'static)>) -> String {
    let mut text = String::new();
    for error in chain {
        let error = error.to_string();
        if text.is_empty() {
            text = error;
        } else if !text.contains(&error) {
            text = format!("{text}: {error}");
        }
    }
    text
}

/// Returns an error and its causes, outermost first.
pub fn chain<'a>(
    error: &'a (dyn Error + 'static),
) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |error: &&'a (dyn Error + 'static)| {
        (*error).source()
    })
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("cannot read a: {0}")]
    struct Telling(#[source] io::Error);

    #[derive(Debug, thiserror::Error)]
    #[error("cannot start")]
    struct Silent(#[source] Telling);

    #[test]
    fn no_cause_is_repeated() {
        let error = Silent(Telling(io::Error::other("denied")));
        let text = with_causes(chain(&error));
        assert_eq!(text, "cannot start: cannot read a: denied");
    }
}
