//! Listing of goroutines by start function: `gotracer goroutines`.

use std::cmp::Reverse;
use std::io::{self, Write};

use super::{GoroutineGroup, Report, human, table};
use crate::timeline::State;
use crate::units::duration;

/// Order of a listing, largest first.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Order {
    /// Time in all states.
    #[default]
    Time,
    /// Time blocked.
    Wait,
    /// Number of goroutines.
    Count,
    /// 99th percentile of the lifetime.
    P99,
    /// Time in one state.
    State(State),
}

impl Order {
    /// Returns the names of all orders.
    pub fn names() -> impl Iterator<Item = &'static str> {
        let states = State::ALL.into_iter().map(State::name);
        ["time", "wait", "count", "p99"].into_iter().chain(states)
    }

    /// Returns the order of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "time" => Some(Self::Time),
            "wait" => Some(Self::Wait),
            "count" => Some(Self::Count),
            "p99" => Some(Self::P99),
            name => {
                let state = State::ALL.into_iter().find(|s| s.name() == name);
                state.map(Self::State)
            }
        }
    }

    fn key(self, group: &GoroutineGroup) -> u64 {
        match self {
            Self::Time => group.time.total(),
            Self::Wait => group.time.waits(),
            Self::Count => group.count,
            Self::P99 => group.life.p99,
            Self::State(state) => group.time.of(state),
        }
    }
}

/// Returns the groups whose function contains a text, in an order.
pub fn select(
    groups: &[GoroutineGroup],
    function: Option<&str>,
    order: Order,
) -> Vec<GoroutineGroup> {
    let wanted = |g: &&GoroutineGroup| function.is_none_or(|text| g.function.contains(text));
    let mut groups: Vec<_> = groups.iter().filter(wanted).cloned().collect();
    groups.sort_by_key(|group| Reverse(order.key(group)));
    groups
}

const HEAD: [&str; 6] = ["GOROUTINES", "ALIVE", "LIFE P50", "P99", "TIME", "FUNCTION"];
/// Number of states named per function.
const STATES: usize = 6;

/// Writes the listing as text. The function is the last column, because it may be long; one that does not fit has its
/// own line.
///
/// # Errors
/// If writing fails.
pub fn write_table(
    out: &mut impl Write,
    report: &Report,
    groups: &[GoroutineGroup],
    width: Option<usize>,
) -> io::Result<()> {
    if let Some(line) = human::program_time(&report.program.time) {
        table::wrapped(out, "", &line, width)?;
        writeln!(out)?;
    }
    let row = |group: &GoroutineGroup| {
        let [p50, p99, all] = [group.life.p50, group.life.p99, group.time.total()].map(duration);
        let system = if group.system { " (runtime)" } else { "" };
        [
            human::count(group.count),
            human::count(group.alive),
            p50,
            p99,
            all,
            format!("{}{system}", table::safe(human::short(&group.function))),
        ]
    };
    let rows: Vec<_> = groups.iter().map(row).collect();
    let heading = HEAD.map(String::from);
    let numbers = |row: &[String; 6]| -> [String; 5] { std::array::from_fn(|i| row[i].clone()) };
    let cells: Vec<_> = rows.iter().chain([&heading]).map(numbers).collect();
    let grid = table::Grid::of(&cells, 0..5);
    writeln!(out, "{}  {}", grid.line(&numbers(&heading)), HEAD[5])?;
    for (group, cells) in groups.iter().zip(&rows) {
        let (line, function) = (grid.line(&numbers(cells)), &cells[5]);
        let columns = line.chars().count() + 2 + function.chars().count();
        match width.is_some_and(|width| columns > width) {
            true => writeln!(out, "{line}\n    {function}")?,
            false => writeln!(out, "{line}  {function}")?,
        }
        let mut states = human::states(&group.time, STATES);
        if let Some(worst) = group.worst.as_ref().filter(|_| group.count > 1) {
            let life = duration(worst.life_ns);
            states += &format!("; longest: goroutine {} with {life}", worst.goroutine);
        }
        table::wrapped(out, "    ", &states, width)?;
    }
    Ok(())
}

/// Writes the listing as comma-separated values, times in ns.
///
/// # Errors
/// If writing fails.
pub fn write_csv(out: &mut impl Write, groups: &[GoroutineGroup]) -> io::Result<()> {
    let mut rows = csv::Writer::from_writer(out);
    let head = [
        "function",
        "system",
        "count",
        "alive",
        "life_sum_ns",
        "life_min_ns",
        "life_max_ns",
        "life_p50_ns",
        "life_p90_ns",
        "life_p99_ns",
    ];
    let states = State::ALL.map(|s| format!("{}_ns", s.name()));
    let stopped = State::STOPPABLE.map(|s| format!("stopped_{}_ns", s.name()));
    let parts = ["gc_assist_marking_ns", "gc_assist_credit_ns"].map(String::from);
    let head = head
        .map(String::from)
        .into_iter()
        .chain(states)
        .chain(stopped)
        .chain(parts);
    rows.write_record(head)?;
    for group in groups {
        let life = &group.life;
        let numbers = [
            group.count,
            group.alive,
            life.sum,
            life.min,
            life.max,
            life.p50,
            life.p90,
            life.p99,
        ];
        let states = State::ALL.map(|s| group.time.of(s));
        let stopped = State::STOPPABLE.map(|s| group.time.stopped(s));
        let parts = [group.time.marking(), group.time.credit()];
        let numbers = numbers
            .into_iter()
            .chain(states)
            .chain(stopped)
            .chain(parts);
        let texts = [super::csv::cell(&group.function), group.system.to_string()];
        rows.write_record(texts.into_iter().chain(numbers.map(|n| n.to_string())))?;
    }
    rows.flush()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    #[test]
    fn golden() {
        let report = sample::report("a.trace");
        let mut out = Vec::new();
        write_table(&mut out, &report, &report.goroutines, Some(80)).unwrap();
        writeln!(out).unwrap();
        write_csv(&mut out, &report.goroutines).unwrap();
        insta::assert_snapshot!(String::from_utf8(out).unwrap());
    }

    #[test]
    fn every_order_has_a_name_and_sorts() {
        let groups = sample::report("a").goroutines;
        for name in Order::names() {
            let order = Order::from_name(name).expect(name);
            let sorted = select(&groups, None, order);
            assert!(sorted.is_sorted_by_key(|g| Reverse(order.key(g))), "{name}");
        }
        assert_eq!(Order::from_name("speed"), None);
        assert_eq!(select(&groups, Some("Store"), Order::Time).len(), 1);
    }
}
