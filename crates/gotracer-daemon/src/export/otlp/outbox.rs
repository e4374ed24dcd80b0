//! Where the SDK's exporters put what they have encoded.
//!
//! They hand a request to an HTTP client and forget it a few seconds later.
//! This one sends nothing: it puts the request into the queue, where it waits
//! for the receiver for as long as that takes, with the measurements, which the
//! SDK can't encode, and under the same limit.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use hyper::body::Bytes;
use opentelemetry_http::{HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{
    ExporterBuildError, LogExporter, Protocol, RetryPolicy, SpanExporter, WithExportConfig,
    WithHttpConfig,
};

use super::queue::{Message, Queue};
use super::receipt::Receipt;

/// The exporters want to know where they send to. Nobody goes there.
const NOWHERE: &str = "http://queue.invalid";

/// A queue as a client.
pub struct Outbox {
    /// Where requests wait.
    pub queue: Arc<Queue>,
    /// How many log records or spans a request holds.
    pub items: fn(&[u8]) -> u64,
    /// Who wants to know that they arrived.
    pub receipt: Option<Receipt>,
}

impl fmt::Debug for Outbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Outbox")
    }
}

#[async_trait]
impl HttpClient for Outbox {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let bytes = request.into_body();
        let items = (self.items)(&bytes);
        // What finds no room is counted there, and asking again would not help.
        let receipt = self.receipt.clone();
        self.queue.push(Message {
            bytes,
            items,
            receipt,
        });
        Ok(Response::default())
    }
}

impl Outbox {
    /// An exporter of log records into the queue.
    pub fn logs(self) -> Result<LogExporter, ExporterBuildError> {
        LogExporter::builder()
            .with_http()
            .with_http_client(self)
            .with_endpoint(NOWHERE)
            .with_protocol(Protocol::HttpBinary)
            .with_retry_policy(RetryPolicy::disabled())
            .build()
    }

    /// An exporter of spans into the queue.
    pub fn spans(self) -> Result<SpanExporter, ExporterBuildError> {
        SpanExporter::builder()
            .with_http()
            .with_http_client(self)
            .with_endpoint(NOWHERE)
            .with_protocol(Protocol::HttpBinary)
            .with_retry_policy(RetryPolicy::disabled())
            .build()
    }
}
