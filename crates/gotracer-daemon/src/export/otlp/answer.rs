//! A receiver's answer to a message, with its own words.

use hyper::header::{CONTENT_TYPE, HeaderMap};
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceResponse;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceResponse;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceResponse;
use prost::Message as _;

use super::environment::decode;
use crate::export::catalog::delivery::Signal;
use crate::tls::trouble;

/// The most characters of a receiver's words that are logged.
const SHOWN: usize = 300;

/// google.rpc.Status, the body of an answer that refuses.
#[derive(Clone, PartialEq, prost::Message)]
struct Status {
    #[prost(string, tag = "2")]
    message: String,
}

/// Result of a message that was accepted.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Accepted {
    /// How many of its items were rejected.
    pub rejected: u64,
    /// The receiver's reason, or a warning of it.
    pub words: Option<String>,
}

impl Accepted {
    /// Reads the response of a service. One that can't be read counts as accepted without words.
    pub(super) fn read(signal: Signal, response: &[u8]) -> Self {
        let partial = match signal {
            Signal::Logs => ExportLogsServiceResponse::decode(response)
                .ok()
                .and_then(|answer| answer.partial_success)
                .map(|partial| (partial.rejected_log_records, partial.error_message)),
            Signal::Metrics => ExportMetricsServiceResponse::decode(response)
                .ok()
                .and_then(|answer| answer.partial_success)
                .map(|partial| (partial.rejected_data_points, partial.error_message)),
            Signal::Traces => ExportTraceServiceResponse::decode(response)
                .ok()
                .and_then(|answer| answer.partial_success)
                .map(|partial| (partial.rejected_spans, partial.error_message)),
        };
        let (rejected, words) = partial.unwrap_or_default();
        Self {
            rejected: u64::try_from(rejected).unwrap_or(0),
            words: shown(&words),
        }
    }
}

/// The words in the body of an HTTP answer that refuses: a `google.rpc.Status`
/// as protobuf or JSON, or text.
pub(super) fn words(headers: &HeaderMap, body: &[u8]) -> Option<String> {
    let kind = headers
        .get(CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok());
    let kind = kind.unwrap_or_default();
    if kind.contains("protobuf") {
        return Status::decode(body)
            .ok()
            .and_then(|status| shown(&status.message));
    }
    if let Ok(json) = serde_json::from_slice::<serde_json::Value>(body) {
        let of = |name: &str| json[name].as_str();
        let message = ["message", "error", "msg"].into_iter().find_map(of);
        if let Some(message) = message {
            return shown(message);
        }
    }
    let text = String::from_utf8_lossy(body);
    match trouble::refuses_plain(&text) {
        true => Some(trouble::SECURE.into()),
        false => shown(&text),
    }
}

/// The words of `grpc-message`, which are percent-encoded.
pub(super) fn grpc_words(message: &str) -> Option<String> {
    shown(&decode(message).unwrap_or_else(|| message.into()))
}

/// The first line that is not empty, as far as it is shown.
fn shown(words: &str) -> Option<String> {
    let line = words.lines().map(str::trim).find(|line| !line.is_empty())?;
    Some(line.chars().take(SHOWN).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_read_in_every_form() {
        let status = Status {
            message: "no such tenant".into(),
        };
        for (kind, body, wanted) in [
            (
                "application/x-protobuf",
                status.encode_to_vec(),
                Some("no such tenant"),
            ),
            ("application/x-protobuf", b"\xff\xff".to_vec(), None),
            (
                "application/json",
                br#"{"code": 3, "message": "no such tenant"}"#.to_vec(),
                Some("no such tenant"),
            ),
            (
                "application/json",
                br#"{"status":"error","error":"bad data"}"#.to_vec(),
                Some("bad data"),
            ),
            (
                "text/plain; charset=utf-8",
                b"\n invalid temporality \nmore".to_vec(),
                Some("invalid temporality"),
            ),
            ("", Vec::new(), None),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(CONTENT_TYPE, kind.parse().unwrap());
            assert_eq!(words(&headers, &body).as_deref(), wanted, "{kind}");
        }
        assert_eq!(
            grpc_words("x-key%20is%20%5B%5D").as_deref(),
            Some("x-key is []")
        );
        assert_eq!(grpc_words("100%").as_deref(), Some("100%"));
        let long = "x".repeat(10_000);
        assert_eq!(shown(&long).map(|words| words.len()), Some(SHOWN));
    }
}
