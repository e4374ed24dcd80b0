//! Waits that receivers ask for before the next attempt.

use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use hyper::header::HeaderMap;
use prost::Message as _;

/// Longest wait; a longer one is cut to it.
const LONGEST: Duration = Duration::from_secs(300);

/// Type of the detail of a gRPC status that holds a wait.
const RETRY_INFO: &str = "type.googleapis.com/google.rpc.RetryInfo";

/// google.rpc.Status, as far as it is used.
#[derive(Clone, PartialEq, prost::Message)]
struct Status {
    #[prost(message, repeated, tag = "3")]
    details: Vec<Detail>,
}

/// google.protobuf.Any.
#[derive(Clone, PartialEq, prost::Message)]
struct Detail {
    #[prost(string, tag = "1")]
    type_url: String,
    #[prost(bytes = "vec", tag = "2")]
    value: Vec<u8>,
}

/// google.rpc.RetryInfo.
#[derive(Clone, PartialEq, prost::Message)]
struct RetryInfo {
    #[prost(message, optional, tag = "1")]
    delay: Option<Delay>,
}

/// google.protobuf.Duration.
#[derive(Clone, Copy, PartialEq, prost::Message)]
struct Delay {
    #[prost(int64, tag = "1")]
    seconds: i64,
    #[prost(int32, tag = "2")]
    nanos: i32,
}

/// Reads `Retry-After`: seconds, or a date.
pub(super) fn after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get("retry-after")?.to_str().ok()?.trim();
    let wait = match text.parse() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => {
            let date = jiff::fmt::rfc2822::parse(text).ok()?;
            let until = SystemTime::try_from(date.timestamp()).ok()?;
            until.duration_since(SystemTime::now()).unwrap_or_default()
        }
    };
    Some(wait.min(LONGEST))
}

/// Reads the wait in the details of a gRPC status, if there is one.
pub(super) fn info(details: &str) -> Option<Duration> {
    // Padding is not wanted there, and sent by some all the same.
    let bytes = STANDARD_NO_PAD.decode(details.trim_end_matches('=')).ok()?;
    let status = Status::decode(&*bytes).ok()?;
    let detail = status.details.iter().find(|d| d.type_url == RETRY_INFO)?;
    let delay = RetryInfo::decode(&*detail.value).ok()?.delay?;
    let seconds = u64::try_from(delay.seconds).ok()?;
    let wait = Duration::new(seconds, u32::try_from(delay.nanos).ok()?);
    Some(wait.min(LONGEST))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn retry_after(value: &str) -> Option<Duration> {
        let mut headers = HeaderMap::new();
        headers.insert("retry-after", value.parse().unwrap());
        after(&headers)
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        assert_eq!(retry_after("7"), Some(Duration::from_secs(7)));
        assert_eq!(retry_after("99999"), Some(LONGEST));
        assert_eq!(retry_after("soon"), None);
        assert_eq!(retry_after("-1"), None);
        let past = "Sun, 06 Nov 1994 08:49:37 GMT";
        assert_eq!(retry_after(past), Some(Duration::ZERO));
        assert_eq!(retry_after("Sat, 06 Nov 2094 08:49:37 GMT"), Some(LONGEST));
    }

    #[test]
    fn details_without_a_wait_say_nothing() {
        assert_eq!(info(""), None);
        assert_eq!(info("%"), None);
        let status = |value: Vec<u8>| {
            let details = vec![Detail {
                type_url: RETRY_INFO.into(),
                value,
            }];
            STANDARD_NO_PAD.encode(Status { details }.encode_to_vec())
        };
        assert_eq!(info(&status(Vec::new())), None);
        let delay = |seconds, nanos| {
            let delay = Some(Delay { seconds, nanos });
            info(&status(RetryInfo { delay }.encode_to_vec()))
        };
        assert_eq!(delay(1, 500_000_000), Some(Duration::from_millis(1500)));
        assert_eq!(delay(-1, 0), None);
    }
}
