//! Secrets of a configuration, which may come from environment variables.
//!
//! `${NAME}` and `${NAME:-default}` are expanded in secrets only: elsewhere `${1}` belongs to
//! relabeling.

use std::fmt;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Replacement of a secret in logs and pages.
const MASK: &str = "<secret>";

/// Value that logs and pages mask.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Secret(String);

/// Error in a secret.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum SecretError {
    /// The environment variable is not set.
    #[error("the environment variable {0} is not set")]
    NotSet(String),
    /// The text begins like a variable and is not one.
    #[error(
        "\"${{\" begins the name of an environment variable, as in ${{NAME}}; $${{ stands for itself"
    )]
    NotAName,
}

impl Secret {
    /// Expands the environment variables in a text.
    ///
    /// # Errors
    /// If a variable is not set and has no default.
    pub fn expand(text: &str) -> Result<Self, SecretError> {
        expand(text, &|name| std::env::var(name).ok()).map(Self)
    }

    /// Creates a secret of a text without variables.
    pub(crate) fn literal(text: String) -> Self {
        Self(text)
    }

    /// Returns the secret itself.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Deserializes a field, which errors name.
    ///
    /// # Errors
    /// If the value is not text or refers to a missing variable.
    pub fn field<'de, D: Deserializer<'de>>(name: &str, d: D) -> Result<Option<Self>, D::Error> {
        let text = Option::<String>::deserialize(d)?;
        let secret = text.map(|text| Self::expand(&text)).transpose();
        secret.map_err(|error| D::Error::custom(format_args!("{name}: {error}")))
    }

    /// Deserializes a list.
    ///
    /// # Errors
    /// If a value is not text or refers to a missing variable.
    pub fn list<'de, D: Deserializer<'de>>(name: &str, d: D) -> Result<Vec<Self>, D::Error> {
        let texts = Vec::<String>::deserialize(d)?;
        let secrets = texts.iter().map(|text| Self::expand(text));
        let secrets = secrets.collect::<Result<_, _>>();
        secrets.map_err(|error| D::Error::custom(format_args!("{name}: {error}")))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(MASK)
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(MASK)
    }
}

fn expand(text: &str, variable: &dyn Fn(&str) -> Option<String>) -> Result<String, SecretError> {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        if let Some(before) = before.strip_suffix('$') {
            out.push_str(before);
            out.push_str("${");
            rest = after;
            continue;
        }
        out.push_str(before);
        let (inside, after) = after.split_once('}').ok_or(SecretError::NotAName)?;
        let (name, default) = match inside.split_once(":-") {
            Some((name, default)) => (name, Some(default)),
            None => (inside, None),
        };
        if !is_name(name) {
            return Err(SecretError::NotAName);
        }
        // As in a shell, the default also replaces an empty value.
        let value = variable(name).filter(|v| default.is_none() || !v.is_empty());
        let value = value.or_else(|| default.map(Into::into));
        out.push_str(&value.ok_or_else(|| SecretError::NotSet(name.into()))?);
        rest = after;
    }
    out.push_str(rest);
    Ok(out)
}

fn is_name(text: &str) -> bool {
    let letter = |b: u8| b.is_ascii_alphabetic() || b == b'_';
    let mut bytes = text.bytes();
    bytes.next().is_some_and(letter) && bytes.all(|b| letter(b) || b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_is_asked_for_what_is_named() {
        let variable = |name: &str| match name {
            "TOKEN" => Some("t${x}".into()),
            "EMPTY" => Some(String::new()),
            _ => None,
        };
        for (text, expanded) in [
            ("plain $1 $ }", "plain $1 $ }"),
            ("${TOKEN}", "t${x}"),
            ("a${TOKEN}b${TOKEN}", "at${x}bt${x}"),
            ("${NONE:-}${NONE:-other}", "other"),
            ("${EMPTY}|${EMPTY:-full}", "|full"),
            ("pa$${TOKEN}", "pa${TOKEN}"),
        ] {
            assert_eq!(expand(text, &variable).as_deref(), Ok(expanded), "{text}");
        }
        let error = |text| expand(text, &variable).unwrap_err();
        assert_eq!(error("x${NONE}"), SecretError::NotSet("NONE".into()));
        for text in ["${", "${}", "${1}", "${a-b}", "${TOKEN"] {
            assert_eq!(error(text), SecretError::NotAName, "{text}");
        }
    }

    #[test]
    fn it_does_not_show() {
        let secret = Secret::expand("sesame").unwrap();
        assert_eq!(format!("{secret:?}"), MASK);
        assert_eq!(serde_json::to_string(&secret).unwrap(), "\"<secret>\"");
    }
}
