//! Errors with their causes in one line.

use std::error::Error;

/// An error's text with those of its causes, each once.
///
/// Some types show their cause themselves and name it as well, so that a plain
/// list of the chain repeats it.
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

/// An error and its causes, the outermost first.
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
