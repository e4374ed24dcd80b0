//! Findings as log events.

use std::error::Error;
use std::sync::Arc;
use std::time::SystemTime;

use opentelemetry::InstrumentationScope;
use opentelemetry::logs::{LogRecord as _, Logger as _, LoggerProvider as _, Severity as Level};
use opentelemetry::trace::SpanContext;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::logs::{
    LogBatch, LogExporter as _, SdkLogRecord, SdkLogger, SdkLoggerProvider,
};
use prost::Message as _;

use super::outbox::Outbox;
use super::queue::Queue;
use super::receipt::Receipt;
use crate::report::{Finding, Frame, Report, Severity, hash};
use crate::rules::Unit;
use crate::units;

/// Findings per message, so that none exceeds what a receiver accepts: a
/// Collector's limit is 4 MiB, and a finding with a deep stack has 10 KiB.
const PER_MESSAGE: usize = 100;

/// The event's name.
const EVENT: &str = "gotracer.finding";

/// Scope of everything that gotracer sends.
pub(super) fn scope() -> InstrumentationScope {
    InstrumentationScope::builder("gotracer")
        .with_version(env!("CARGO_PKG_VERSION"))
        .build()
}

/// Makes log events.
pub(super) struct Logs {
    logger: SdkLogger,
    queue: Arc<Queue>,
}

impl Logs {
    /// Log events that go to a queue.
    pub(super) fn new(queue: Arc<Queue>) -> Self {
        // A provider has one resource, and there is one per service. So the provider only makes
        // records, and the exporter gets the resource.
        let provider = SdkLoggerProvider::builder().build();
        Self {
            logger: provider.logger_with_scope(scope()),
            queue,
        }
    }

    /// Sends a report's findings as those of a resource and as part of a span,
    /// if there is one.
    ///
    /// # Errors
    /// If the SDK can't encode them.
    pub(super) fn send(
        &self,
        report: &Report,
        resource: &Resource,
        at: SystemTime,
        span: Option<&SpanContext>,
        receipt: Option<Receipt>,
    ) -> Result<(), Box<dyn Error>> {
        let outbox = Outbox {
            queue: Arc::clone(&self.queue),
            items: count,
            receipt,
        };
        let mut exporter = outbox.logs()?;
        exporter.set_resource(resource);
        let scope = scope();
        for findings in report.findings.chunks(PER_MESSAGE) {
            let records = findings.iter().map(|finding| {
                let mut record = self.logger.create_log_record();
                describe(&mut record, finding, &report.trace.source, at);
                record.add_attribute("log.record.uid", uid(report, finding));
                if let Some(url) = &report.evidence {
                    record.add_attribute("gotracer.evidence.url", url.clone());
                }
                if let Some(span) = span {
                    let flags = Some(span.trace_flags());
                    record.set_trace_context(span.trace_id(), span.span_id(), flags);
                }
                record
            });
            let records: Vec<_> = records.collect();
            let batch: Vec<_> = records.iter().map(|record| (record, &scope)).collect();
            // The queue takes it at once.
            futures_executor::block_on(exporter.export(LogBatch::new(&batch)))?;
        }
        Ok(())
    }
}

/// How many log records a request holds.
fn count(request: &[u8]) -> u64 {
    let request = ExportLogsServiceRequest::decode(request).unwrap_or_default();
    let scopes = request.resource_logs.iter().flat_map(|r| &r.scope_logs);
    scopes.map(|scope| scope.log_records.len() as u64).sum()
}

/// Identifier of a log record. It is the same if the trace is analyzed and sent
/// again after a crash, so that a receiver can drop the duplicate.
fn uid(report: &Report, finding: &Finding) -> String {
    let trace = &report.trace;
    let start = trace.start_time.map(|time| time.to_string());
    let numbers = [
        trace.duration_ns,
        trace.events,
        trace.bytes,
        finding.first_ns,
        finding.last_ns,
        finding.count,
        finding.total,
    ];
    let numbers = numbers.map(|number| number.to_string()).join(" ");
    let start = start.unwrap_or_default();
    hash(&[&trace.source, &start, &finding.id, &numbers])
}

fn describe(record: &mut SdkLogRecord, finding: &Finding, source: &str, at: SystemTime) {
    let (level, text) = match finding.severity {
        Severity::Error => (Level::Error, "ERROR"),
        Severity::Warn => (Level::Warn, "WARN"),
        Severity::Info => (Level::Info, "INFO"),
    };
    let happened = finding.first_time.map(units::system_time);
    record.set_event_name(EVENT);
    record.set_timestamp(happened.unwrap_or(at));
    record.set_observed_timestamp(at);
    record.set_severity_number(level);
    record.set_severity_text(text);
    record.set_body(finding.message.clone().into());
    record.add_attribute("gotracer.rule", finding.rule.name);
    record.add_attribute("gotracer.finding.id", finding.id.clone());
    record.add_attribute("gotracer.count", whole(finding.count));
    record.add_attribute("gotracer.open", whole(finding.open));
    record.add_attribute("gotracer.worst", whole(finding.worst));
    record.add_attribute("gotracer.worst_at", whole(finding.worst_at_ns));
    record.add_attribute("gotracer.worst_for", whole(finding.worst_for_ns));
    record.add_attribute("gotracer.total", whole(finding.total));
    record.add_attribute("gotracer.threshold", whole(finding.threshold));
    record.add_attribute("gotracer.unit", unit(finding.unit()));
    record.add_attribute("gotracer.suggestion", finding.suggestion.clone());
    record.add_attribute("gotracer.source", source.to_owned());
    // Traces of Go before 1.25 don't tell the wall-clock time.
    if finding.first_time.is_none() {
        record.add_attribute("gotracer.time.estimated", true);
    }
    if let Some(cause) = &finding.cause {
        record.add_attribute("gotracer.cause.kind", cause.kind.clone());
        record.add_attribute("gotracer.cause", cause.text.clone());
    }
    let place = &finding.place;
    if !place.function.is_empty() {
        record.add_attribute("code.function.name", place.function.clone());
    }
    if !place.file.is_empty() {
        record.add_attribute("code.file.path", place.file.clone());
    }
    if place.line > 0 {
        record.add_attribute("code.line.number", whole(place.line));
    }
    if !finding.stack.is_empty() {
        record.add_attribute("code.stacktrace", stacktrace(&finding.stack));
    }
}

/// A number as attributes have it.
pub(super) fn whole(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// The unit as a UCUM code.
pub(super) fn unit(unit: Unit) -> &'static str {
    match unit {
        Unit::Nanoseconds => "ns",
        Unit::Bytes => "By",
        Unit::Goroutines => "{goroutine}",
        Unit::Share => "[ppm]",
        Unit::Rate => "mHz",
    }
}

/// A stack as Go prints it.
fn stacktrace(stack: &[Frame]) -> String {
    let frames = stack
        .iter()
        .map(|f| format!("{}\n\t{}:{}", f.function, f.file, f.line));
    frames.collect::<Vec<_>>().join("\n")
}
