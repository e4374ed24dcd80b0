//! Writes families in the format a scraper asked for, metric by metric, so
//! that no exposition is ever held as a whole.

use std::io::{self, Write};

use prometheus_client::encoding::prometheus_protobuf::prometheus_data_model::{
    Metric, MetricFamily,
};
use prost::Message;

use super::format::{Encoding, Format};
use super::text::Style;
use crate::export::names::Escaping;

/// Limit of the buffered bytes of a family in protobuf, whose length precedes it. A larger family
/// continues in another message of the same name, which Prometheus reads as the same family.
const MESSAGE: usize = 1 << 20;
/// Limit of buffered text in bytes.
const TEXT: usize = 16 << 10;

/// Writes one exposition.
pub(super) struct Encoder<W> {
    out: W,
    escaping: Escaping,
    form: Form,
    /// The family that is being written, without its metrics.
    family: MetricFamily,
    /// Whether the family's header was written.
    begun: bool,
}

enum Form {
    Text(Style, String),
    Protobuf(Vec<u8>),
}

impl<W: Write> Encoder<W> {
    /// Creates an encoder that writes to `out`. `created` enables `_created` lines in OpenMetrics.
    pub(super) fn new(out: W, encoding: Encoding, created: bool) -> Self {
        let style = |open_metrics| Style {
            open_metrics,
            created,
        };
        let form = match encoding.format {
            Format::Text => Form::Text(style(false), String::new()),
            Format::OpenMetrics => Form::Text(style(true), String::new()),
            Format::Protobuf => Form::Protobuf(Vec::new()),
        };
        Self {
            out,
            escaping: encoding.escaping,
            form,
            family: MetricFamily::default(),
            begun: false,
        }
    }

    /// Begins a family. A family without metrics is left out, because its HELP text would describe
    /// nothing.
    pub(super) fn family(&mut self, mut head: MetricFamily) -> io::Result<()> {
        self.end_family()?;
        head.name = self.escaping.escape(&head.name).into_owned();
        self.family = head;
        Ok(())
    }

    /// Writes a metric of the family.
    pub(super) fn metric(&mut self, metric: Metric) -> io::Result<()> {
        match &mut self.form {
            Form::Text(style, text) => {
                if !self.begun {
                    style.head(text, &self.family).map_err(io::Error::other)?;
                }
                let written = style.metric(text, &self.family, &metric);
                written.map_err(io::Error::other)?;
                if text.len() >= TEXT {
                    self.out.write_all(text.as_bytes())?;
                    text.clear();
                }
            }
            Form::Protobuf(bytes) => {
                // Concatenated messages are one message, so the metrics follow the earlier ones.
                if bytes.is_empty() {
                    self.family.encode(bytes).map_err(io::Error::other)?;
                }
                let one = MetricFamily {
                    metric: vec![metric],
                    ..MetricFamily::default()
                };
                one.encode(bytes).map_err(io::Error::other)?;
                if bytes.len() >= MESSAGE {
                    send(&mut self.out, bytes)?;
                }
            }
        }
        self.begun = true;
        Ok(())
    }

    fn end_family(&mut self) -> io::Result<()> {
        self.begun = false;
        match &mut self.form {
            Form::Protobuf(bytes) if !bytes.is_empty() => send(&mut self.out, bytes),
            _ => Ok(()),
        }
    }

    /// Ends the exposition and returns its writer.
    pub(super) fn finish(mut self) -> io::Result<W> {
        self.end_family()?;
        if let Form::Text(style, text) = &mut self.form {
            if style.open_metrics {
                text.push_str("# EOF\n");
            }
            self.out.write_all(text.as_bytes())?;
        }
        Ok(self.out)
    }
}

/// Sends a message with its length.
fn send(out: &mut impl Write, bytes: &mut Vec<u8>) -> io::Result<()> {
    let mut length = Vec::new();
    prost::encode_length_delimiter(bytes.len(), &mut length).map_err(io::Error::other)?;
    out.write_all(&length)?;
    out.write_all(bytes)?;
    bytes.clear();
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;
    use prometheus_client::encoding::prometheus_protobuf::prometheus_data_model::MetricType;

    fn head(name: &str) -> MetricFamily {
        MetricFamily {
            name: name.into(),
            help: "Help.".into(),
            r#type: MetricType::Gauge as i32,
            ..MetricFamily::default()
        }
    }

    fn encoder(format: Format, escaping: Escaping) -> Encoder<Vec<u8>> {
        Encoder::new(Vec::new(), Encoding { format, escaping }, false)
    }

    fn gauge(value: usize) -> Metric {
        let labels = vec![sample::pair("a", &value.to_string())];
        sample::gauge(labels, value as f64)
    }

    #[test]
    fn families_without_metrics_are_left_out() {
        for (format, end) in [
            (Format::Text, ""),
            (Format::OpenMetrics, "# EOF\n"),
            (Format::Protobuf, ""),
        ] {
            let mut encoder = encoder(format, Escaping::Underscores);
            encoder.family(head("a")).unwrap();
            encoder.family(head("b")).unwrap();
            assert_eq!(encoder.finish().unwrap(), end.as_bytes());
        }
    }

    #[test]
    fn names_of_families_are_escaped_where_the_scheme_says_so() {
        let mut encoder = encoder(Format::Text, Escaping::Dots);
        encoder.family(head("a_b")).unwrap();
        encoder.metric(gauge(1)).unwrap();
        let text = String::from_utf8(encoder.finish().unwrap()).unwrap();
        assert_eq!(
            text,
            "# HELP a__b Help.\n# TYPE a__b gauge\na__b{a=\"1\"} 1\n"
        );
    }

    #[test]
    fn protobuf_is_written_in_messages_of_bounded_size() {
        let mut encoder = encoder(Format::Protobuf, Escaping::Underscores);
        const MANY: usize = 100_000;
        encoder.family(head("many")).unwrap();
        for value in 0..MANY {
            encoder.metric(gauge(value)).unwrap();
        }
        encoder.family(head("one")).unwrap();
        encoder.metric(gauge(7)).unwrap();
        let body = encoder.finish().unwrap();
        let mut rest = &body[..];
        let mut families = Vec::new();
        while !rest.is_empty() {
            let before = rest.len();
            families.push(MetricFamily::decode_length_delimited(&mut rest).unwrap());
            assert!(before - rest.len() < MESSAGE + 1_000);
        }
        let one = families.pop().unwrap();
        assert_eq!((one.name.as_str(), one.metric.len()), ("one", 1));
        assert!(families.len() > 2);
        let heads = families.iter().map(|f| (&*f.name, &*f.help, f.r#type()));
        for head in heads {
            assert_eq!(head, ("many", "Help.", MetricType::Gauge));
        }
        let metrics = families.iter().flat_map(|f| &f.metric);
        let values: Vec<_> = metrics.map(|m| m.gauge.unwrap().value as usize).collect();
        assert_eq!(values, (0..MANY).collect::<Vec<_>>());
    }
}
