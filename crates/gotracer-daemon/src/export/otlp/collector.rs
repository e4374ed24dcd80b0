//! Collects all metrics at an interval and puts them into the queue, as a scrape would.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use opentelemetry::InstrumentationScope;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::metrics::v1::{Metric, ResourceMetrics, ScopeMetrics};
use opentelemetry_proto::tonic::resource::v1::Resource as ProtoResource;
use opentelemetry_proto::transform::common::tonic::ResourceAttributesWithSchema;
use opentelemetry_sdk::Resource;
use parking_lot::Mutex;
use prost::Message as _;

use super::deltas::{Previous, Sent};
use super::go;
use super::logs::scope;
use super::metrics::{Owner, Writer, points};
use super::queue::{Message, Queue};
use super::resource::{self, SCHEMA};
use super::style::Style;
use crate::export::Metrics;
use crate::export::catalog;
use crate::export::names::Escaping;
use crate::labels::Labels;

/// Bytes after which a request is complete; receivers accept 4 MiB.
const REQUEST: usize = 1 << 20;

/// This exporter among the scrapers, each of which sees new series at 0 first.
const READER: &str = "OTLP";

/// Labels that receivers take from the resource, as Prometheus' translation does.
const OF_RESOURCE: [&str; 2] = ["instance", "job"];

/// Sends all metrics at an interval.
pub(super) struct Collector {
    queue: Arc<Queue>,
    style: Style,
    /// Time from one collection to the next.
    pub interval: Duration,
    /// Attributes of every resource.
    base: Vec<(String, String)>,
    /// Resource of gotracer itself.
    own: Resource,
    last: Mutex<Last>,
}

/// The last collection.
struct Last {
    at: SystemTime,
    sent: Previous,
}

/// A scope and its metrics.
type Scope = (InstrumentationScope, Vec<Metric>);

/// Resources that go out in one request, with the values that they send.
#[derive(Default)]
struct Request {
    resources: Vec<ResourceMetrics>,
    bytes: usize,
    items: usize,
    sent: Vec<(String, Sent)>,
}

impl Collector {
    /// Collector that sends to a queue.
    pub(super) fn new(
        queue: Arc<Queue>,
        style: Style,
        interval: Duration,
        base: Vec<(String, String)>,
        own: Resource,
    ) -> Self {
        let last = Last {
            at: SystemTime::now(),
            sent: Previous::new(),
        };
        Self {
            queue,
            style,
            interval,
            base,
            own,
            last: Mutex::new(last),
        }
    }

    /// Collects all metrics, with OpenTelemetry's `go.*` metrics if `go` is set. While an earlier
    /// collection waits for the receiver, this call does nothing: the next collection has all
    /// values.
    pub(super) fn collect(&self, metrics: &Metrics, go: bool) {
        if !self.queue.is_empty() {
            return;
        }
        let mut last = self.last.lock();
        // Points of one time would be duplicates.
        let now = SystemTime::now().max(last.at + Duration::from_nanos(1));
        let mut writer = Writer {
            style: self.style,
            now,
            before: last.at,
            previous: &last.sent,
            sent: Previous::new(),
        };
        let births = metrics.births();
        let view = births.view(READER);
        let settings = metrics.settings();
        let wanted = |name: &str| settings.wants(name);
        let mut sent = Previous::new();
        let mut request = Request::default();
        let mut complete = true;
        for (labels, target) in metrics.targets() {
            let resource = resource::of(&labels, &self.base);
            let mut shown = (*Escaping::AllowUtf8.labels(&labels)).clone();
            shown.retain(|name| !OF_RESOURCE.contains(&name));
            let owner = Owner {
                key: labels.to_string(),
                labels: &shown,
            };
            let all = catalog::of_targets().filter(|m| wanted(&m.desc.exposed()));
            let all = all.filter_map(|metric| {
                writer.metric(&metric.desc, &owner, |emit| {
                    Metrics::read_target(metric, &target, view, emit);
                })
            });
            let mut scopes = vec![(scope(), all.collect())];
            if go {
                scopes.push((go::scope(), go::metrics(&target.lock(), now)));
            }
            request.add(&resource, scopes, &mut writer);
            if request.bytes >= REQUEST {
                complete &= self.push(&mut request, &last.sent, &mut sent);
            }
        }
        let owner = Owner {
            key: String::new(),
            labels: &Labels::new(),
        };
        let mut all = Vec::new();
        metrics.read_daemon(view, &mut |desc, read| {
            if wanted(&desc.exposed()) {
                all.extend(writer.metric(desc, &owner, |emit| read(emit)));
            }
        });
        request.add(&self.own, vec![(scope(), all)], &mut writer);
        complete &= self.push(&mut request, &last.sent, &mut sent);
        if complete {
            births.delivered(READER, view);
        }
        *last = Last { at: now, sent };
    }

    /// Puts a request into the queue. A rejected request's values are part of the next collection.
    fn push(&self, request: &mut Request, before: &Previous, sent: &mut Previous) -> bool {
        let Request {
            resources,
            items,
            sent: values,
            ..
        } = std::mem::take(request);
        if items == 0 {
            return true;
        }
        let bytes = ExportMetricsServiceRequest {
            resource_metrics: resources,
        };
        let accepted = self.queue.push(Message {
            bytes: bytes.encode_to_vec().into(),
            items: items as u64,
            receipt: None,
        });
        let kept = |(key, _): (String, Sent)| {
            let value = before.get(&key)?.clone();
            Some((key, value))
        };
        match accepted {
            true => sent.extend(values),
            false => sent.extend(values.into_iter().filter_map(kept)),
        }
        accepted
    }
}

impl Request {
    /// Adds a resource with the metrics of each scope.
    fn add(&mut self, resource: &Resource, scopes: Vec<Scope>, writer: &mut Writer<'_>) {
        self.sent.extend(writer.sent.drain());
        let scopes = scopes
            .into_iter()
            .filter(|(_, metrics)| !metrics.is_empty());
        let scope_metrics = scopes.map(|(scope, metrics)| {
            self.items += metrics.iter().map(points).sum::<usize>();
            ScopeMetrics {
                scope: Some((scope, None).into()),
                metrics,
                schema_url: SCHEMA.into(),
            }
        });
        let scope_metrics: Vec<_> = scope_metrics.collect();
        if scope_metrics.is_empty() {
            return;
        }
        let ResourceAttributesWithSchema { attributes, .. } = resource.into();
        let resource = ResourceMetrics {
            resource: Some(ProtoResource {
                attributes: attributes.0,
                ..ProtoResource::default()
            }),
            scope_metrics,
            schema_url: SCHEMA.into(),
        };
        self.bytes += resource.encoded_len();
        self.resources.push(resource);
    }
}
