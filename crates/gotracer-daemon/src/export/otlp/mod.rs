//! Findings, metrics and spans, pushed by OTLP.
//!
//! A finding is a log event `gotracer.finding` at the wall-clock time at which it happened. The
//! metrics are those of `/metrics`, collected at an interval. Both have the traced service as their
//! resource, and what gotracer says about itself has gotracer. A span is what gotracer itself did
//! with the trace.
//!
//! Log events and spans are made by the SDK and encoded by its OTLP exporters, metrics are encoded
//! here (the module `metrics` says why). All of them wait as bytes in a queue of bounded size, one
//! for each signal, and sending is retried with a growing wait until the receiver accepts them.
//! docs/otlp.md says why the SDK's own transport does not do.

mod answer;
mod client;
mod collector;
mod config;
mod deltas;
mod environment;
mod go;
mod logs;
mod metrics;
mod outbox;
mod queue;
mod receipt;
mod resource;
mod retry;
mod spans;
mod style;
mod tasks;
mod tls;
mod worker;

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use opentelemetry::trace::Span as _;
use opentelemetry_otlp::ExporterBuildError;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

pub use config::{Config, ConfigError, Endpoint, Flags, Protocol, Settings};
pub use environment::Ignored;
pub use receipt::Receipt;
pub use spans::Capture;
pub use style::{Histograms, Style, Temporality};

use self::client::Client;
use self::collector::Collector;
use self::logs::Logs;
use self::outbox::Outbox;
use self::queue::Queue;
use self::spans::Spans;
use self::worker::Worker;
use super::Metrics;
use super::catalog::delivery::{Signal, Stats};

/// Puts findings, metrics and spans into queues.
pub struct Exporter {
    logs: Option<Logs>,
    metrics: Option<Collector>,
    spans: Option<Spans>,
    /// Queue of the spans of tasks.
    traces: Option<Arc<Queue>>,
    resource: Vec<(String, String)>,
    stats: Arc<Stats>,
}

/// Workers that send the queues' messages in the background.
pub struct Delivery {
    workers: JoinSet<()>,
    closing: CancellationToken,
    deadline: Arc<OnceLock<Instant>>,
}

impl Exporter {
    /// Starts to send as the configuration says; `instance` identifies this gotracer among others.
    /// Has to be called within a tokio runtime.
    ///
    /// # Errors
    /// If the SDK does not make its exporters.
    pub fn start(config: Config, instance: &str) -> Result<(Self, Delivery), ExporterBuildError> {
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
        let own = resource::own(&config.resource, instance);
        let metrics = start(config.metrics, Signal::Metrics).map(|queue| {
            let base = config.resource.clone();
            Collector::new(queue, config.style, config.interval, base, own.clone())
        });
        let traces = start(config.traces, Signal::Traces);
        let spans = traces.clone().map(|queue| {
            let outbox = Outbox {
                queue,
                items: spans::count,
                receipt: None,
            };
            let exporter = outbox.spans()?;
            Ok(Spans::new(exporter, own))
        });
        let exporter = Self {
            logs,
            metrics,
            spans: spans.transpose()?,
            traces,
            resource: config.resource,
            stats,
        };
        Ok((exporter, delivery))
    }

    /// Counts of sent and lost items.
    pub fn stats(&self) -> Arc<Stats> {
        Arc::clone(&self.stats)
    }

    /// Time from one collection of metrics to the next, if metrics are sent.
    pub fn interval(&self) -> Option<Duration> {
        self.metrics.as_ref().map(|collector| collector.interval)
    }

    /// Collects all metrics, as the settings want it, and puts them into the queue.
    pub fn collect(&self, metrics: &Metrics, settings: &Settings) {
        if let Some(collector) = &self.metrics {
            collector.collect(metrics, settings.go_metrics);
        }
    }

    /// Puts the findings and the span of a trace into the queues, as the settings want it; never
    /// waits. The receipt is for the findings.
    pub fn record(&self, capture: &Capture<'_>, settings: &Settings, receipt: Option<Receipt>) {
        let spans = self.spans.as_ref().filter(|_| settings.spans);
        let mut span = spans.map(|spans| spans.start(capture));
        if let (Some(report), Some(logs)) = (capture.report, &self.logs) {
            let resource = resource::of(capture.target, &self.resource);
            let span = span.as_ref().and_then(spans::context);
            if let Err(error) = logs.send(report, &resource, capture.ended, span, receipt) {
                tracing::error!(%error, "findings could not be encoded for OTLP");
            }
        }
        if let (Some(report), Some(queue)) = (capture.report, &self.traces)
            && settings.task_spans > 0
        {
            let resource = resource::of(capture.target, &self.resource);
            tasks::send(queue, report, &resource, settings.task_spans);
        }
        if let Some(span) = &mut span {
            span.end_with_timestamp(capture.ended);
        }
    }
}

impl Delivery {
    /// Sends the waiting messages within that time. Later messages are not sent.
    pub async fn flush(mut self, within: Duration) {
        self.deadline.get_or_init(|| Instant::now() + within);
        self.closing.cancel();
        while self.workers.join_next().await.is_some() {}
    }
}
