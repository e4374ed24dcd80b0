//! Findings as log events.

use std::time::SystemTime;

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs, SeverityNumber};
use opentelemetry_proto::tonic::resource::v1::Resource;
use prost::Message as _;

use super::queue::Message;
use super::value::{any, attribute, nanos, scope};
use crate::report::{Finding, Frame, Report, Severity};
use crate::rules::Unit;

/// The event's name.
const EVENT: &str = "gotracer.finding";

/// Findings to a message, so that none outgrows what a receiver takes: a
/// Collector's limit is 4 MiB, and a finding with a deep stack has 10 KiB.
const PER_MESSAGE: usize = 100;

/// A report's findings.
pub fn messages<'a>(
    resource: &'a Resource,
    report: &'a Report,
    at: SystemTime,
) -> impl Iterator<Item = Message> + 'a {
    report.findings.chunks(PER_MESSAGE).map(move |findings| {
        let records = findings.iter().map(|f| record(f, &report.trace.source, at));
        let request = ExportLogsServiceRequest {
            resource_logs: vec![ResourceLogs {
                resource: Some(resource.clone()),
                scope_logs: vec![ScopeLogs {
                    scope: Some(scope()),
                    log_records: records.collect(),
                    ..ScopeLogs::default()
                }],
                ..ResourceLogs::default()
            }],
        };
        Message {
            bytes: request.encode_to_vec().into(),
            items: findings.len() as u64,
        }
    })
}

fn record(finding: &Finding, source: &str, at: SystemTime) -> LogRecord {
    let (number, text) = match finding.severity {
        Severity::Error => (SeverityNumber::Error, "ERROR"),
        Severity::Warn => (SeverityNumber::Warn, "WARN"),
        Severity::Info => (SeverityNumber::Info, "INFO"),
    };
    let happened = finding.first_time.map(SystemTime::from);
    LogRecord {
        time_unix_nano: nanos(happened.unwrap_or(at)),
        observed_time_unix_nano: nanos(at),
        severity_number: number.into(),
        severity_text: text.into(),
        body: Some(any(&*finding.message)),
        attributes: attributes(finding, source),
        event_name: EVENT.into(),
        ..LogRecord::default()
    }
}

fn attributes(finding: &Finding, source: &str) -> Vec<KeyValue> {
    let mut all = vec![
        attribute("gotracer.rule", finding.rule.name),
        attribute("gotracer.finding.id", &*finding.id),
        attribute("gotracer.count", finding.count),
        attribute("gotracer.open", finding.open),
        attribute("gotracer.worst", finding.worst),
        attribute("gotracer.total", finding.total),
        attribute("gotracer.threshold", finding.threshold),
        attribute("gotracer.unit", unit(finding.unit())),
        attribute("gotracer.suggestion", &*finding.suggestion),
        attribute("gotracer.source", source),
    ];
    // Traces of Go before 1.25 don't tell the wall-clock time.
    if finding.first_time.is_none() {
        all.push(attribute("gotracer.time.estimated", true));
    }
    if let Some(cause) = &finding.cause {
        all.push(attribute("gotracer.cause.kind", cause.kind));
        all.push(attribute("gotracer.cause", &*cause.text));
    }
    let place = &finding.place;
    if !place.function.is_empty() {
        all.push(attribute("code.function.name", &*place.function));
    }
    if !place.file.is_empty() {
        all.push(attribute("code.file.path", &*place.file));
    }
    if place.line > 0 {
        all.push(attribute("code.line.number", place.line));
    }
    if !finding.stack.is_empty() {
        all.push(attribute("code.stacktrace", stacktrace(&finding.stack)));
    }
    all
}

/// The unit as UCUM has it, as that of the metrics.
pub fn unit(unit: Unit) -> &'static str {
    match unit {
        Unit::Nanoseconds => "ns",
        Unit::Bytes => "By",
        Unit::Goroutines => "{goroutine}",
    }
}

/// A stack as Go prints it.
fn stacktrace(stack: &[Frame]) -> String {
    let frames = stack
        .iter()
        .map(|f| format!("{}\n\t{}:{}", f.function, f.file, f.line));
    frames.collect::<Vec<_>>().join("\n")
}
