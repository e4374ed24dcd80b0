//! HTTP client of the SDK's exporters that puts requests into the queue.
//!
//! The exporters drop a request after a few seconds. In the queue it waits for the receiver as long
//! as necessary, under the same limit as the metrics, which the SDK can't encode.

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

/// Endpoint of the exporters, which is never connected to.
const NOWHERE: &str = "http://queue.invalid";

/// Queue as an HTTP client.
pub(super) struct Outbox {
    /// Queue of the requests.
    pub queue: Arc<Queue>,
    /// How many log records or spans a request holds.
    pub items: fn(&[u8]) -> u64,
    /// Receipt of the requests.
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
        // The queue counts a rejected message as dropped; a retry would not help.
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
    pub(super) fn logs(self) -> Result<LogExporter, ExporterBuildError> {
        LogExporter::builder()
            .with_http()
            .with_http_client(self)
            .with_endpoint(NOWHERE)
            .with_protocol(Protocol::HttpBinary)
            .with_retry_policy(RetryPolicy::disabled())
            .build()
    }

    /// An exporter of spans into the queue.
    pub(super) fn spans(self) -> Result<SpanExporter, ExporterBuildError> {
        SpanExporter::builder()
            .with_http()
            .with_http_client(self)
            .with_endpoint(NOWHERE)
            .with_protocol(Protocol::HttpBinary)
            .with_retry_policy(RetryPolicy::disabled())
            .build()
    }
}
