//! Metrics of the profiles of leaked goroutines of targets with `leak_profile: true`.

use std::sync::LazyLock;

use super::{Emit, Kind, Metric, Point, Unit, gauge};
use crate::export::totals::{Leaks, Totals};

/// Metrics of a target's leak profiles. Other targets have no series of them.
pub static METRICS: LazyLock<Vec<Metric<Totals>>> = LazyLock::new(|| {
    vec![
        gauge(
            "gotrace_leaked_goroutines",
            "Goroutines that the last goroutineleak profile of the program proved leaked: they wait \
             for objects that nothing else can reach. 0 does not prove that nothing leaks. Only \
             targets with leak_profile.",
            |t: &Totals| t.leaks.as_ref()?.proved,
        )
        .unit(Unit::Of("{goroutine}"))
        .fixed(0),
        Metric::new(
            Kind::Counter,
            "gotracer_leak_profiles",
            "Requests for goroutineleak profiles by result: ok, unsupported for programs of Go \
             1.26 and older, failed. Only targets with leak_profile.",
            |t: &Totals, emit: &mut Emit<'_>| {
                if let Some(leaks) = &t.leaks {
                    for (result, count) in Leaks::RESULTS.into_iter().zip(leaks.requests) {
                        emit(Point::new(&[("result", result)], count));
                    }
                }
            },
        )
        .labels(&["result"]),
    ]
});
