//! Entries of the catalogue: identity of a metric, and how its series are read.

use std::borrow::Cow;
use std::time::{Duration, SystemTime};

use super::buckets::Buckets;
use super::unit::Unit;
use crate::export::births::Birth;
use crate::export::totals::Exemplar;
use crate::rules::Distribution;

/// Identity of a metric.
#[derive(Debug)]
pub struct Desc {
    /// Name without the unit and without the suffix of its kind.
    pub name: &'static str,
    /// Unit of the values.
    pub unit: Unit,
    /// Kind of the values.
    pub kind: Kind,
    /// HELP text.
    pub help: Cow<'static, str>,
    /// Names of the labels beside those of the target.
    pub labels: &'static [&'static str],
    /// Row in `docs/metrics.md`, if that is not the HELP text.
    pub about: Option<String>,
}

/// Kind of a metric.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// Sum that only grows.
    Counter,
    /// Value that goes up and down.
    Gauge,
    /// Gauge of value 1 whose labels are the information.
    Info,
    /// Distribution, with these classic buckets.
    Histogram(&'static Buckets),
}

impl Desc {
    /// Name in the Prometheus exposition.
    pub fn exposed(&self) -> String {
        let mut name = self.name.to_owned();
        if !self.unit.suffix().is_empty() {
            name = format!("{name}_{}", self.unit.suffix());
        }
        name.push_str(match self.kind {
            Kind::Counter => "_total",
            Kind::Info => "_info",
            Kind::Gauge | Kind::Histogram(_) => "",
        });
        name
    }

    /// Series of one set of labels in the classic exposition.
    pub fn series(&self) -> usize {
        match self.kind {
            Kind::Histogram(buckets) => buckets.series(),
            Kind::Counter | Kind::Gauge | Kind::Info => 1,
        }
    }

    /// Whether series may be exposed at 0 before they count.
    pub fn counts(&self) -> bool {
        matches!(self.kind, Kind::Counter | Kind::Histogram(_))
    }
}

/// Value of a series.
#[derive(Clone, Copy, Debug)]
pub enum Value<'a> {
    /// A whole number.
    Whole(u64),
    /// Any number.
    Number(f64),
    /// Values of a histogram.
    Distribution(&'a Distribution),
}

impl Value<'_> {
    /// The number; the count of a distribution.
    pub fn number(self) -> f64 {
        match self {
            Self::Whole(n) => n as f64,
            Self::Number(n) => n,
            Self::Distribution(values) => values.count() as f64,
        }
    }
}

impl From<u64> for Value<'_> {
    fn from(n: u64) -> Self {
        Self::Whole(n)
    }
}

impl From<f64> for Value<'_> {
    fn from(n: f64) -> Self {
        Self::Number(n)
    }
}

impl From<bool> for Value<'_> {
    fn from(yes: bool) -> Self {
        Self::Whole(yes.into())
    }
}

impl From<Duration> for Value<'_> {
    fn from(time: Duration) -> Self {
        Self::Number(time.as_secs_f64())
    }
}

impl From<SystemTime> for Value<'_> {
    fn from(at: SystemTime) -> Self {
        let since = at.duration_since(SystemTime::UNIX_EPOCH);
        since.unwrap_or_default().into()
    }
}

/// One series of a metric.
#[derive(Clone, Copy, Debug)]
pub struct Point<'a> {
    /// Labels beside those of the target.
    pub labels: &'a [(&'static str, &'a str)],
    /// Value.
    pub value: Value<'a>,
    /// Start of the series, if it began later than its target.
    pub birth: Option<Birth>,
    /// Example of a counted value.
    pub exemplar: Option<&'a Exemplar>,
}

impl<'a> Point<'a> {
    /// Series with these labels.
    pub fn new(labels: &'a [(&'static str, &'a str)], value: impl Into<Value<'a>>) -> Self {
        Self {
            labels,
            value: value.into(),
            birth: None,
            exemplar: None,
        }
    }

    /// Sets the start of the series.
    pub fn since(mut self, birth: Birth) -> Self {
        self.birth = Some(birth);
        self
    }
}

/// Receives the series of a metric.
pub type Emit<'e> = dyn FnMut(Point<'_>) + 'e;

