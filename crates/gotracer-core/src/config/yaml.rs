//! YAML with positions, and its errors.

use serde_saphyr::{Spanned, UserMessageFormatter};

use super::error::{ConfigError, Position};

/// Parses YAML; `None` if the text has only comments.
///
/// # Errors
/// If the text is not YAML or does not fit `T`; the error has the position.
pub fn read<T: serde::de::DeserializeOwned>(text: &str) -> Result<Option<T>, ConfigError> {
    let options = serde_saphyr::options! { with_snippet: false };
    serde_saphyr::from_str_with_options(text, options).map_err(|e| yaml(&e))
}

/// Returns the position of a value.
pub fn position<T>(value: &Spanned<T>) -> Position {
    Position {
        line: value.referenced.line(),
        column: value.referenced.column(),
    }
}

fn yaml(error: &serde_saphyr::Error) -> ConfigError {
    let error = error.without_snippet();
    let at = error.location().map_or(Position::default(), |l| Position {
        line: l.line(),
        column: l.column(),
    });
    let message = error.render_with_formatter(&UserMessageFormatter);
    // The error already starts with the position.
    let suffix = format!(" at line {}, column {}", at.line, at.column);
    let message = message.strip_suffix(&suffix).unwrap_or(&message).into();
    ConfigError::Yaml { at, message }
}
