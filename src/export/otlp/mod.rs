//! Reports as OpenTelemetry log events and metrics, pushed by OTLP.
//!
//! A finding is a log event `gotracer.finding` at the wall-clock time at which
//! it happened; the measurements are metrics. Both have the traced service as
//! their resource. There can be a thousand of those, and the SDK's providers
//! have one resource each and take no ready-made histograms: so the messages
//! are made here, from the protocol's own definitions.
//!
//! A message is encoded when its report is there, and waits as bytes in a
//! queue of bounded size, one for each signal. A Collector that is down is
//! asked again, less and less often, until it takes them.

mod client;
mod config;
mod environment;
mod logs;
mod metrics;
mod queue;
mod resource;
mod stats;
mod tls;
mod value;
mod worker;

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

pub use config::{Config, ConfigError, Endpoint, Flags, Protocol};
pub use stats::{Signal, Stats};

use self::client::Client;
use self::queue::Queue;
use self::worker::Worker;
use crate::labels::Labels;
use crate::report::Report;

/// Sends what reports tell.
pub struct Exporter {
    logs: Option<Arc<Queue>>,
    metrics: Option<Arc<Queue>>,
    resource: Vec<(String, String)>,
    stats: Arc<Stats>,
}

/// What sends the queues' messages in the background.
pub struct Delivery {
    workers: JoinSet<()>,
    closing: CancellationToken,
    deadline: Arc<std::sync::OnceLock<Instant>>,
}

impl Exporter {
    /// One that sends to where the configuration says. Has to be called within
    /// a tokio runtime.
    pub fn start(config: Config) -> (Self, Delivery) {
        let stats = Arc::new(Stats::default());
        let mut delivery = Delivery {
            workers: JoinSet::new(),
            closing: CancellationToken::new(),
            deadline: Arc::default(),
        };
        let mut start = |endpoint: Option<Endpoint>, signal| {
            endpoint.map(|endpoint| {
                let queue = Arc::new(Queue::new(config.queue_bytes));
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
        let exporter = Self {
            logs: start(config.logs, Signal::Logs),
            metrics: start(config.metrics, Signal::Metrics),
            resource: config.resource,
            stats: Arc::clone(&stats),
        };
        (exporter, delivery)
    }

    /// What was sent and what was lost.
    pub fn stats(&self) -> Arc<Stats> {
        Arc::clone(&self.stats)
    }

    /// Puts what a trace told into the queues; never waits.
    pub fn record(&self, target: &Labels, report: &Report, at: SystemTime) {
        let resource = resource::of(target, &report.trace, &self.resource);
        if let Some(queue) = &self.logs {
            for message in logs::messages(&resource, report, at) {
                self.put(queue, Signal::Logs, message);
            }
        }
        if let Some(queue) = &self.metrics {
            let message = metrics::message(&resource, report, at);
            self.put(queue, Signal::Metrics, message);
        }
    }

    fn put(&self, queue: &Queue, signal: Signal, message: queue::Message) {
        let items = message.items;
        if !queue.push(message) {
            self.stats.dropped(signal, items);
        }
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
