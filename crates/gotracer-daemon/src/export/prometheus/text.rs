//! Metrics as lines of text: Prometheus 0.0.4 and 1.0.0, and OpenMetrics 1.0.

use std::fmt::{self, Write};

use prometheus_client::encoding::prometheus_protobuf::prometheus_data_model::{
    Exemplar, Histogram, LabelPair, Metric, MetricFamily, MetricType,
};

use crate::labels::Labels;

/// Which lines are written.
#[derive(Clone, Copy, Debug)]
pub(super) struct Style {
    /// OpenMetrics, with exemplars and units; otherwise Prometheus' own text.
    pub open_metrics: bool,
    /// In OpenMetrics, a line `_created` for each counter and histogram.
    pub created: bool,
}

impl Style {
    /// The lines before a family's samples. Its name is escaped already.
    pub(super) fn head(self, out: &mut String, family: &MetricFamily) -> fmt::Result {
        let kind = self.kind(family);
        let name = self.family_name(family);
        writeln!(out, "# HELP {name} {}", Escaped(&family.help, false))?;
        writeln!(out, "# TYPE {name} {kind}")?;
        if self.open_metrics && !family.unit.is_empty() {
            writeln!(out, "# UNIT {name} {}", family.unit)?;
        }
        Ok(())
    }

    fn kind(self, family: &MetricFamily) -> &'static str {
        match family.r#type() {
            MetricType::Counter => "counter",
            // The data model knows an info as a gauge.
            MetricType::Gauge if self.open_metrics && family.name.ends_with("_info") => "info",
            MetricType::Gauge => "gauge",
            MetricType::Histogram => "histogram",
            _ if self.open_metrics => "unknown",
            _ => "untyped",
        }
    }

    /// In OpenMetrics, the ending of a type is no part of a family's name.
    fn family_name(self, family: &MetricFamily) -> &str {
        let name = family.name.as_str();
        let end = match self.kind(family) {
            "counter" if self.open_metrics => "_total",
            "info" => "_info",
            _ => "",
        };
        name.strip_suffix(end).unwrap_or(name)
    }

    /// The lines of one metric of a family.
    pub(super) fn metric(
        self,
        out: &mut String,
        family: &MetricFamily,
        metric: &Metric,
    ) -> fmt::Result {
        let name = &family.name;
        let labels = Set(&metric.label);
        if let Some(counter) = &metric.counter {
            write!(out, "{name}{labels} {}", Number(counter.value))?;
            if let Some(exemplar) = &counter.exemplar {
                self.exemplar(out, exemplar)?;
            }
            out.push('\n');
            let created = counter.start_timestamp.map(|t| (t.seconds, t.nanos));
            self.created(out, family, &labels, created)?;
        }
        if let Some(gauge) = &metric.gauge {
            writeln!(out, "{name}{labels} {}", Number(gauge.value))?;
        }
        if let Some(untyped) = &metric.untyped {
            writeln!(out, "{name}{labels} {}", Number(untyped.value))?;
        }
        if let Some(histogram) = &metric.histogram {
            self.histogram(out, name, &labels, histogram)?;
            let created = histogram.start_timestamp.map(|t| (t.seconds, t.nanos));
            self.created(out, family, &labels, created)?;
        }
        Ok(())
    }

    fn histogram(
        self,
        out: &mut String,
        name: &str,
        labels: &Set<'_>,
        histogram: &Histogram,
    ) -> fmt::Result {
        // A histogram has some twenty lines with the same labels.
        let mut start = format!("{name}_bucket{labels}");
        match start.strip_suffix('}') {
            Some(open) => start.truncate(open.len()),
            None => start.push('{'),
        }
        if !start.ends_with('{') {
            start.push(',');
        }
        for bucket in &histogram.bucket {
            let (le, count) = (bucket.upper_bound, bucket.cumulative_count);
            out.push_str(&start);
            match self.open_metrics && le.fract() == 0.0 {
                // A canonical number has a point.
                true => write!(out, "le=\"{le:.1}\"}} {count}")?,
                false => write!(out, "le=\"{}\"}} {count}", Number(le))?,
            }
            if let Some(exemplar) = &bucket.exemplar {
                self.exemplar(out, exemplar)?;
            }
            out.push('\n');
        }
        writeln!(out, "{name}_sum{labels} {}", Number(histogram.sample_sum))?;
        writeln!(out, "{name}_count{labels} {}", histogram.sample_count)
    }

    fn exemplar(self, out: &mut String, exemplar: &Exemplar) -> fmt::Result {
        if !self.open_metrics {
            return Ok(());
        }
        let labels = Set(&exemplar.label);
        write!(out, " # {labels} {}", Number(exemplar.value))?;
        match &exemplar.timestamp {
            Some(at) => write!(out, " {}", Seconds(at.seconds, at.nanos)),
            None => Ok(()),
        }
    }

    fn created(
        self,
        out: &mut String,
        family: &MetricFamily,
        labels: &Set<'_>,
        at: Option<(i64, i32)>,
    ) -> fmt::Result {
        match at {
            Some((seconds, nanos)) if self.open_metrics && self.created => {
                let name = self.family_name(family);
                writeln!(out, "{name}_created{labels} {}", Seconds(seconds, nanos))
            }
            _ => Ok(()),
        }
    }
}

