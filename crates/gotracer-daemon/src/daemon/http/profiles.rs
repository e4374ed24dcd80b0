//! `/api/v1/profiles/TYPE?target=&seconds=`: profiles of targets in pprof's format, answered at once.

use std::collections::BTreeMap;
use std::time::Duration;

use hyper::StatusCode;
use hyper::header::{CONTENT_DISPOSITION, HeaderValue};

use super::State;
use super::call::Call;
use super::reply::{Reply, blocking, reply, text};
use crate::daemon::target_table::Status;
use crate::labels::Labels;
use crate::pprof::{Profiles, Type, Window};
use crate::profiles::{LONGEST, Period};

/// Content type of profiles, as of net/http/pprof.
const PPROF: &str = "application/octet-stream";
/// Maximum number of targets that an error lists.
const LISTED: usize = 20;

/// Answer to a request that selects nothing.
type Refusal = (StatusCode, String);

/// Selection of a query.
#[derive(Debug, Default, PartialEq)]
struct Query {
    /// Instance, host and port, or URL of the target.
    target: Option<String>,
    /// Labels that the target has, by name.
    labels: BTreeMap<String, String>,
    seconds: Option<u64>,
}

impl Query {
    fn parse(query: &str) -> Result<Self, String> {
        let mut parsed = Self::default();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            match &*name {
                "target" => parsed.target = Some(value.into()),
                "seconds" => parsed.seconds = Some(seconds(&value)?),
                "debug" if value == "0" => {}
                "debug" => return Err("debug: profiles are only served in pprof's format".into()),
                name if Labels::valid_name(name) => {
                    parsed.labels.insert(name.to_owned(), value.into());
                }
                name => {
                    return Err(format!(
                        "{name:?} is neither target, seconds nor the name of a label"
                    ));
                }
            }
        }
        Ok(parsed)
    }

    fn is_empty(&self) -> bool {
        self.target.is_none() && self.labels.is_empty()
    }

    fn selects(&self, labels: &Labels, urls: &[String]) -> bool {
        let has = |(name, value): (&String, &String)| labels.get(name) == value;
        let is = |target: &String| {
            let of_url = |url: &String| {
                let host = url.split_once("://").map_or("", |(_, rest)| rest);
                url == target || host.split('/').next() == Some(target.as_str())
            };
            labels.get("instance") == target || urls.iter().any(of_url)
        };
        self.target.as_ref().is_none_or(is) && self.labels.iter().all(has)
    }

    /// Returns the selected ones of the known targets, which have their URLs.
    fn select(&self, known: &BTreeMap<Labels, Vec<String>>) -> Result<Vec<Labels>, Refusal> {
        let selected = known
            .iter()
            .filter(|(labels, urls)| self.selects(labels, urls));
        let selected: Vec<_> = selected.map(|(labels, _)| labels.clone()).collect();
        if selected.is_empty() {
            let why = format!("no such target; {}", listed(known));
            return Err((StatusCode::NOT_FOUND, why));
        }
        if self.is_empty() && selected.len() > 1 {
            let why = format!(
                "target= or a label has to select targets; {}",
                listed(known)
            );
            return Err((StatusCode::BAD_REQUEST, why));
        }
        Ok(selected)
    }
}

fn seconds(text: &str) -> Result<u64, String> {
    let longest = LONGEST.as_secs();
    let seconds = text.parse().ok().filter(|n| (1..=longest).contains(n));
    seconds.ok_or_else(|| {
        format!(
            "seconds: {text:?} is not a number from 1 to {longest}; without seconds, the profile \
             covers the time since the start of gotracer"
        )
    })
}

