//! Output of commands on terminals of 60, 80 and 120 columns.

use super::tasks::{Listing, write_all};
use super::{FORMAT, Options};
use crate::report::{Report, listing};
use crate::rules::Settings;
use crate::trace::Input;
use crate::{analysis, compare, explain};

const SHOP: &[u8] = include_bytes!("../../../../../docs/demo/checkout.trace");
const BEFORE: &[u8] =
    include_bytes!("../../../../../tests/fixtures/go1.25.5/mutex_contention.trace");
const AFTER: &[u8] =
    include_bytes!("../../../../../tests/fixtures/go1.27.3/mutex_contention.trace");

fn report(name: &str, trace: &[u8]) -> Report {
    let settings = Settings::default();
    let outcome = analysis::analyze(Input::from_slice(trace), name, &settings, |_| {});
    outcome.unwrap().report
}

/// Compares the text of a command at each width with its snapshot. No line is wider, but for commands to copy.
fn assert_fits(name: &str, write: impl Fn(&mut Vec<u8>, &Options)) {
    for width in [60, 80, 120] {
        let options = Options {
            width: Some(width),
            ..Options::default()
        };
        let mut out = Vec::new();
        write(&mut out, &options);
        let text = String::from_utf8(out).unwrap();
        for line in text.lines().filter(|line| !line.contains("gotracer ")) {
            let columns = line.chars().count();
            assert!(columns <= width, "{columns} of {width} columns: {line}");
        }
        insta::assert_snapshot!(format!("{name}_{width}"), text);
    }
}

#[test]
fn analyze() {
    let report = report("shop.trace", SHOP);
    assert_fits("analyze", |out, options| {
        (FORMAT.write)(out, std::slice::from_ref(&report), options).unwrap();
    });
}

#[test]
fn tasks() {
    let mut report = report("shop.trace", SHOP);
    report.tasks[0].name = "POST /v1/customers/{customer}/orders/{order}/items".into();
    assert_fits("tasks", |out, options| {
        let all = Listing {
            tasks: &report.tasks,
            regions: &report.regions,
            requests: &report.requests,
            slowest: 2,
        };
        write_all(out, &all, options).unwrap();
    });
}

#[test]
fn goroutines() {
    let report = report("shop.trace", SHOP);
    assert_fits("goroutines", |out, options| {
        listing::write_table(out, &report, &report.goroutines, options.width).unwrap();
    });
}

#[test]
fn explanation() {
    let window = explain::Window::around(300_000_000, 20_000_000);
    let explanation = explain::explain(Input::from_slice(AFTER), window).unwrap();
    assert_fits("explain", |out, options| {
        explain::write(out, &explanation, options).unwrap();
    });
}

#[test]
fn diff() {
    let (base, new) = (report("before.trace", BEFORE), report("after.trace", AFTER));
    let comparison = compare::compare(&[base], &[new], &compare::Options::default());
    assert_fits("diff", |out, options| {
        (compare::TABLE.write)(out, &comparison, options).unwrap();
    });
}
