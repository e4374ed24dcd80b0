//! JSON document of the releases.

use jiff::Timestamp;
use serde::Serialize;

use super::call::Call;
use super::reply::{JSON, Reply, compressed};
use crate::compare::{Change, Created, Quantity, Signal, SiteChange, Verdict};
use crate::releases::{Comparison, Heap, Release, Totals};
use crate::report::wire::Measurement;
use crate::report::{Creations, Frame};
use crate::rules::{Rule, Unit};
use crate::units::rounded;

/// Maximum number of places listed per version.
const PLACES: usize = 20;

#[derive(Serialize)]
struct Version<'a> {
    namespace: &'a str,
    service: &'a str,
    version: &'a str,
    current: bool,
    first_seen: Timestamp,
    last_seen: Timestamp,
    captures: u64,
    observed_seconds: f64,
    compared: Compared,
    goroutines: Goroutines<'a>,
    heap_live_bytes: Option<Heap>,
    rules: Vec<Seen<'a>>,
    comparison: Option<Against<'a>>,
}

/// Sample sizes of a comparison.
#[derive(Serialize)]
struct Compared {
    captures: usize,
    instances: usize,
}

#[derive(Serialize)]
struct Goroutines<'a> {
    /// Goroutines at the ends of the captures minus those at their starts.
    gained: i64,
    places: Vec<Place<'a>>,
}

#[derive(Serialize)]
struct Place<'a> {
    #[serde(flatten)]
    place: &'a Frame,
    #[serde(flatten)]
    created: Created,
}

/// Measurement of a rule in all captures, and the values of a typical capture.
#[derive(Serialize)]
struct Seen<'a> {
    rule: &'a str,
    measurement: Measurement,
    typical: Vec<Typical>,
}

#[derive(Serialize)]
struct Typical {
    quantity: Quantity,
    value: f64,
}

#[derive(Serialize)]
struct Against<'a> {
    previous_version: &'a str,
    /// Rules that regressed.
    regressions: Vec<&'static str>,
    changes: Vec<Changed>,
    goroutines: Vec<Site<'a>>,
}

#[derive(Serialize)]
struct Changed {
    rule: &'static str,
    unit: Unit,
    quantity: Quantity,
    base: Option<f64>,
    new: Option<f64>,
    factor: Option<f64>,
    interval: Option<(f64, f64)>,
    verdict: Verdict,
}

#[derive(Serialize)]
struct Site<'a> {
    place: &'a Frame,
    base: Created,
    new: Created,
}

/// Answers with the releases.
pub(super) fn list(call: &Call<'_>) -> Reply {
    let body = document(&call.state.releases.all()).to_string();
    compressed(call.request.headers(), JSON, body.into())
}

/// Builds the document.
fn document(releases: &[Release]) -> serde_json::Value {
    let versions: Vec<_> = releases.iter().map(Version::new).collect();
    serde_json::json!({"status": "success", "data": versions})
}

impl<'a> Version<'a> {
    fn new(r: &'a Release) -> Self {
        let totals = &r.totals;
        let (captures, instances) = r.evidence;
        Self {
            namespace: r.service.namespace(),
            service: r.service.service(),
            version: &r.version,
            current: r.current,
            first_seen: totals.first_seen,
            last_seen: totals.last_seen,
            captures: totals.captures,
            observed_seconds: totals.seconds(),
            compared: Compared {
                captures,
                instances,
            },
            goroutines: Goroutines {
                gained: totals.gained,
                places: places(totals),
            },
            heap_live_bytes: totals.heap,
            rules: seen(r),
            comparison: r.comparison.as_deref().map(Against::new),
        }
    }
}

fn places(totals: &Totals) -> Vec<Place<'_>> {
    let of = |place: &Creations| totals.created(place);
    let all = totals.places.iter().take(PLACES);
    all.map(|creations| Place {
        place: &creations.place,
        created: of(creations),
    })
    .collect()
}

fn seen(r: &Release) -> Vec<Seen<'_>> {
    let typical = |rule: &Rule| {
        let own = r.values.iter().filter(|(of, ..)| of.name == rule.name);
        own.map(|&(_, quantity, value)| Typical {
            quantity,
            value: rounded(value),
        })
        .collect()
    };
    let all = r.totals.signals.iter().filter_map(|(name, signal)| {
        let rule = Rule::find(name)?;
        Some(Seen {
            rule: name,
            measurement: Measurement::new(rule.unit, signal, None),
            typical: typical(rule),
        })
    });
    all.collect()
}

impl<'a> Against<'a> {
    fn new(c: &'a Comparison) -> Self {
        let changes = |s: &'a Signal| s.changes.iter().map(|change| Changed::new(s.rule, change));
        let site = |s: &'a SiteChange| Site {
            place: &s.place,
            base: s.base,
            new: s.new,
        };
        Self {
            previous_version: &c.previous,
            regressions: c.worse().collect(),
            changes: c.signals.iter().flat_map(changes).collect(),
            goroutines: c.sites.iter().map(site).collect(),
        }
    }
}

impl Changed {
    fn new(rule: &'static Rule, c: &Change) -> Self {
        // JSON has no infinity.
        let interval = c.interval.filter(|(_, high)| high.is_finite());
        Self {
            rule: rule.name,
            unit: rule.unit,
            quantity: c.quantity,
            base: c.base.map(rounded),
            new: c.new.map(rounded),
            factor: c.factor.map(rounded),
            interval: interval.map(|(low, high)| (rounded(low), rounded(high))),
            verdict: c.verdict,
        }
    }
}
