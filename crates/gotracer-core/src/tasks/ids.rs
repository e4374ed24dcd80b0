//! Ids of distributed traces in the logs of programs.

use std::fmt;
use std::sync::Arc;

/// Trace and span that a task belongs to.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Ids {
    /// The trace.
    pub trace: Option<u128>,
    /// The span.
    pub span: Option<u64>,
}

impl Ids {
    /// The trace's id as 32 hexadecimal digits.
    pub fn trace_id(&self) -> Option<String> {
        self.trace.map(|id| format!("{id:032x}"))
    }

    /// The span's id as 16 hexadecimal digits.
    pub fn span_id(&self) -> Option<String> {
        self.span.map(|id| format!("{id:016x}"))
    }
}

/// Categories of logs that hold ids.
#[derive(Clone, PartialEq, Eq)]
pub struct IdKeys {
    trace: Arc<[String]>,
    span: Arc<[String]>,
}

impl fmt::Debug for IdKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} and {:?}", self.trace, self.span)
    }
}

impl Default for IdKeys {
    fn default() -> Self {
        Self::new(["trace_id".into()], ["span_id".into()])
    }
}

/// Category with a W3C Trace Context header.
const TRACEPARENT: &[u8] = b"traceparent";
/// Category that dd-trace-go writes: a span id in 8 bytes, little endian.
const DATADOG: &[u8] = b"datadog.uint64_span_id";

impl IdKeys {
    /// Returns the categories of trace ids and span ids. `traceparent` and dd-trace-go's
    /// category always count.
    pub fn new(
        trace: impl IntoIterator<Item = String>,
        span: impl IntoIterator<Item = String>,
    ) -> Self {
        Self {
            trace: trace.into_iter().collect(),
            span: span.into_iter().collect(),
        }
    }

    /// Parses a log. The first id of each kind is kept.
    pub fn read(&self, category: &[u8], message: &[u8], ids: &mut Ids) {
        let is = |keys: &[String]| keys.iter().any(|key| key.as_bytes() == category);
        let (mut trace, mut span) = (None, None);
        if is(&self.trace) {
            trace = hex(message, 32);
        }
        if is(&self.span) {
            span = hex(message, 16);
        }
        if category == TRACEPARENT {
            (trace, span) = traceparent(message);
        }
        if category == DATADOG
            && let Ok(bytes) = message.try_into()
        {
            span = Some(u128::from(u64::from_le_bytes(bytes))).filter(|id| *id != 0);
        }
        ids.trace = ids.trace.or(trace);
        ids.span = ids.span.or(span.and_then(|id| u64::try_from(id).ok()));
    }
}

/// Parses 1 to `most` hexadecimal digits; 0 is no id.
fn hex(text: &[u8], most: usize) -> Option<u128> {
    let text = std::str::from_utf8(text).ok()?;
    let digits = text.bytes().all(|b| b.is_ascii_hexdigit());
    let fits = (1..=most).contains(&text.len()) && digits;
    let id = fits.then(|| u128::from_str_radix(text, 16).ok())??;
    (id != 0).then_some(id)
}

/// Parses trace and span of `00-TRACE-SPAN-FLAGS`.
fn traceparent(text: &[u8]) -> (Option<u128>, Option<u128>) {
    let mut parts = text.split(|b| *b == b'-').skip(1);
    let mut id = |digits: usize| {
        let part = parts.next().filter(|part| part.len() == digits)?;
        hex(part, digits)
    };
    (id(32), id(16))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(logs: &[(&str, &[u8])]) -> Ids {
        let mut ids = Ids::default();
        for (category, message) in logs {
            IdKeys::default().read(category.as_bytes(), message, &mut ids);
        }
        ids
    }

    #[test]
    fn ids_are_read_from_logs() {
        let trace = "0af7651916cd43dd8448eb211c80319c";
        let span = "b7ad6b7169203331";
        let parent = format!("00-{trace}-{span}-01");
        for logs in [
            &[("trace_id", trace.as_bytes()), ("span_id", span.as_bytes())][..],
            &[("traceparent", parent.as_bytes())],
            &[
                ("trace_id", trace.as_bytes()),
                ("traceparent", parent.as_bytes()),
            ],
        ] {
            let ids = read(logs);
            assert_eq!(ids.trace_id().as_deref(), Some(trace));
            assert_eq!(ids.span_id().as_deref(), Some(span));
        }
        let datadog = 0x0123_4567_89ab_cdef_u64.to_le_bytes();
        let ids = read(&[("datadog.uint64_span_id", &datadog)]);
        assert_eq!(ids.span_id().as_deref(), Some("0123456789abcdef"));
        assert_eq!(ids.trace_id(), None);
        let keys = IdKeys::new(["request".into()], []);
        let mut ids = Ids::default();
        keys.read(b"request", b"7f", &mut ids);
        keys.read(b"trace_id", b"1", &mut ids);
        assert_eq!(ids.trace, Some(0x7f));
    }

    #[test]
    fn other_logs_are_no_ids() {
        for (category, message) in [
            ("trace_id", &b"not hexadecimal"[..]),
            ("trace_id", b""),
            ("trace_id", b"+1"),
            ("trace_id", b"00000000000000000000000000000000"),
            ("trace_id", b"0123456789abcdef0123456789abcdef0"),
            ("span_id", b"0123456789abcdef0"),
            ("traceparent", b"00-1-2-01"),
            ("traceparent", b"traceparent"),
            ("datadog.uint64_span_id", b"1234567"),
            ("datadog.uint64_span_id", &[0; 8]),
            ("message", b"1"),
        ] {
            assert_eq!(read(&[(category, message)]), Ids::default(), "{category}");
        }
    }
}