/// Reads the series of a metric from an `S`.
type Reading<S> = dyn Fn(&S, &mut Emit<'_>) + Send + Sync;

/// A metric that is read from an `S`.
pub struct Metric<S: 'static> {
    /// Identity.
    pub desc: Desc,
    /// Series that there are from the start, in the classic exposition.
    pub fixed: usize,
    read: Box<Reading<S>>,
}

impl<S> Metric<S> {
    /// Metric that `read` emits all series of. It has no series from the start.
    pub fn new(
        kind: Kind,
        name: &'static str,
        help: impl Into<Cow<'static, str>>,
        read: impl Fn(&S, &mut Emit<'_>) + Send + Sync + 'static,
    ) -> Self {
        let desc = Desc {
            name,
            unit: Unit::None,
            kind,
            help: help.into(),
            labels: &[],
            about: None,
        };
        Self {
            desc,
            fixed: 0,
            read: Box::new(read),
        }
    }

    /// Sets the unit.
    pub fn unit(mut self, unit: Unit) -> Self {
        self.desc.unit = unit;
        self
    }

    /// Sets the row in `docs/metrics.md`.
    pub fn about(mut self, about: String) -> Self {
        self.desc.about = Some(about);
        self
    }

    /// Sets the names of the labels.
    pub fn labels(mut self, labels: &'static [&'static str]) -> Self {
        self.desc.labels = labels;
        self
    }

    /// Sets how many sets of labels there are from the start.
    pub fn fixed(mut self, sets: usize) -> Self {
        self.fixed = sets * self.desc.series();
        self
    }

    /// Emits all series.
    pub fn read(&self, of: &S, emit: &mut Emit<'_>) {
        (self.read)(of, emit);
    }
}

/// Counter without labels.
pub fn counter<S, V: Into<Value<'static>> + 'static>(
    name: &'static str,
    help: &'static str,
    value: fn(&S) -> V,
) -> Metric<S> {
    let read = move |of: &S, emit: &mut Emit<'_>| emit(Point::new(&[], value(of)));
    Metric::new(Kind::Counter, name, help, read).fixed(1)
}

/// Gauge without labels, which has a series once its value is known.
pub fn gauge<S, V: Into<Value<'static>> + 'static>(
    name: &'static str,
    help: &'static str,
    value: fn(&S) -> Option<V>,
) -> Metric<S> {
    let read = move |of: &S, emit: &mut Emit<'_>| {
        if let Some(value) = value(of) {
            emit(Point::new(&[], value));
        }
    };
    Metric::new(Kind::Gauge, name, help, read).fixed(1)
}

/// Histogram without labels.
pub fn histogram<S>(
    name: &'static str,
    help: impl Into<Cow<'static, str>>,
    buckets: &'static Buckets,
    values: impl Fn(&S) -> &Distribution + Send + Sync + 'static,
) -> Metric<S> {
    let read = move |of: &S, emit: &mut Emit<'_>| {
        emit(Point::new(&[], Value::Distribution(values(of))));
    };
    Metric::new(Kind::Histogram(buckets), name, help, read).fixed(1)
}

/// A part of the daemon that has metrics.
pub trait Part: Send + Sync {
    /// Reads the state once and gives each metric with a function that emits its series.
    fn read(&self, metric: &mut Read<'_>);
}

/// Receives a metric and the function that emits its series.
pub type Read<'r> = dyn FnMut(&Desc, &dyn Fn(&mut Emit<'_>)) + 'r;

/// State of a part and the metrics that are read from it.
pub struct Group<S: 'static> {
    /// Returns the state; nothing if the part has no series now.
    pub now: Box<dyn Fn() -> Option<S> + Send + Sync>,
    /// Metrics of the state.
    pub metrics: &'static [Metric<S>],
}

impl<S> Group<S> {
    /// Group of metrics that are read from what `now` returns.
    pub fn new(
        metrics: &'static [Metric<S>],
        now: impl Fn() -> Option<S> + Send + Sync + 'static,
    ) -> Self {
        let now = Box::new(now);
        Self { now, metrics }
    }
}

impl<S> Part for Group<S> {
    fn read(&self, each: &mut Read<'_>) {
        if let Some(state) = (self.now)() {
            for metric in self.metrics {
                each(&metric.desc, &|emit| metric.read(&state, emit));
            }
        }
    }
}
