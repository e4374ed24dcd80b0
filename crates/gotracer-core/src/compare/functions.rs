//! Time of goroutines by start function and state, on both sides.
//!
//! The time per second of trace is the average number of goroutines in the state. It compares pools of goroutines
//! that live longer than a trace as well as goroutines of requests, under the same load.

use std::collections::BTreeMap;

use crate::report::Report;
use crate::timeline::State;
use crate::unnamed::OTHER;

/// Factor from which a time differs.
const FACTOR: f64 = 2.0;
/// Least difference, ns per second of trace: 5 % of the time of one goroutine.
const LEAST: f64 = 50e6;
/// Most times in a comparison.
const MOST: usize = 20;

/// Time that the goroutines of a function spend in a state.
#[derive(Clone, Copy, PartialEq, Debug, Default, serde::Serialize, schemars::JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Spent {
    /// Time in the state per second of trace, ns, as the mean of all traces.
    pub ns_per_second: f64,
    /// Number of goroutines of the function in all traces.
    pub goroutines: u64,
}

/// A start function whose goroutines spend more or less time in a state than before.
#[derive(Clone, PartialEq, Debug)]
pub struct FunctionChange {
    /// The function that the `go` statement calls.
    pub function: String,
    /// The state.
    pub state: State,
    /// Time in the base.
    pub base: Spent,
    /// Time in the new traces.
    pub new: Spent,
}

impl FunctionChange {
    /// Returns the increase, ns per second of trace.
    pub fn growth(&self) -> f64 {
        self.new.ns_per_second - self.base.ns_per_second
    }

    /// Returns how many times as long the new time is; `None` if the base has none.
    pub fn factor(&self) -> Option<f64> {
        let (base, new) = (self.base.ns_per_second, self.new.ns_per_second);
        (base > 0.0).then(|| new / base)
    }
}

/// Time by state of one function on one side.
#[derive(Clone)]
struct Function {
    goroutines: u64,
    /// Time per second by state, one per trace.
    traces: Vec<[f64; State::ALL.len()]>,
}

impl Function {
    fn new(traces: usize) -> Self {
        Self {
            goroutines: 0,
            traces: vec![[0.0; State::ALL.len()]; traces],
        }
    }

    fn spent(&self, state: State) -> Spent {
        let sum: f64 = self.traces.iter().map(|t| t[state.index()]).sum();
        Spent {
            ns_per_second: sum / self.traces.len().max(1) as f64,
            goroutines: self.goroutines,
        }
    }

    /// Returns the least and the greatest time of all traces.
    fn range(&self, state: State) -> (f64, f64) {
        let times = self.traces.iter().map(|t| t[state.index()]);
        times.fold((f64::INFINITY, 0.0), |(low, high), time| {
            (low.min(time), high.max(time))
        })
    }
}

/// Sums up the goroutines of the program by start function.
fn by_function(reports: &[&Report]) -> BTreeMap<String, Function> {
    let mut all: BTreeMap<String, Function> = BTreeMap::new();
    for (i, report) in reports.iter().enumerate() {
        let seconds = report.trace.duration_ns.max(1) as f64 / 1e9;
        let groups = report.goroutines.iter();
        for group in groups.filter(|g| !g.system && g.function != OTHER) {
            let new = || Function::new(reports.len());
            let function = all.entry(group.function.clone()).or_insert_with(new);
            function.goroutines = function.goroutines.saturating_add(group.count);
            for state in State::ALL {
                function.traces[i][state.index()] += group.time.of(state) as f64 / seconds;
            }
        }
    }
    all
}

/// Returns the times that differ at least twofold and in every trace, the greatest increase first.
///
/// A function that is only on one side has one entry: the state with most time.
pub fn functions(base: &[Report], new: &[Report]) -> Vec<FunctionChange> {
    // Reports of version 0.1 have no start functions.
    let [base, new] = [base, new].map(|side| {
        let has = side.iter().filter(|r| !r.goroutines.is_empty());
        has.collect::<Vec<_>>()
    });
    if base.is_empty() || new.is_empty() {
        return Vec::new();
    }
    let traces = (base.len(), new.len());
    let mut before = by_function(&base);
    let mut all = Vec::new();
    for (name, now) in by_function(&new) {
        let then = before.remove(&name);
        all.extend(changes(&name, then, Some(now), traces));
    }
    for (name, then) in before {
        all.extend(changes(&name, Some(then), None, traces));
    }
    all.sort_by(|a, b| b.growth().abs().total_cmp(&a.growth().abs()));
    all.truncate(MOST);
    all.sort_by(|a, b| b.growth().total_cmp(&a.growth()));
    all
}

/// Returns the states in which a function spends more or less time.
fn changes(
    name: &str,
    base: Option<Function>,
    new: Option<Function>,
    traces: (usize, usize),
) -> Vec<FunctionChange> {
    let on_one_side = base.is_none() || new.is_none();
    let base = base.unwrap_or_else(|| Function::new(traces.0));
    let new = new.unwrap_or_else(|| Function::new(traces.1));
    let change = |state| FunctionChange {
        function: name.to_owned(),
        state,
        base: base.spent(state),
        new: new.spent(state),
    };
    let differs = |c: &FunctionChange| {
        let (base, new) = (base.range(c.state), new.range(c.state));
        let apart = new.0 > base.1 || new.1 < base.0;
        let (less, more) = match c.growth() > 0.0 {
            true => (c.base.ns_per_second, c.new.ns_per_second),
            false => (c.new.ns_per_second, c.base.ns_per_second),
        };
        apart && more - less >= LEAST && more >= less * FACTOR
    };
    let mut found: Vec<_> = State::ALL.into_iter().map(change).collect();
    found.retain(differs);
    if on_one_side {
        found.sort_by(|a, b| b.growth().abs().total_cmp(&a.growth().abs()));
        found.truncate(1);
    }
    found
}

