//! Analysis by the rule settings in force.

use std::any::Any;
use std::collections::HashMap;
use std::io::Read;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use super::outcome::Analyzed;
use crate::analysis::{Outcome, analyze, analyze_all};
use crate::labels::Labels;
use crate::live::Live;
use crate::report::Report;
use crate::rules::Settings;
use crate::source::{Limits, from_reader};
use crate::trace::{Input, ReadError};

/// Rule settings, by default and per service.
#[derive(PartialEq, Default)]
pub(crate) struct Thresholds {
    usual: Settings,
    /// Overrides by the label `service`.
    services: HashMap<String, Settings>,
}

impl Thresholds {
    /// Returns the settings for a target.
    pub(crate) fn of(&self, target: &Labels) -> &Settings {
        self.of_service(target.get("service"))
    }

    /// Returns the settings for a service.
    pub(crate) fn of_service(&self, service: &str) -> &Settings {
        self.services.get(service).unwrap_or(&self.usual)
    }
}

/// Analyzer of traces. Panics of the analysis are caught.
#[derive(Default)]
pub(crate) struct Analyzer(Live<Thresholds>);

impl Analyzer {
    /// Sets the rule settings that apply from the next trace on.
    pub(crate) fn configure(&self, usual: Settings, services: HashMap<String, Settings>) {
        self.0.update(Thresholds { usual, services });
    }

    /// Returns the rule settings in force.
    pub(crate) fn thresholds(&self) -> Arc<Thresholds> {
        self.0.get()
    }

    /// Analyzes every trace of a stream of bytes while it is received. Returns each with its name.
    pub(crate) fn read(
        &self,
        reader: impl Read + Send + 'static,
        source: &str,
        labels: &Labels,
        limits: &Limits,
    ) -> Vec<(String, Analyzed)> {
        match from_reader(reader, limits) {
            Ok(input) => self.analyze_all(input, source, labels),
            Err(error) => vec![(source.to_owned(), Analyzed::io(error))],
        }
    }

    /// Analyzes a copy of a trace. Returns `None` if it cannot be read.
    pub(crate) fn report(&self, input: Input<'_>, source: &str, labels: &Labels) -> Option<Report> {
        match self.analyze(input, source, labels) {
            Analyzed::Read(outcome) => Some(outcome.report),
            Analyzed::Unreadable(_) | Analyzed::Panicked(_) => None,
        }
    }

    fn analyze(&self, input: Input<'_>, source: &str, labels: &Labels) -> Analyzed {
        let thresholds = self.thresholds();
        let settings = thresholds.of(labels);
        // The analysis changes nothing that outlives it.
        let analysis = AssertUnwindSafe(|| analyze(input, source, settings, |_| ()));
        catch_unwind(analysis).map_or_else(panicked, analyzed)
    }

    /// Analyzes every trace of an input. Returns each with its name.
    pub(crate) fn analyze_all(
        &self,
        input: Input<'_>,
        source: &str,
        labels: &Labels,
    ) -> Vec<(String, Analyzed)> {
        let thresholds = self.thresholds();
        let settings = thresholds.of(labels);
        let mut traces = Vec::new();
        let each = |name, outcome| traces.push((name, analyzed(outcome)));
        let analysis =
            AssertUnwindSafe(|| analyze_all(input, source, settings, false, |_| (), each));
        if let Err(panic) = catch_unwind(analysis) {
            traces.push((source.to_owned(), panicked(panic)));
        }
        traces
    }
}

fn analyzed(outcome: Result<Outcome, ReadError>) -> Analyzed {
    match outcome {
        Ok(outcome) => Analyzed::Read(Box::new(outcome)),
        Err(error) => Analyzed::Unreadable(error),
    }
}

/// Takes the message of a panic.
fn panicked(panic: Box<dyn Any + Send>) -> Analyzed {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
    Analyzed::Panicked(format!(
        "gotracer has a defect: {}",
        text.unwrap_or("panic")
    ))
}
