//! Spans of capture and analysis. The findings of a trace have its span's context, so that a
//! finding leads to the others and to the capture.

use std::time::SystemTime;

use opentelemetry::trace::{
    Span as _, SpanContext, SpanKind, Status, Tracer as _, TracerProvider as _,
};
use opentelemetry::{Context, KeyValue};
use opentelemetry_otlp::SpanExporter;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{SdkTracer, SdkTracerProvider, Span};
use prost::Message as _;

use super::logs::{scope, whole};
use crate::labels::Labels;
use crate::report::Report;

/// The span's name.
const NAME: &str = "analyse trace";

/// Makes spans.
pub(super) struct Spans {
    tracer: SdkTracer,
}

/// Result of a capture.
#[derive(Clone, Copy, Debug)]
pub struct Capture<'a> {
    /// Target of the trace.
    pub target: &'a Labels,
    /// Name of the trace.
    pub source: &'a str,
    /// When reading it, or capturing it, began.
    pub started: SystemTime,
    /// When it was over.
    pub ended: SystemTime,
    /// Report, if the trace could be read.
    pub report: Option<&'a Report>,
    /// The reason and the text of what failed.
    pub failure: Option<(&'static str, &'a str)>,
}

impl Spans {
    /// Spans of `resource`, which is gotracer itself.
    pub(super) fn new(exporter: SpanExporter, resource: Resource) -> Self {
        let provider = SdkTracerProvider::builder()
            .with_resource(resource)
            .with_simple_exporter(exporter)
            .build();
        Self {
            tracer: provider.tracer_with_scope(scope()),
        }
    }

    /// The span of a trace, which is still open.
    pub(super) fn start(&self, of: &Capture<'_>) -> Span {
        let mut attributes = vec![KeyValue::new("gotracer.source", of.source.to_owned())];
        for (name, value) in of.target.iter().filter(|(n, _)| !n.starts_with("__")) {
            let key = format!("gotracer.target.{name}");
            attributes.push(KeyValue::new(key, value.to_owned()));
        }
        if let Some(report) = of.report {
            let trace = &report.trace;
            for (key, value) in [
                ("gotracer.trace.bytes", trace.bytes),
                ("gotracer.trace.lost_bytes", trace.lost_bytes),
                ("gotracer.trace.events", trace.events),
                ("gotracer.findings", report.findings.len() as u64),
            ] {
                attributes.push(KeyValue::new(key, whole(value)));
            }
        }
        // Spans of this thread are no parents of it.
        let nothing = Context::new();
        let mut span = self
            .tracer
            .span_builder(NAME)
            .with_kind(SpanKind::Internal)
            .with_start_time(of.started)
            .with_attributes(attributes)
            .start_with_context(&self.tracer, &nothing);
        if let Some((reason, text)) = of.failure {
            span.set_attribute(KeyValue::new("error.type", reason));
            span.set_status(Status::error(text.to_owned()));
        }
        span
    }
}

/// Context that makes findings belong to a span, if it is sent.
pub(super) fn context(span: &Span) -> Option<&SpanContext> {
    Some(span.span_context()).filter(|context| context.is_sampled())
}

/// How many spans a request holds.
pub(super) fn count(request: &[u8]) -> u64 {
    let request = ExportTraceServiceRequest::decode(request).unwrap_or_default();
    let scopes = request.resource_spans.iter().flat_map(|r| &r.scope_spans);
    scopes.map(|scope| scope.spans.len() as u64).sum()
}
