//! What stands before a family's samples.

use std::fmt;

use prometheus_client::encoding::prometheus_protobuf::prometheus_data_model::{self, MetricFamily};
use prometheus_client::encoding::{DescriptorEncoder, MetricEncoder};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::Unit;

use super::settings::Settings;

/// A family's name, unit, type and HELP text.
#[derive(Debug)]
pub struct Head {
    /// Its name without its unit and without the ending of its type.
    pub name: &'static str,
    /// The unit that the name ends in.
    pub unit: Option<Unit>,
    /// Its type.
    pub kind: MetricType,
    /// What it says and how to read it.
    pub help: std::borrow::Cow<'static, str>,
}

/// A family of one sample, and where that has its value from.
pub type Valued<T> = (Head, fn(&T) -> f64);

impl Head {
    /// A family without a unit.
    pub const fn new(name: &'static str, kind: MetricType, help: &'static str) -> Self {
        Self {
            name,
            unit: None,
            kind,
            help: std::borrow::Cow::Borrowed(help),
        }
    }

    /// The same in a unit.
    pub const fn within(
        name: &'static str,
        unit: Unit,
        kind: MetricType,
        help: &'static str,
    ) -> Self {
        Self {
            name,
            unit: Some(unit),
            kind,
            help: std::borrow::Cow::Borrowed(help),
        }
    }

    /// Its name as it is exposed.
    pub fn exposed(&self) -> String {
        let unit = self.unit.as_ref().map_or("", Unit::as_str);
        let unit = if unit.is_empty() {
            String::new()
        } else {
            format!("_{unit}")
        };
        let end = match self.kind {
            MetricType::Counter => "_total",
            MetricType::Info => "_info",
            _ => "",
        };
        format!("{}{unit}{end}", self.name)
    }

    /// The family without metrics.
    pub fn family(&self) -> MetricFamily {
        let unit = self.unit.as_ref().map_or("", Unit::as_str);
        MetricFamily {
            name: self.exposed(),
            help: self.help.to_string(),
            r#type: prometheus_data_model::MetricType::from(self.kind) as i32,
            unit: unit.into(),
            ..MetricFamily::default()
        }
    }

    /// Begins the family; `None` if it is not wanted.
    pub fn begin<'e>(
        &'e self,
        encoder: &'e mut DescriptorEncoder<'_>,
        settings: &Settings,
    ) -> Result<Option<MetricEncoder<'e>>, fmt::Error> {
        if !settings.wants(&self.exposed()) {
            return Ok(None);
        }
        let kind = self.kind;
        let family = encoder.encode_descriptor(self.name, &self.help, self.unit.as_ref(), kind);
        family.map(Some)
    }
}
