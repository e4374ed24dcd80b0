//! Kept traces for ui.perfetto.dev: all of a trace, or a window around a moment.

use std::io;
use std::sync::Arc;

use hyper::StatusCode;
use hyper::header::{CONTENT_DISPOSITION, HeaderMap, HeaderValue};

use super::State;
use super::connections::InFlight;
use super::kept::Kept;
use super::reply::{Reply, Written, blocking, busy, text, written};
use crate::evidence::{Evidence, Item};
use crate::explain::Window;
use crate::perfetto::{self, Options};
use crate::rules::Unit;
use crate::trace::Reader;

/// Default length of the window, ns.
const USUAL: u64 = 20_000_000;

/// Window that a query selects.
#[derive(Default)]
struct Query {
    at: Option<u64>,
    finding: Option<String>,
    window: Option<u64>,
}

impl Query {
    fn parse(query: &str) -> Result<Self, String> {
        let mut parsed = Self::default();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            let time = || Unit::Nanoseconds.parse(&value).map(Some);
            let time = || time().map_err(|error| format!("{name}: {error}"));
            match &*name {
                "format" => {}
                "at" => parsed.at = time()?,
                "window" => parsed.window = time()?,
                "finding" => parsed.finding = Some(value.into()),
                _ => {
                    return Err(format!(
                        "{name:?} is unknown; there are at, finding and window"
                    ));
                }
            }
        }
        if parsed.at.is_some() && parsed.finding.is_some() {
            return Err("at and finding exclude each other".into());
        }
        Ok(parsed)
    }
}

/// Kept trace to export.
struct Export(Kept);

/// Exports a kept trace while the client reads it.
pub(super) async fn export(
    kept: (Item, Arc<Evidence>),
    (headers, query): (HeaderMap, &str),
    in_flight: &InFlight,
    state: Arc<State>,
) -> Reply {
    let query = match Query::parse(query) {
        Ok(query) => query,
        Err(error) => return text(StatusCode::BAD_REQUEST, &error),
    };
    let Some(kept) = Kept::admit(kept, in_flight, state).await else {
        return busy("as many traces as allowed are being read; try again");
    };
    let export = Export(kept);
    let runtime = tokio::runtime::Handle::current();
    blocking(move || {
        let window = match export.window(&query) {
            Ok(window) => window,
            Err(reply) => return *reply,
        };
        let _entered = runtime.enter();
        export.reply(&headers, window)
    })
    .await
}

impl Export {
    /// Returns the selected window. Blocks.
    fn window(&self, query: &Query) -> Result<Option<Window>, Box<Reply>> {
        if let Some(at) = query.at {
            return Ok(Some(Window::around(at, query.window.unwrap_or(USUAL))));
        }
        let Some(id) = &query.finding else {
            return Ok(None);
        };
        let failed = |error: io::Error| Box::new(text(StatusCode::BAD_GATEWAY, &error.to_string()));
        let report = self.0.report().map_err(failed)?;
        let findings = report.map(|report| report.findings).unwrap_or_default();
        let found = findings.iter().find(|f| f.id == *id);
        let Some(finding) = found else {
            let why = format!("this trace has no finding {id}");
            return Err(Box::new(text(StatusCode::NOT_FOUND, &why)));
        };
        let (at, lasted) = (finding.worst_at_ns, finding.worst_for_ns);
        Ok(Some(match query.window {
            Some(length) => Window::around(at.saturating_add(lasted / 2), length),
            None => Window::of(at, lasted, USUAL),
        }))
    }

    fn reply(self, headers: &HeaderMap, window: Option<Window>) -> Reply {
        let stem = self.0.item.file.trim_end_matches(".trace");
        let name = format!("attachment; filename=\"{stem}.pftrace\"");
        let mut reply = written(headers, "application/octet-stream", move |out| {
            self.write(window, out)
        });
        if let Ok(name) = HeaderValue::from_str(&name) {
            reply.headers_mut().insert(CONTENT_DISPOSITION, name);
        }
        reply
    }

    fn write(&self, window: Option<Window>, out: &mut Written) -> io::Result<()> {
        let item = &self.0.item;
        let thresholds = self.0.state.pipeline.analyzer().thresholds();
        let options = Options {
            source: &item.source,
            window,
            settings: thresholds.of(&item.target),
            findings: None,
        };
        let reader =
            Reader::new(self.0.open()?).map_err(|error| io::Error::other(error.to_string()))?;
        perfetto::export(reader, &mut *out, &options, |_| ())?;
        out.finish(|| ())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_names_a_part() {
        let all = Query::parse("format=perfetto").unwrap();
        assert!(all.at.is_none() && all.finding.is_none() && all.window.is_none());
        let part = Query::parse("at=1.5s&window=10ms").unwrap();
        assert_eq!(
            (part.at, part.window),
            (Some(1_500_000_000), Some(10_000_000))
        );
        for (query, said) in [
            ("at=1", "at: "),
            ("at=1s&finding=a", "exclude"),
            ("around=1s", "\"around\" is unknown"),
        ] {
            let error = Query::parse(query).err().unwrap();
            assert!(error.contains(said), "{error}");
        }
    }
}