#[cfg(test)]
mod tests {
    use std::slice::from_ref;

    use super::*;
    use crate::report::sample::report;
    use crate::report::{GoroutineGroup, Life};
    use crate::timeline::StateVector;

    /// A trace of one second, with the time of goroutines in ms by function and state.
    fn trace(times: &[(&str, State, u64)]) -> Report {
        let mut report = report("a.trace");
        report.trace.duration_ns = 1_000_000_000;
        let group = |(function, state, ms): &(&str, State, u64)| {
            let mut states = [0; State::ALL.len()];
            states[state.index()] = ms.saturating_mul(1_000_000);
            GoroutineGroup {
                function: (*function).into(),
                system: function.starts_with("runtime."),
                count: 2,
                alive: 0,
                life: Life::default(),
                time: StateVector::from_values(states, 0, [0; 3]),
                worst: None,
            }
        };
        report.goroutines = times.iter().map(group).collect();
        report
    }

    fn differ(base: &[Report], new: &[Report]) -> Vec<(String, State, f64, f64)> {
        let all = functions(base, new).into_iter();
        let ms = |spent: Spent| (spent.ns_per_second / 1e6).round();
        all.map(|c| (c.function, c.state, ms(c.base), ms(c.new)))
            .collect()
    }

    #[test]
    fn times_that_doubled_or_halved_differ() {
        let base = trace(&[
            ("worker", State::Network, 100),
            ("worker", State::ChanReceive, 800),
            ("batch", State::Lock, 600),
            ("short", State::Sleep, 10),
            ("runtime.x", State::Sleep, 10),
            ("(other)", State::Sleep, 10),
        ]);
        let new = trace(&[
            ("worker", State::Network, 300),
            ("worker", State::ChanReceive, 600),
            ("batch", State::Lock, 200),
            ("short", State::Sleep, 50),
            ("runtime.x", State::Sleep, 900),
            ("(other)", State::Sleep, 900),
        ]);
        let worker = ("worker".to_owned(), State::Network, 100.0, 300.0);
        let batch = ("batch".to_owned(), State::Lock, 600.0, 200.0);
        assert_eq!(differ(from_ref(&base), &[new]), [worker, batch]);
        assert!(differ(from_ref(&base), from_ref(&base)).is_empty());
    }

    #[test]
    fn a_function_of_one_side_has_its_largest_state() {
        let base = trace(&[("old", State::Select, 900), ("both", State::Sleep, 1)]);
        let new = trace(&[
            ("both", State::Sleep, 1),
            ("new", State::Network, 300),
            ("new", State::Running, 200),
        ]);
        let added = ("new".to_owned(), State::Network, 0.0, 300.0);
        let gone = ("old".to_owned(), State::Select, 900.0, 0.0);
        assert_eq!(differ(&[base], &[new]), [added, gone]);
    }

    #[test]
    fn traces_that_overlap_do_not_differ() {
        let side = |times: &[u64]| -> Vec<_> {
            let of = |ms: &u64| trace(&[("f", State::Lock, *ms), ("g", State::Sleep, 1)]);
            times.iter().map(of).collect()
        };
        assert!(differ(&side(&[100, 110]), &side(&[90, 900])).is_empty());
        assert_eq!(differ(&side(&[100, 110]), &side(&[250, 350])).len(), 1);
        // One trace of the side has no such goroutine.
        let mut rare = side(&[100, 110]);
        rare[0].goroutines.remove(0);
        assert_eq!(differ(&rare, &side(&[250, 350])).len(), 1);
        assert!(differ(&rare, &side(&[90, 900])).is_empty());
    }

    #[test]
    fn reports_without_functions_and_broken_times_are_no_difference() {
        let one = trace(&[("f", State::Lock, 500)]);
        let none = trace(&[]);
        assert!(differ(from_ref(&none), from_ref(&one)).is_empty());
        assert!(differ(&[one], &[none]).is_empty());
        let broken = trace(&[("f", State::Lock, u64::MAX), ("g", State::Sleep, u64::MAX)]);
        assert!(differ(from_ref(&broken), from_ref(&broken)).is_empty());
    }

    #[test]
    fn many_functions_are_bounded_to_the_largest() {
        let names: Vec<_> = (0..100).map(|i| format!("f{i:02}")).collect();
        let times = |factor: u64| -> Vec<_> {
            let of = |(i, name): (usize, &'_ String)| {
                (name.clone(), State::Sleep, (100 + i as u64) * factor)
            };
            names.iter().enumerate().map(of).collect()
        };
        let of = |times: &[(String, State, u64)]| {
            let times: Vec<_> = times
                .iter()
                .map(|(n, s, ms)| (n.as_str(), *s, *ms))
                .collect();
            trace(&times)
        };
        let found = differ(&[of(&times(1))], &[of(&times(3))]);
        assert_eq!((found.len(), found[0].0.as_str()), (MOST, "f99"));
    }
}
