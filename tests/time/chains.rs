//! What waits were in the end, in a program whose chains of waits are known.

use gotracer::report::{Finding, Report};
use gotracer::timeline::{Leaf, State};

use crate::program::{Program, report};
use crate::{fresh, support};

#[test]
fn chains_of_waits_end_where_the_program_says() {
    for version in ["local", "1.27.3", "1.22.10"] {
        let Some(program) = Program::build("waits", version) else {
            continue;
        };
        let (_, report) = program.trace(&[]);
        assert_eq!(report.regions.len(), 12);
        for region in &report.regions {
            let (_, end) = region.name.split_once(": ").unwrap();
            let leaves = &region.time_in_the_end;
            assert_eq!(leaves.total(), region.time.total(), "{}", region.name);
            let largest = Leaf::all().max_by_key(|leaf| leaves.of(*leaf)).unwrap();
            assert_eq!(
                largest.name(),
                end,
                "go {version}, {}: {leaves:?}",
                region.name
            );
        }
        assert_eq!(report.tasks.len(), 3);
        for task in &report.tasks {
            assert_eq!(task.time_in_the_end.total(), task.time.total());
        }
    }
}

/// The finding at a function.
fn finding<'a>(report: &'a Report, function: &str) -> &'a Finding {
    let mut findings = report.findings.iter();
    let found = findings.find(|f| f.place.function == function && f.time_in_the_end.is_some());
    found.unwrap_or_else(|| panic!("{function}: {:?}", report.findings))
}

#[test]
fn findings_say_what_their_waits_were_in_the_end() {
    for version in ["local", "1.27.3", "1.22.10"] {
        let Some(program) = Program::build("waits", version) else {
            continue;
        };
        let (_, report) = program.trace(&[]);
        // Another task holds the lock of main.other: a finding is about the holder, whoever it works for.
        for function in ["main.lock", "main.nested", "main.other"] {
            let finding = finding(&report, function);
            let leaves = finding.time_in_the_end.unwrap();
            assert_eq!(leaves.total(), finding.total, "go {version}, {function}");
            let sleep = leaves.of(Leaf::of(State::Sleep));
            assert!(
                sleep > finding.total / 2,
                "go {version}, {function}: {leaves:?}"
            );
        }
        let nested = &finding(&report, "main.nested").cause.as_ref().unwrap().text;
        assert!(nested.contains("in the end, "), "go {version}: {nested}");
        assert!(nested.contains("of it is sleep"), "go {version}: {nested}");
    }
}

#[test]
fn what_waits_of_findings_were_in_the_end_adds_up_to_their_total() {
    let fixtures = support::fixtures().into_iter().map(|(.., path)| path);
    let mut waits = 0;
    for path in fixtures.chain(fresh::traces().iter().cloned()) {
        for finding in report(&path).findings {
            let name = finding.rule.name;
            let is_wait = ["MutexContention", "ChannelBackpressure"].contains(&name);
            let leaves = finding.time_in_the_end;
            assert_eq!(leaves.is_some(), is_wait, "{}: {name}", path.display());
            let total = leaves.map_or(finding.total, |leaves| leaves.total());
            assert_eq!(total, finding.total, "{}: {name}", path.display());
            waits += u32::from(is_wait);
        }
    }
    assert!(waits > 20, "{waits}");
}
