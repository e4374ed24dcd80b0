//! Keeps the tables of `docs/metrics.md` equal to the catalogue. To write them anew:
//! `UPDATE_GOLDEN=1 cargo test -p gotracer-daemon catalog::docs`.

use std::fmt::Write;

use super::{Desc, Kind, sections};

fn table(descs: &[&Desc]) -> String {
    let mut table = String::from("| metric | type | |\n|---|---|---|\n");
    for desc in descs {
        let labels = match desc.labels {
            [] => String::new(),
            names => format!("{{{}}}", names.join(",")),
        };
        let kind = match desc.kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Info => "info",
            Kind::Histogram(_) => "histogram",
        };
        let name = desc.exposed();
        let about = desc.about.as_deref().unwrap_or(&desc.help);
        writeln!(table, "| `{name}{labels}` | {kind} | {about} |").unwrap();
    }
    table
}

#[test]
fn the_documentation_has_the_catalogue() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/metrics.md");
    let before = std::fs::read_to_string(path).unwrap();
    let mut after = before.clone();
    for (section, descs) in sections() {
        let [begin, end] = ["begin", "end"].map(|edge| format!("<!-- {edge} {section} -->\n"));
        let start = after.find(&begin).unwrap_or_else(|| panic!("no {begin}")) + begin.len();
        let stop = after.find(&end).unwrap_or_else(|| panic!("no {end}"));
        after.replace_range(start..stop, &format!("\n{}\n", table(&descs)));
    }
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(path, &after).unwrap();
    } else {
        assert_eq!(
            before, after,
            "docs/metrics.md is stale; UPDATE_GOLDEN=1 writes it anew"
        );
    }
}
