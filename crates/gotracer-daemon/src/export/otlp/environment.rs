//! The variables that every OpenTelemetry program obeys, for one signal.

use hyper::header::{HeaderName, HeaderValue};

use super::config::ConfigError;
use super::stats::Signal;

/// Where variables are looked up.
pub struct Environment<'a>(pub &'a dyn Fn(&str) -> Option<String>);

impl Environment<'_> {
    /// A variable that is set to something.
    pub fn get(&self, name: &str) -> Option<String> {
        (self.0)(name).filter(|value| !value.trim().is_empty())
    }

    /// A variable's value, and the variable that said it: the signal's own is
    /// stronger than the one for all.
    pub fn of(&self, signal: Signal, name: &str) -> Option<(String, String)> {
        let own = own(signal, name);
        let all = format!("OTEL_EXPORTER_OTLP_{name}");
        let mut found = [own, all]
            .into_iter()
            .filter_map(|n| Some((self.get(&n)?, n)));
        found.next()
    }

    /// The same without the name.
    pub fn value(&self, signal: Signal, name: &str) -> Option<String> {
        self.of(signal, name).map(|(value, _)| value)
    }

    /// Whether a variable says `true`.
    pub fn is_true(&self, name: &str) -> bool {
        self.get(name)
            .is_some_and(|v| v.trim().eq_ignore_ascii_case("true"))
    }

    /// The resource attributes, the service's name among them.
    pub fn resource(&self) -> Result<Vec<(String, String)>, ConfigError> {
        let name = "OTEL_RESOURCE_ATTRIBUTES";
        let mut attributes = pairs(name, &self.get(name).unwrap_or_default())?;
        if let Some(service) = self.get("OTEL_SERVICE_NAME") {
            attributes.push(("service.name".into(), service));
        }
        Ok(attributes)
    }

    /// The headers for a signal.
    pub fn headers(&self, signal: Signal) -> Result<Vec<(HeaderName, HeaderValue)>, ConfigError> {
        let Some((text, variable)) = self.of(signal, "HEADERS") else {
            return Ok(Vec::new());
        };
        let headers = pairs(&variable, &text)?.into_iter();
        let header = |(name, value): (String, String)| {
            // Header values are secrets: an error names the header alone.
            let bad = || ConfigError::Value {
                variable: variable.clone(),
                value: name.clone(),
                wanted: "names and values of HTTP headers",
            };
            let key = HeaderName::from_bytes(name.as_bytes()).map_err(|_| bad())?;
            let mut value = HeaderValue::from_str(&value).map_err(|_| bad())?;
            value.set_sensitive(true);
            Ok((key, value))
        };
        headers.map(header).collect()
    }
}

/// The name of a signal's own variable.
pub fn own(signal: Signal, name: &str) -> String {
    let signal = signal.name().to_uppercase();
    format!("OTEL_EXPORTER_OTLP_{signal}_{name}")
}

/// `a=b,c=d` with percent-encoded values.
fn pairs(variable: &str, text: &str) -> Result<Vec<(String, String)>, ConfigError> {
    let parts = text.split(',').filter(|part| !part.trim().is_empty());
    let pair = |part: &str| {
        let (name, value) = part.split_once('=')?;
        Some((name.trim().to_string(), decode(value.trim())?))
    };
    let one = |part| {
        pair(part).ok_or_else(|| ConfigError::Value {
            variable: variable.into(),
            value: "…".into(),
            wanted: "name=value,name=value",
        })
    };
    parts.map(one).collect()
}

/// Percent-decoded text.
pub fn decode(text: &str) -> Option<String> {
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
        let found = pairs("X", "a=b%20c, d = e=f,").unwrap();
        let wanted = [("a", "b c"), ("d", "e=f")];
        assert_eq!(found, wanted.map(|(n, v)| (n.to_string(), v.to_string())));
        for bad in ["a", "a=%2", "a=%zz"] {
            assert!(pairs("X", bad).is_err(), "{bad}");
        }
    }
}
