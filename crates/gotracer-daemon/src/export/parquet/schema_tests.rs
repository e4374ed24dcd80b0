//! The columns of all tables, compared with `tests/golden/parquet.txt`: programs of others read them. To accept a new
//! column: `UPDATE_GOLDEN=1 cargo test -p gotracer-daemon --features parquet parquet::schema`.

use std::fmt::Write;

use arrow_schema::{DataType, Field};

use super::column::Column;
use super::trace::Of;
use super::{findings, measurements, metrics};
use crate::labels::Labels;
use crate::report::sample;
use crate::rules::Severity;

fn describe(field: &Field) -> String {
    let kind = match field.data_type() {
        DataType::List(element) => format!("list of {}", describe(element)),
        DataType::Map(entries, _) => format!("map of {}", describe(entries)),
        DataType::Struct(fields) => {
            let fields: Vec<_> = fields.iter().map(|field| describe(field)).collect();
            format!("({})", fields.join(", "))
        }
        kind => format!("{kind:?}"),
    };
    let optional = if field.is_nullable() { " or null" } else { "" };
    format!("{}: {kind}{optional}", field.name())
}

#[test]
fn columns_keep_their_names_and_types() {
    let mut report = sample::report("a.trace");
    report.findings = vec![sample::finding("GCPauseSpike", Severity::Warn)];
    let labels = Labels::new().with("service", "shop");
    let of = Of {
        trace: &report.trace,
        labels: &labels,
    };
    let found: Vec<_> = report.findings.iter().map(|f| (of, f)).collect();
    let rules: Vec<_> = report.rules.iter().map(|r| (of, r)).collect();
    let series = metrics::series(&report).into_iter();
    let series: Vec<_> = series.map(|series| (of, series)).collect();
    let tables: [(&str, Vec<Column>); 3] = [
        ("findings", findings::columns(&found)),
        ("measurements", measurements::columns(&rules)),
        ("metrics", metrics::columns(&series)),
    ];
    let mut text = String::new();
    for (table, columns) in tables {
        for column in columns {
            writeln!(text, "{table}.{}", describe(&column.field)).unwrap();
        }
    }
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../tests/golden/parquet.txt"
    );
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(path, &text).unwrap();
    }
    let golden = std::fs::read_to_string(path).unwrap_or_default();
    assert_eq!(text, golden);
}