/// Labels in braces; nothing if there are none.
struct Set<'a>(&'a [LabelPair]);

impl fmt::Display for Set<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = '{';
        for label in self.0 {
            f.write_char(separator)?;
            match Labels::valid_name(&label.name) {
                true => f.write_str(&label.name)?,
                false => write!(f, "\"{}\"", Escaped(&label.name, true))?,
            }
            write!(f, "=\"{}\"", Escaped(&label.value, true))?;
            separator = ',';
        }
        match self.0 {
            [] => Ok(()),
            _ => f.write_char('}'),
        }
    }
}

/// Text with backslashes and line ends escaped, and quotes in a label's value.
struct Escaped<'a>(&'a str, bool);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.0;
        let odd = |c: char| matches!(c, '\\' | '\n') || (c == '"' && self.1);
        while let Some(at) = rest.find(odd) {
            f.write_str(&rest[..at])?;
            f.write_str(match rest.as_bytes()[at] {
                b'\\' => "\\\\",
                b'\n' => "\\n",
                _ => "\\\"",
            })?;
            rest = &rest[at + 1..];
        }
        f.write_str(rest)
    }
}

/// A number as Go prints and reads it.
struct Number(f64);

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            v if v == f64::INFINITY => f.write_str("+Inf"),
            v if v == f64::NEG_INFINITY => f.write_str("-Inf"),
            // Counts are most of all samples.
            v if v.fract() == 0.0 && v.abs() < 1e15 => write!(f, "{}", v as i64),
            v => write!(f, "{v}"),
        }
    }
}

/// A time as seconds since 1970, to the millisecond.
struct Seconds(i64, i32);

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:03}", self.0, self.1 / 1_000_000)
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;
    use prometheus_client::encoding::prometheus_protobuf::prometheus_data_model::Counter;
    use std::time::{Duration, SystemTime};

    fn written(style: Style, family: &MetricFamily, metric: &Metric) -> String {
        let mut out = String::new();
        style.head(&mut out, family).unwrap();
        style.metric(&mut out, family, metric).unwrap();
        out
    }

    const CLASSIC: Style = Style {
        open_metrics: false,
        created: true,
    };
    const OPEN: Style = Style {
        open_metrics: true,
        created: true,
    };

    #[test]
    fn odd_values_are_escaped() {
        let family = MetricFamily {
            name: "x".into(),
            help: "a \\ and\na \"line\"".into(),
            r#type: MetricType::Gauge as i32,
            ..Default::default()
        };
        let labels = vec![sample::pair("a", "\"\\\n"), sample::pair("b.\"c", "\0")];
        let metric = sample::gauge(labels, f64::NAN);
        assert_eq!(
            written(CLASSIC, &family, &metric),
            "# HELP x a \\\\ and\\na \"line\"\n# TYPE x gauge\n\
             x{a=\"\\\"\\\\\\n\",\"b.\\\"c\"=\"\0\"} NaN\n"
        );
    }

    #[test]
    fn only_openmetrics_has_units_exemplars_and_creation() {
        let family = MetricFamily {
            name: "x_seconds_total".into(),
            unit: "seconds".into(),
            r#type: MetricType::Counter as i32,
            ..Default::default()
        };
        let at = SystemTime::UNIX_EPOCH + Duration::from_millis(1_500);
        let exemplar = Exemplar {
            label: vec![sample::pair("finding", "3f")],
            value: 1.0,
            timestamp: Some(at.into()),
        };
        let metric = Metric {
            counter: Some(Counter {
                value: 2.5,
                exemplar: Some(exemplar),
                start_timestamp: Some(at.into()),
            }),
            ..Metric::default()
        };
        assert_eq!(
            written(CLASSIC, &family, &metric),
            "# HELP x_seconds_total \n# TYPE x_seconds_total counter\nx_seconds_total 2.5\n"
        );
        assert_eq!(
            written(OPEN, &family, &metric),
            "# HELP x_seconds \n# TYPE x_seconds counter\n# UNIT x_seconds seconds\n\
             x_seconds_total 2.5 # {finding=\"3f\"} 1 1.500\nx_seconds_created 1.500\n"
        );
    }
}
