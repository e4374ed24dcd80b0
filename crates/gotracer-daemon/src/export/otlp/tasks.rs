//! Slow tasks as spans in the traces of the requests that they belong to.
//!
//! A program logs the ids of its own spans in its tasks. A child span under these
//! ids shows in Jaeger or Tempo what the request's time was made of.

use std::cmp::Reverse;
use std::time::{Duration, SystemTime};

use opentelemetry::KeyValue;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::resource::v1::Resource as ProtoResource;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use opentelemetry_proto::transform::common::tonic::{Attributes, ResourceAttributesWithSchema};
use opentelemetry_sdk::Resource;
use prost::Message as _;

use super::logs::{scope, whole};
use super::metrics::nanos;
use super::queue::{Message, Queue};
use super::resource::SCHEMA;
use crate::report::{Report, Slow};
use crate::timeline::State;
use crate::units;

/// Name of the spans.
const NAME: &str = "go.runtime";

/// Puts spans of the slowest tasks of a trace into the queue, at most `most`.
/// Tasks without ids, and traces without wall-clock time, have none.
pub(super) fn send(queue: &Queue, report: &Report, resource: &Resource, most: usize) {
    let Some(started) = report.trace.start_time.map(units::system_time) else {
        return;
    };
    let tasks = report.tasks.iter();
    let slowest = tasks.flat_map(|task| task.slowest.iter().map(|slow| (task.name.as_str(), slow)));
    let mut slowest: Vec<_> = slowest.collect();
    slowest.sort_by_key(|(_, slow)| Reverse(slow.duration_ns));
    let spans = slowest
        .into_iter()
        .filter_map(|(name, slow)| span(name, slow, started));
    let spans: Vec<_> = spans.take(most).collect();
    if spans.is_empty() {
        return;
    }
    let items = spans.len() as u64;
    let ResourceAttributesWithSchema { attributes, .. } = resource.into();
    let request = ExportTraceServiceRequest {
        resource_spans: vec![ResourceSpans {
            resource: Some(ProtoResource {
                attributes: attributes.0,
                ..ProtoResource::default()
            }),
            scope_spans: vec![ScopeSpans {
                scope: Some((scope(), None).into()),
                spans,
                schema_url: String::new(),
            }],
            schema_url: SCHEMA.into(),
        }],
    };
    // The queue counts a rejected message as dropped.
    queue.push(Message {
        bytes: request.encode_to_vec().into(),
        items,
        receipt: None,
    });
}

/// The child span of a task's span, if the program logged its ids.
fn span(name: &str, slow: &Slow, started: SystemTime) -> Option<Span> {
    let trace = u128::from_str_radix(slow.trace_id.as_deref()?, 16).ok()?;
    let parent = u64::from_str_radix(slow.span_id.as_deref()?, 16).ok()?;
    let from = started.checked_add(Duration::from_nanos(slow.start_ns))?;
    let to = from.checked_add(Duration::from_nanos(slow.duration_ns))?;
    let mut attributes = vec![
        KeyValue::new("gotracer.task", name.to_owned()),
        KeyValue::new("gotracer.lower_bound", slow.lower_bound),
    ];
    let goroutine = slow.goroutine;
    attributes.extend(goroutine.map(|g| KeyValue::new("gotracer.goroutine", g)));
    for state in State::ALL {
        let time = slow.time.of(state);
        if time > 0 {
            let key = format!("gotracer.time.{}_ns", state.name());
            attributes.push(KeyValue::new(key, whole(time)));
        }
    }
    Some(Span {
        trace_id: trace.to_be_bytes().into(),
        span_id: id(trace, parent, slow.start_ns).to_be_bytes().into(),
        parent_span_id: parent.to_be_bytes().into(),
        name: NAME.into(),
        kind: SpanKind::Internal.into(),
        start_time_unix_nano: nanos(from),
        end_time_unix_nano: nanos(to),
        attributes: Attributes::from(attributes).0,
        // Sampled.
        flags: 1,
        ..Span::default()
    })
}

/// Id of a span that is the same if the span is sent again: FNV-1a of the ids and
/// the start.
fn id(trace: u128, parent: u64, start: u64) -> u64 {
    let bytes = trace.to_be_bytes().into_iter();
    let bytes = bytes.chain(parent.to_be_bytes()).chain(start.to_be_bytes());
    let hash = bytes.fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3)
    });
    // 0 is no id.
    hash.max(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::timeline::{Leaves, StateVector};

    fn slow(trace: Option<&str>, span: Option<&str>) -> Slow {
        Slow {
            duration_ns: 2_000,
            start_ns: 1_000,
            goroutine: Some(7),
            task: Some(1),
            lower_bound: false,
            trace_id: trace.map(Into::into),
            span_id: span.map(Into::into),
            time: StateVector::from_values(std::array::from_fn(|i| i as u64), 0, [0; 3]),
            time_in_the_end: Leaves::default(),
        }
    }

    #[test]
    fn a_span_is_the_child_of_the_span_that_the_program_logs() {
        let started = SystemTime::UNIX_EPOCH;
        let trace = "0af7651916cd43dd8448eb211c80319c";
        let of = |trace, span| super::span("GET /", &slow(trace, span), started);
        let one = of(Some(trace), Some("b7ad6b7169203331")).unwrap();
        assert_eq!(one.parent_span_id, 0xb7ad_6b71_6920_3331_u64.to_be_bytes());
        assert_eq!(one.trace_id.len(), 16);
        assert_ne!(one.span_id, one.parent_span_id);
        assert_eq!(
            (one.start_time_unix_nano, one.end_time_unix_nano),
            (1_000, 3_000)
        );
        let keys: Vec<_> = one.attributes.iter().map(|a| a.key.as_str()).collect();
        assert!(keys.contains(&"gotracer.time.network_ns"), "{keys:?}");
        assert!(!keys.contains(&"gotracer.time.running_ns"), "{keys:?}");
        assert_eq!(of(Some(trace), Some("b7ad6b7169203331")).unwrap(), one);
        assert_eq!(of(Some(trace), None), None);
        assert_eq!(of(None, Some("b7ad6b7169203331")), None);
    }
}
