//! The text of Prometheus 0.0.4, for scrapers and tools that know no other.

use std::fmt::{self, Write};

use prometheus_client::encoding::prometheus_protobuf::prometheus_data_model::{
    Histogram, LabelPair, Metric, MetricFamily, MetricType,
};

/// Writes the families one after the other; those without a metric are left
/// out.
pub fn encode(families: &[MetricFamily]) -> Result<String, fmt::Error> {
    let mut out = String::new();
    for family in families.iter().filter(|f| !f.metric.is_empty()) {
        let name = &family.name;
        writeln!(out, "# HELP {name} {}", Escaped(&family.help, false))?;
        let kind = match family.r#type() {
            MetricType::Counter => "counter",
            MetricType::Gauge => "gauge",
            MetricType::Histogram => "histogram",
            _ => "untyped",
        };
        writeln!(out, "# TYPE {name} {kind}")?;
        for metric in &family.metric {
            encode_metric(&mut out, name, metric)?;
        }
    }
    Ok(out)
}

fn encode_metric(out: &mut String, name: &str, metric: &Metric) -> fmt::Result {
    let labels = &metric.label;
    if let Some(counter) = &metric.counter {
        sample(out, name, "", labels, None, counter.value)?;
    }
    if let Some(gauge) = &metric.gauge {
        sample(out, name, "", labels, None, gauge.value)?;
    }
    if let Some(untyped) = &metric.untyped {
        sample(out, name, "", labels, None, untyped.value)?;
    }
    if let Some(histogram) = &metric.histogram {
        encode_histogram(out, name, labels, histogram)?;
    }
    Ok(())
}

fn encode_histogram(
    out: &mut String,
    name: &str,
    labels: &[LabelPair],
    histogram: &Histogram,
) -> fmt::Result {
    for bucket in &histogram.bucket {
        let le = Some(bucket.upper_bound);
        sample(
            out,
            name,
            "_bucket",
            labels,
            le,
            bucket.cumulative_count as f64,
        )?;
    }
    sample(out, name, "_sum", labels, None, histogram.sample_sum)?;
    sample(
        out,
        name,
        "_count",
        labels,
        None,
        histogram.sample_count as f64,
    )
}

fn sample(
    out: &mut String,
    name: &str,
    suffix: &str,
    labels: &[LabelPair],
    le: Option<f64>,
    value: f64,
) -> fmt::Result {
    write!(out, "{name}{suffix}")?;
    let mut separator = '{';
    for label in labels {
        write!(
            out,
            "{separator}{}=\"{}\"",
            label.name,
            Escaped(&label.value, true)
        )?;
        separator = ',';
    }
    if let Some(le) = le {
        write!(out, "{separator}le=\"{}\"", Number(le))?;
        separator = ',';
    }
    let end = if separator == ',' { "}" } else { "" };
    writeln!(out, "{end} {}", Number(value))
}

/// Text with backslashes and line ends escaped, and quotes in a label's value.
struct Escaped<'a>(&'a str, bool);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in self.0.chars() {
            match c {
                '\\' => f.write_str("\\\\")?,
                '\n' => f.write_str("\\n")?,
                '"' if self.1 => f.write_str("\\\"")?,
                c => f.write_char(c)?,
            }
        }
        Ok(())
    }
}

/// A number as Go prints and reads it.
struct Number(f64);

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            v if v == f64::INFINITY => f.write_str("+Inf"),
            v if v == f64::NEG_INFINITY => f.write_str("-Inf"),
            v => write!(f, "{v}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use prometheus_client::encoding::prometheus_protobuf::prometheus_data_model::Gauge;

    #[test]
    fn odd_values_are_escaped() {
        let family = MetricFamily {
            name: "x".into(),
            help: "a \\ and\na \"line\"".into(),
            r#type: MetricType::Gauge as i32,
            metric: vec![Metric {
                label: vec![LabelPair {
                    name: "a".into(),
                    value: "\"\\\n".into(),
                }],
                gauge: Some(Gauge { value: f64::NAN }),
                ..Default::default()
            }],
            ..Default::default()
        };
        assert_eq!(
            encode(&[family]).unwrap(),
            "# HELP x a \\\\ and\\na \"line\"\n# TYPE x gauge\nx{a=\"\\\"\\\\\\n\"} NaN\n"
        );
    }

    #[test]
    fn families_without_metrics_are_left_out() {
        assert_eq!(encode(&[MetricFamily::default()]).unwrap(), "");
    }
}
