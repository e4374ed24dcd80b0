//! Reads an exposition as strictly as a scraper.

use std::collections::HashSet;
use std::time::{Duration, SystemTime};

use gotracer::export::prometheus::{Encoding, Escaping, Format, encode};
use gotracer::export::{Metrics, Settings};
use gotracer::labels::Labels;
use proptest::prelude::*;

use crate::fixtures::report;
use crate::protobuf;

type Pairs = Vec<(String, String)>;

/// A sample's name, labels and the rest of its line.
fn sample(line: &str) -> Option<(&str, Pairs, &str)> {
    let end = line.find(['{', ' '])?;
    let (name, mut rest) = line.split_at(end);
    let mut labels = Vec::new();
    if let Some(inner) = rest.strip_prefix('{') {
        rest = inner;
        loop {
            let (label, after) = match rest.starts_with('"') {
                true => quoted(rest)?,
                false => {
                    let (name, _) = rest.split_once('=')?;
                    let legacy = name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
                    if !legacy || name.is_empty() || name.as_bytes()[0].is_ascii_digit() {
                        return None;
                    }
                    (name.to_owned(), &rest[name.len()..])
                }
            };
            let (value, after) = quoted(after.strip_prefix('=')?)?;
            labels.push((label, value));
            rest = &after[1..];
            match after.as_bytes()[0] {
                b',' => {}
                b'}' => break,
                _ => return None,
            }
        }
    }
    Some((name, labels, rest.strip_prefix(' ')?))
}

/// A text in quotes, and what follows it.
fn quoted(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut chars = text.strip_prefix('"')?.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Some((value, &text[at + 2..])),
            '\n' => return None,
            '\\' => value.push(match chars.next()?.1 {
                'n' => '\n',
                c @ ('"' | '\\') => c,
                _ => return None,
            }),
            c => value.push(c),
        }
    }
    None
}

/// Reads a text as strictly as a scraper.
fn read(text: &str, escaping: Escaping) {
    let mut all = HashSet::new();
    for line in text.split_terminator('\n').filter(|l| !l.starts_with('#')) {
        let (name, mut labels, value) = sample(line).unwrap_or_else(|| panic!("{line:?}"));
        let number = value.split(' ').next().unwrap();
        assert!(number.parse::<f64>().is_ok(), "{line:?}");
        labels.sort();
        for pair in labels.windows(2) {
            assert_ne!(pair[0].0, pair[1].0, "{line:?}");
        }
        for (name, _) in &labels {
            let plain = escaping == Escaping::AllowUtf8 || !line.contains(&format!("\"{name}\"="));
            assert!(plain && !name.starts_with("__"), "{line:?}");
        }
        assert!(all.insert((name.to_owned(), labels)), "twice: {line:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    /// Labels come from files, servers, clusters and file names of others.
    #[test]
    fn any_labels_make_an_exposition_that_scrapers_read(
        targets in proptest::collection::vec(
            proptest::collection::btree_map(
                "[a-b._:-]{0,3}|rule|le|quantile|(exported_){1,2}(rule|le)|__name__|U__a|\\PC{0,4}|[\\x00-\\x20\"\\\\]{1,3}",
                "[a-b]{0,1}|\\PC{0,4}|[\\x00-\\x20\"\\\\]{1,3}",
                0..6,
            ),
            1..5,
        )
    ) {
        let exporter = Metrics::new(&["broke_off"]);
        exporter.configure(Settings {
            goroutine_places: 2,
            created_series: true,
            disabled_families: vec!["gotrace_*_seconds".into()],
            ..Settings::default()
        });
        for labels in targets {
            let labels: Labels = labels.into_iter().collect();
            exporter.record(&labels, &report(), Duration::ZERO, SystemTime::UNIX_EPOCH);
        }
        for escaping in [
            Escaping::AllowUtf8,
            Escaping::Underscores,
            Escaping::Dots,
            Escaping::Values,
        ] {
            for format in [Format::Text, Format::OpenMetrics] {
                let body = encode(&exporter, Encoding { format, escaping }).unwrap();
                read(std::str::from_utf8(&body).unwrap(), escaping);
            }
        }
        let mut all = HashSet::new();
        for family in protobuf(&exporter) {
            for metric in family.metric {
                let mut labels: Vec<_> = metric.label.into_iter().map(|l| (l.name, l.value)).collect();
                labels.sort();
                prop_assert!(labels.windows(2).all(|pair| pair[0].0 != pair[1].0));
                prop_assert!(all.insert((family.name.clone(), labels)));
            }
        }
    }
}
