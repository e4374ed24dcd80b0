//! Which of the three expositions a scraper wants.

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

impl Format {
    const ALL: [Self; 3] = [Self::Text, Self::OpenMetrics, Self::Protobuf];

    /// The one that an `Accept` header prefers; text if it names none. Of two
    /// that it likes as much, the one it names first.
    pub fn negotiate(accept: &str) -> Self {
        let mut best = (Self::Text, 0.0);
        for range in accept.split(',') {
            let mut parts = range.split(';').map(str::trim);
            let media = parts.next().unwrap_or_default();
            let mut quality = 1.0;
            let mut parameters = Vec::new();
            for part in parts {
                let (name, value) = part.split_once('=').unwrap_or((part, ""));
                let (name, value) = (name.trim(), value.trim().trim_matches('"'));
                if name == "q" {
                    quality = value.parse().unwrap_or(0.0);
                } else {
                    parameters.push((name, value));
                }
            }
            let format = Self::ALL.into_iter().find(|f| f.is(media, &parameters));
            if let Some(format) = format
                && quality > best.1
            {
                best = (format, quality);
            }
        }
        best.0
    }

    fn is(self, media: &str, parameters: &[(&str, &str)]) -> bool {
        let given = |name, values: &[&str]| {
            let mut found = parameters.iter().filter(|(n, _)| *n == name);
            found.all(|(_, v)| values.contains(v))
        };
        match self {
            Self::Text => {
                matches!(media, "text/plain" | "text/*" | "*/*") && given("version", &["0.0.4"])
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

    /// Its `Content-Type`.
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Text => "text/plain; version=0.0.4; charset=utf-8",
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
            Self::Protobuf => {
                "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited"
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
            assert_eq!(Format::negotiate(accept), format, "{accept}");
        }
    }
}
