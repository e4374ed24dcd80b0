//! Which of the three expositions a scraper wants, and which names it reads.

use crate::export::names::Escaping;

/// A form of the exposition.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Format {
    /// The text of Prometheus 0.0.4, which everyone reads.
    Text,
    /// The text of OpenMetrics, with exemplars.
    OpenMetrics,
    /// Prometheus' protobuf, with native histograms and exemplars.
    Protobuf,
}

/// An exposition's format and its names.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Encoding {
    /// The format.
    pub format: Format,
    /// How names that need it are escaped.
    pub escaping: Escaping,
}

impl Encoding {
    /// The one that an `Accept` header prefers; text if it names none. Of two
    /// that it likes as much, the one it names first.
    pub fn negotiate(accept: &str) -> Self {
        let mut best = (Self::of(Format::Text), 0.0);
        for range in accept.split(',') {
            let mut parts = range.split(';').map(str::trim);
            let media = parts.next().unwrap_or_default();
            let mut quality = 1.0;
            let mut escaping = Escaping::default();
            let mut parameters = Vec::new();
            for part in parts {
                let (name, value) = part.split_once('=').unwrap_or((part, ""));
                let (name, value) = (name.trim(), value.trim().trim_matches('"'));
                match name {
                    "q" => quality = value.parse().unwrap_or(0.0),
                    "escaping" => escaping = Escaping::from_name(value).unwrap_or_default(),
                    _ => parameters.push((name, value)),
                }
            }
            let found = Format::ALL.into_iter().find(|f| f.is(media, &parameters));
            if let Some(format) = found
                && quality > best.1
            {
                best = (Self { format, escaping }, quality);
            }
        }
        best.0
    }

    /// A format with names that every scraper reads.
    pub fn of(format: Format) -> Self {
        Self {
            format,
            escaping: Escaping::default(),
        }
    }

    /// Its `Content-Type`.
    pub fn content_type(self) -> &'static str {
        macro_rules! escaped {
            ($media:literal) => {
                match self.escaping {
                    Escaping::AllowUtf8 => concat!($media, "; escaping=allow-utf-8"),
                    Escaping::Underscores => concat!($media, "; escaping=underscores"),
                    Escaping::Dots => concat!($media, "; escaping=dots"),
                    Escaping::Values => concat!($media, "; escaping=values"),
                }
            };
        }
        match self.format {
            // Quoted names are no part of 0.0.4.
            Format::Text if self.escaping == Escaping::AllowUtf8 => {
                escaped!("text/plain; version=1.0.0; charset=utf-8")
            }
            Format::Text => escaped!("text/plain; version=0.0.4; charset=utf-8"),
            Format::OpenMetrics => {
                escaped!("application/openmetrics-text; version=1.0.0; charset=utf-8")
            }
            Format::Protobuf => escaped!(
                "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited"
            ),
        }
    }
}

impl Format {
    const ALL: [Self; 3] = [Self::Text, Self::OpenMetrics, Self::Protobuf];

    fn is(self, media: &str, parameters: &[(&str, &str)]) -> bool {
        let given = |name, values: &[&str]| {
            let mut found = parameters.iter().filter(|(n, _)| *n == name);
            found.all(|(_, v)| values.contains(v))
        };
        match self {
            Self::Text => {
                matches!(media, "text/plain" | "text/*" | "*/*")
                    && given("version", &["0.0.4", "1.0.0"])
            }
            Self::OpenMetrics => {
                media == "application/openmetrics-text" && given("version", &["1.0.0", "0.0.1"])
            }
            Self::Protobuf => {
                media == "application/vnd.google.protobuf"
                    && parameters.contains(&("proto", "io.prometheus.client.MetricFamily"))
                    && given("encoding", &["delimited"])
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scrapers_get_what_they_ask_for() {
        for (accept, format) in [
            ("", Format::Text),
            ("*/*", Format::Text),
            ("text/html, */*;q=0.8", Format::Text),
            ("application/json", Format::Text),
            ("text/plain;version=0.0.4;q=0.5,*/*;q=0.1", Format::Text),
            // Prometheus 2.42
            (
                "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
                Format::OpenMetrics,
            ),
            // the same with native histograms
            (
                "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited,application/openmetrics-text;version=1.0.0;q=0.8,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
                Format::Protobuf,
            ),
            // Prometheus 3
            (
                "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
                Format::OpenMetrics,
            ),
            ("application/openmetrics-text;version=2.0.0", Format::Text),
            ("application/openmetrics-text;q=0", Format::Text),
            (
                "application/openmetrics-text; version=\"1.0.0\"; q=broken",
                Format::Text,
            ),
        ] {
            assert_eq!(Encoding::negotiate(accept).format, format, "{accept}");
        }
    }

    #[test]
    fn names_are_escaped_as_asked_for() {
        for (accept, content_type) in [
            (
                "",
                "text/plain; version=0.0.4; charset=utf-8; escaping=underscores",
            ),
            (
                "text/plain;version=0.0.4;escaping=values",
                "text/plain; version=0.0.4; charset=utf-8; escaping=values",
            ),
            (
                "text/plain;version=1.0.0;escaping=allow-utf-8,*/*;q=0.1",
                "text/plain; version=1.0.0; charset=utf-8; escaping=allow-utf-8",
            ),
            (
                "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8",
                "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=allow-utf-8",
            ),
            (
                "application/openmetrics-text;version=1.0.0;escaping=nonsense",
                "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=underscores",
            ),
            (
                "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;escaping=dots",
                "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited; escaping=dots",
            ),
        ] {
            let encoding = Encoding::negotiate(accept);
            assert_eq!(encoding.content_type(), content_type, "{accept}");
        }
    }
}
