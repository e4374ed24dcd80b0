//! OTLP sink: the exporter, if one is configured, and its settings.

use std::sync::Arc;
use std::time::Duration;

use super::outcome::CaptureOutcome;
use crate::export::Metrics;
use crate::export::otlp::{Exporter, Receipt, Settings};
use crate::live::Live;

/// OTLP exporter with settings that a reload replaces.
pub(crate) struct Otlp {
    exporter: Option<Exporter>,
    settings: Live<Settings>,
}

impl Otlp {
    /// Creates a disabled sink; [`configure`](Self::configure) enables it.
    pub(crate) fn new(exporter: Option<Exporter>) -> Self {
        Self {
            exporter,
            settings: Live::default(),
        }
    }

    /// Sets the settings that apply from the next trace on.
    pub(crate) fn configure(&self, settings: Settings) {
        self.settings.set(settings);
    }

    /// Interval of metric exports, if metrics are exported.
    pub(crate) fn interval(&self) -> Option<Duration> {
        self.exporter.as_ref()?.interval()
    }

    /// Whether results are exported.
    pub(crate) fn is_enabled(&self) -> bool {
        self.enabled().is_some()
    }

    /// Exports a result. The receipt is acknowledged once its findings arrived or were dropped.
    pub(crate) fn record(&self, outcome: &CaptureOutcome, receipt: Option<Receipt>) {
        if let Some((exporter, settings)) = self.enabled() {
            exporter.record(&outcome.capture(), &settings, receipt);
        }
    }

    /// Exports all metrics.
    pub(crate) fn export(&self, metrics: &Metrics) {
        if let Some((exporter, settings)) = self.enabled() {
            exporter.collect(metrics, &settings);
        }
    }

    fn enabled(&self) -> Option<(&Exporter, Arc<Settings>)> {
        let settings = self.settings.get();
        let exporter = self.exporter.as_ref().filter(|_| settings.enabled)?;
        Some((exporter, settings))
    }
}
