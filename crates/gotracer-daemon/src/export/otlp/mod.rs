//! Reports as OpenTelemetry log events, metrics and spans, pushed by OTLP.
//!
//! A finding is a log event `gotracer.finding` at the wall-clock time at which
//! it happened; the measurements are metrics. Both have the traced service as
//! their resource. A span tells what gotracer itself did with the trace.
//!
//! Log events and spans are made by the SDK and encoded by its OTLP exporters,
//! metrics are encoded here (the module `metrics` says why). All of them wait as bytes
//! in a queue of bounded size, one for each signal, and a receiver that is down
//! is asked again, less and less often, until it takes them. docs/otlp.md tells
//! why the SDK's own transport would not do.

mod answer;
mod client;
mod config;
mod environment;
mod logs;
mod metrics;
mod outbox;
mod queue;
mod receipt;
mod resource;
mod retry;
mod spans;
mod stats;
mod tls;
mod totals;
mod worker;

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use opentelemetry::trace::Span as _;
use opentelemetry_otlp::ExporterBuildError;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

pub use config::{Config, ConfigError, Endpoint, Flags, Protocol, Settings};
pub use metrics::{Histograms, Style};
pub use receipt::Receipt;
pub use spans::Capture;
pub use stats::{Signal, Stats};
pub use totals::Temporality;

use self::client::Client;
use self::logs::Logs;
use self::outbox::Outbox;
use self::queue::{Message, Queue};
use self::spans::Spans;
use self::totals::{Ledger, Totals};
use self::worker::Worker;
use crate::labels::Labels;

/// Sends what reports tell.
pub struct Exporter {
    logs: Option<Logs>,
    metrics: Option<Arc<Queue>>,
    spans: Option<Spans>,
    ledger: Ledger,
    style: Style,
    resource: Vec<(String, String)>,
    stats: Arc<Stats>,
}

/// What sends the queues' messages in the background.
pub struct Delivery {
    workers: JoinSet<()>,
    closing: CancellationToken,
    deadline: Arc<OnceLock<Instant>>,
}

impl Exporter {
    /// One that sends to where the configuration says. Has to be called within
    /// a tokio runtime.
    ///
    /// # Errors
    /// If the SDK does not make its exporters.
    pub fn start(config: Config) -> Result<(Self, Delivery), ExporterBuildError> {
        let stats = Arc::new(Stats::default());
        let mut delivery = Delivery {
            workers: JoinSet::new(),
            closing: CancellationToken::new(),
            deadline: Arc::default(),
        };
        let mut start = |endpoint: Option<Endpoint>, signal| {
            endpoint.map(|endpoint| {
                let queue = Arc::new(Queue::new(config.queue_bytes, signal, Arc::clone(&stats)));
                let worker = Worker {
                    signal,
                    client: Client::new(endpoint, signal),
                    queue: Arc::clone(&queue),
                    stats: Arc::clone(&stats),
                    closing: delivery.closing.clone(),
                    deadline: Arc::clone(&delivery.deadline),
                };
                delivery.workers.spawn(worker.run());
                queue
            })
        };
        let logs = start(config.logs, Signal::Logs).map(Logs::new);
        let metrics = start(config.metrics, Signal::Metrics);
        let traces = start(config.traces, Signal::Traces);
        let spans = traces.map(|queue| {
            let outbox = Outbox {
                queue,
                items: spans::count,
                receipt: None,
            };
            let exporter = outbox.spans()?;
            Ok(Spans::new(exporter, resource::own(&config.resource)))
        });
        let exporter = Self {
            logs,
            metrics,
            spans: spans.transpose()?,
            ledger: Ledger::new(config.style.temporality),
            style: config.style,
            resource: config.resource,
            stats,
        };
        Ok((exporter, delivery))
    }

    /// What was sent and what was lost.
    pub fn stats(&self) -> Arc<Stats> {
        Arc::clone(&self.stats)
    }

    /// Puts what became of a trace into the queues, as the settings want it;
    /// never waits. The receipt is for its findings and measurements.
    pub fn record(&self, capture: &Capture<'_>, settings: &Settings, receipt: Option<Receipt>) {
        let spans = self.spans.as_ref().filter(|_| settings.spans);
        let mut span = spans.map(|spans| spans.start(capture));
        if let Some(report) = capture.report {
            let resource = resource::of(capture.target, &report.trace, &self.resource);
            if let Some(queue) = &self.metrics {
                let totals = Totals::of(report, capture.ended);
                self.ledger.record(capture.target, totals, |totals| {
                    queue.push(Message {
                        receipt: receipt.clone(),
                        ..metrics::message(&resource, totals, report, self.style)
                    });
                });
            }
            if let Some(logs) = &self.logs {
                let span = span.as_ref().and_then(spans::context);
                if let Err(error) = logs.send(report, &resource, capture.ended, span, receipt) {
                    tracing::error!(%error, "findings could not be encoded for OTLP");
                }
            }
        }
        if let Some(span) = &mut span {
            span.end_with_timestamp(capture.ended);
        }
    }

    /// A target is gone: what was counted of it begins anew.
    pub fn forget(&self, target: &Labels) {
        self.ledger.forget(target);
    }
}

impl Delivery {
    /// Sends what waits, for so long at most. Nothing can be recorded after
    /// that.
    pub async fn flush(mut self, within: Duration) {
        self.deadline.get_or_init(|| Instant::now() + within);
        self.closing.cancel();
        while self.workers.join_next().await.is_some() {}
    }
}
