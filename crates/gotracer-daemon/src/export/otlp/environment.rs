//! The standard variables of OpenTelemetry programs.
//!
//! As the specification requires, an unusable value is ignored with a warning, and the case of
//! enumerated values does not matter.

use std::cell::RefCell;
use std::fmt;

use hyper::header::{HeaderName, HeaderValue};

use crate::export::catalog::delivery::Signal;

/// The process's environment.
pub(super) struct Environment<'a> {
    variable: &'a dyn Fn(&str) -> Option<String>,
    ignored: RefCell<Vec<Ignored>>,
}

/// A variable that is ignored because its value can't be used.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Ignored {
    /// Name of the variable.
    pub variable: String,
    /// Its value; nothing if it may hold secrets.
    pub value: Option<String>,
    /// Description of a usable value.
    pub wanted: String,
}

impl fmt::Display for Ignored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            variable,
            value,
            wanted,
        } = self;
        match value {
            Some(value) => write!(f, "{variable}: \"{value}\" is not {wanted}"),
            None => write!(f, "{variable}: the value is not {wanted}"),
        }
    }
}

impl<'a> Environment<'a> {
    /// Environment in which `variable` looks values up.
    pub(super) fn new(variable: &'a dyn Fn(&str) -> Option<String>) -> Self {
        Self {
            variable,
            ignored: RefCell::default(),
        }
    }

    /// The variables that were ignored.
    pub(super) fn ignored(self) -> Vec<Ignored> {
        let mut ignored = self.ignored.into_inner();
        // Signals share variables.
        ignored.dedup();
        ignored
    }

    /// Notes that a variable is ignored.
    pub(super) fn ignore(&self, variable: &str, value: Option<String>, wanted: &str) {
        let ignored = Ignored {
            variable: variable.into(),
            value,
            wanted: wanted.into(),
        };
        let mut all = self.ignored.borrow_mut();
        if !all.contains(&ignored) {
            all.push(ignored);
        }
    }

    /// The value of a variable that is set and not empty.
    pub(super) fn get(&self, name: &str) -> Option<String> {
        let value = (self.variable)(name)?;
        let trimmed = value.trim();
        (!trimmed.is_empty()).then(|| trimmed.to_owned())
    }

    /// A variable's value and name: the signal's own variable overrides the one for all signals.
    pub(super) fn of(&self, signal: Signal, name: &str) -> Option<(String, String)> {
        let own = own(signal, name);
        let all = format!("OTEL_EXPORTER_OTLP_{name}");
        let mut found = [own, all]
            .into_iter()
            .filter_map(|n| Some((self.get(&n)?, n)));
        found.next()
    }

    /// A variable's value without the name.
    pub(super) fn value(&self, signal: Signal, name: &str) -> Option<String> {
        self.of(signal, name).map(|(value, _)| value)
    }

    /// Whether a variable is true. Anything but `true` and `false` is ignored.
    pub(super) fn is_true(&self, name: &str) -> bool {
        let choices = [("true", true), ("false", false)];
        self.choice(self.get(name).map(|value| (value, name.into())), &choices)
            .unwrap_or(false)
    }

    /// Returns the choice that the value of a variable names.
    pub(super) fn choice<T: Copy>(
        &self,
        found: Option<(String, String)>,
        choices: &[(&str, T)],
    ) -> Option<T> {
        let (value, variable) = found?;
        let chosen = choices
            .iter()
            .find(|(name, _)| value.eq_ignore_ascii_case(name));
        if chosen.is_none() {
            let names: Vec<_> = choices.iter().map(|(name, _)| *name).collect();
            self.ignore(&variable, Some(value), &names.join(" or "));
        }
        chosen.map(|(_, choice)| *choice)
    }

    /// A number of milliseconds above 0.
    pub(super) fn milliseconds(&self, found: Option<(String, String)>) -> Option<u64> {
        let (value, variable) = found?;
        let number = value.parse().ok().filter(|n| *n > 0);
        if number.is_none() {
            let wanted = "a number of milliseconds above 0";
            self.ignore(&variable, Some(value), wanted);
        }
        number
    }

    /// The resource attributes, with the service's name.
    pub(super) fn resource(&self) -> Vec<(String, String)> {
        let name = "OTEL_RESOURCE_ATTRIBUTES";
        let text = self.get(name).unwrap_or_default();
        let mut attributes = pairs(&text).unwrap_or_else(|| {
            self.ignore(name, Some(text), "name=value,name=value, percent-encoded");
            Vec::new()
        });
        if let Some(service) = self.get("OTEL_SERVICE_NAME") {
            attributes.push(("service.name".into(), service));
        }
        attributes
    }

    /// The headers for a signal.
    pub(super) fn headers(&self, signal: Signal) -> Vec<(HeaderName, HeaderValue)> {
        let Some((text, variable)) = self.of(signal, "HEADERS") else {
            return Vec::new();
        };
        // Header values are secrets: a warning has none of them.
        let ignore = |wanted| self.ignore(&variable, None, wanted);
        let Some(pairs) = pairs(&text) else {
            ignore("name=value,name=value, percent-encoded");
            return Vec::new();
        };
        let header = |(name, value): (String, String)| {
            let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
            let mut value = HeaderValue::from_str(&value).ok()?;
            value.set_sensitive(true);
            Some((name, value))
        };
        let headers: Option<Vec<_>> = pairs.into_iter().map(header).collect();
        headers.unwrap_or_else(|| {
            ignore("names and values of HTTP headers");
            Vec::new()
        })
    }
}

/// The name of a signal's own variable.
pub(super) fn own(signal: Signal, name: &str) -> String {
    let signal = signal.name().to_uppercase();
    format!("OTEL_EXPORTER_OTLP_{signal}_{name}")
}

/// Parses `a=b,c=d` with percent-encoded values.
fn pairs(text: &str) -> Option<Vec<(String, String)>> {
    let parts = text.split(',').filter(|part| !part.trim().is_empty());
    let pair = |part: &str| {
        let (name, value) = part.split_once('=')?;
        Some((name.trim().to_string(), decode(value.trim())?))
    };
    parts.map(pair).collect()
}

/// Percent-decoded text.
pub(super) fn decode(text: &str) -> Option<String> {
    let mut out = Vec::new();
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        out.push(match byte {
            b'%' => {
                let mut digit = || char::from(bytes.next()?).to_digit(16);
                u8::try_from(digit()? * 16 + digit()?).ok()?
            }
            byte => byte,
        });
    }
    String::from_utf8(out).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_percent_decoded() {
        let found = pairs("a=b%20c, d = e=f,").unwrap();
        let wanted = [("a", "b c"), ("d", "e=f")];
        assert_eq!(found, wanted.map(|(n, v)| (n.to_string(), v.to_string())));
        for bad in ["a", "a=%2", "a=%zz"] {
            assert!(pairs(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn a_warning_shows_no_header() {
        let variable = |name: &str| name.ends_with("HEADERS").then(|| "x=%zz,y=secret".into());
        let environment = Environment::new(&variable);
        assert_eq!(environment.headers(Signal::Logs), Vec::new());
        let ignored = environment.ignored();
        assert_eq!(ignored.len(), 1);
        assert!(!ignored[0].to_string().contains("secret"), "{}", ignored[0]);
    }
}