/// Lists targets for an error.
fn listed(known: &BTreeMap<Labels, Vec<String>>) -> String {
    let names = known.keys().take(LISTED).map(ToString::to_string);
    let names: Vec<_> = names.collect();
    let more = match known.len().saturating_sub(LISTED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    match names.is_empty() {
        true => "there are no targets yet".into(),
        false => format!("there are {}{more}", names.join(", ")),
    }
}

/// Answers with a profile.
pub(super) async fn one(call: Call<'_>) -> Reply {
    let Call {
        request,
        below,
        state,
        ..
    } = call;
    let Some(kind) = Type::from_name(&below) else {
        let types: Vec<_> = Type::ALL.into_iter().map(|(name, _)| name).collect();
        let unknown = format!("no such type; there are {}", types.join(", "));
        return text(StatusCode::NOT_FOUND, &unknown);
    };
    if !state.profiles.is_enabled() {
        let off = "profiles are off; `profiles: {enabled: true}` switches them on";
        return text(StatusCode::NOT_FOUND, off);
    }
    let query = match Query::parse(request.uri().query().unwrap_or_default()) {
        Ok(query) => query,
        Err(error) => return text(StatusCode::BAD_REQUEST, &error),
    };
    let selected = match query.select(&known(&state)) {
        Ok(selected) => selected,
        Err((status, why)) => return text(status, &why),
    };
    let period = query.seconds.map(Duration::from_secs);
    let period = period.map_or(Period::Start, Period::Last);
    blocking(move || {
        let (profiles, window) = state.profiles.sum(&selected, kind, period);
        answer(&profiles, kind, &below, window)
    })
    .await
}

/// Returns the targets that have profiles or are scraped, with their URLs.
fn known(state: &State) -> BTreeMap<Labels, Vec<String>> {
    let analyzed = state.profiles.known().into_iter();
    let mut known: BTreeMap<_, _> = analyzed.map(|labels| (labels, Vec::new())).collect();
    for Status { labels, url, .. } in state.table.all() {
        known.entry(labels).or_default().push(url);
    }
    known
}

fn answer(profiles: &Profiles, kind: Type, name: &str, window: Window) -> Reply {
    let mut body = Vec::new();
    if let Err(error) = profiles.write(&mut body, kind, window) {
        return text(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string());
    }
    let mut reply = reply(StatusCode::OK, PPROF, body);
    let file = format!("attachment; filename=\"{name}\"");
    if let Ok(file) = HeaderValue::try_from(file) {
        reply.headers_mut().insert(CONTENT_DISPOSITION, file);
    }
    reply
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known() -> BTreeMap<Labels, Vec<String>> {
        let target = |job: &str, instance: &str| {
            let labels = Labels::new().with("job", job).with("instance", instance);
            let url = format!("http://{instance}/debug/pprof/trace");
            (labels, vec![url])
        };
        BTreeMap::from([
            target("api", "a:6060"),
            target("api", "b:6060"),
            target("db", "a:6060"),
        ])
    }

    #[test]
    fn a_query_selects_by_instance_url_and_labels() {
        for (query, selected) in [
            ("target=a:6060", 2),
            ("target=a:6060&job=db", 1),
            (
                "target=http%3A%2F%2Fb:6060%2Fdebug%2Fpprof%2Ftrace&seconds=5",
                1,
            ),
            ("job=api&debug=0", 2),
        ] {
            let query = Query::parse(query).unwrap();
            assert_eq!(query.select(&known()).unwrap().len(), selected, "{query:?}");
        }
        let one = known().into_iter().take(1).collect();
        assert_eq!(Query::default().select(&one).unwrap().len(), 1);
    }

    #[test]
    fn a_query_that_selects_nothing_is_told_what_exists() {
        for (query, status) in [
            ("target=c", StatusCode::NOT_FOUND),
            ("service=x", StatusCode::NOT_FOUND),
            ("", StatusCode::BAD_REQUEST),
        ] {
            let query = Query::parse(query).unwrap();
            let (refused, why) = query.select(&known()).unwrap_err();
            assert_eq!(refused, status);
            assert!(why.contains("a:6060") && why.contains("db"), "{why}");
        }
        let (_, why) = Query::default().select(&BTreeMap::new()).unwrap_err();
        assert!(why.contains("no targets yet"), "{why}");
    }

    #[test]
    fn seconds_have_limits() {
        for bad in ["0", "-1", "3601", "1.5", "x", ""] {
            let error = Query::parse(&format!("seconds={bad}")).unwrap_err();
            assert!(error.contains("from 1 to 3600"), "{error}");
        }
        assert!(Query::parse("debug=1").is_err());
        assert!(Query::parse("a-b=1").is_err());
    }
}
