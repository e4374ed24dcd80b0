//! Relabeling with the syntax and semantics of Prometheus, so existing rules can
//! be copied.

use md5::{Digest, Md5};
use regex::Regex;
use serde::{Deserialize, Serialize};

use crate::labels::Labels;

/// One entry of `relabel_configs`.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(try_from = "Yaml", into = "Yaml")]
pub struct Relabel {
    source_labels: Vec<String>,
    separator: String,
    regex: Regex,
    modulus: u64,
    target_label: String,
    replacement: String,
    action: Action,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
enum Action {
    #[default]
    Replace,
    Keep,
    Drop,
    KeepEqual,
    DropEqual,
    HashMod,
    LabelMap,
    LabelDrop,
    LabelKeep,
    Lowercase,
    Uppercase,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
struct Yaml {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    source_labels: Vec<String>,
    separator: String,
    regex: String,
    #[serde(skip_serializing_if = "is_zero")]
    modulus: u64,
    #[serde(skip_serializing_if = "String::is_empty")]
    target_label: String,
    replacement: String,
    action: Action,
}

fn is_zero(n: &u64) -> bool {
    *n == 0
}

impl Default for Yaml {
    fn default() -> Self {
        Self {
            source_labels: Vec::new(),
            separator: ";".into(),
            regex: "(.*)".into(),
            modulus: 0,
            target_label: String::new(),
            replacement: "$1".into(),
            action: Action::default(),
        }
    }
}

impl TryFrom<Yaml> for Relabel {
    type Error = String;

    fn try_from(yaml: Yaml) -> Result<Self, String> {
        use Action::{DropEqual, HashMod, KeepEqual, Lowercase, Replace, Uppercase};
        let target = &yaml.target_label;
        match yaml.action {
            Replace | HashMod | KeepEqual | DropEqual | Lowercase | Uppercase
                if target.is_empty() =>
            {
                return Err("this action needs a target_label".into());
            }
            HashMod if yaml.modulus == 0 => {
                return Err("the action hashmod needs a modulus above 0".into());
            }
            HashMod | Lowercase | Uppercase if !Labels::valid_name(target) => {
                return Err(format!("\"{target}\" is no name of a label"));
            }
            _ => {}
        }
        let regex = [ANCHORS.0, &yaml.regex, ANCHORS.1].concat();
        let regex = Regex::new(&regex).map_err(|e| e.to_string())?;
        Ok(Self {
            source_labels: yaml.source_labels,
            separator: yaml.separator,
            regex,
            modulus: yaml.modulus,
            target_label: yaml.target_label,
            replacement: yaml.replacement,
            action: yaml.action,
        })
    }
}

/// Anchors of an expression: it has to match the whole value.
const ANCHORS: (&str, &str) = ("^(?s:", ")$");

impl From<Relabel> for Yaml {
    fn from(relabel: Relabel) -> Self {
        let regex = relabel.regex.as_str();
        let inside = regex.strip_prefix(ANCHORS.0);
        let inside = inside.and_then(|r| r.strip_suffix(ANCHORS.1));
        Self {
            regex: inside.unwrap_or(regex).into(),
            source_labels: relabel.source_labels,
            separator: relabel.separator,
            modulus: relabel.modulus,
            target_label: relabel.target_label,
            replacement: relabel.replacement,
            action: relabel.action,
        }
    }
}

/// Applies all rules in order; `None` if the target is dropped.
pub(super) fn apply(relabels: &[Relabel], labels: Labels) -> Option<Labels> {
    relabels
        .iter()
        .try_fold(labels, |labels, r| r.apply(labels))
}

impl Relabel {
    fn apply(&self, mut labels: Labels) -> Option<Labels> {
        let values = self.source_labels.iter().map(|name| labels.get(name));
        let value = values.collect::<Vec<_>>().join(&self.separator);
        let target = self.target_label.as_str();
        let matches = || self.regex.is_match(&value);
        match self.action {
            Action::Keep if !matches() => return None,
            Action::Drop if matches() => return None,
            Action::KeepEqual if labels.get(target) != value => return None,
            Action::DropEqual if labels.get(target) == value => return None,
            Action::Keep | Action::Drop | Action::KeepEqual | Action::DropEqual => {}
            Action::Replace => self.replace(&value, &mut labels),
            Action::HashMod => labels.set(target, self.hash(&value).to_string()),
            Action::Lowercase => labels.set(target, value.to_lowercase()),
            Action::Uppercase => labels.set(target, value.to_uppercase()),
            Action::LabelDrop => labels.retain(|name| !self.regex.is_match(name)),
            Action::LabelKeep => labels.retain(|name| self.regex.is_match(name)),
            Action::LabelMap => {
                for (name, value) in labels.clone().iter() {
                    if let Some(found) = self.regex.captures(name) {
                        let mut mapped = String::new();
                        found.expand(&self.replacement, &mut mapped);
                        labels.set(mapped, value);
                    }
                }
            }
        }
        Some(labels)
    }

    fn replace(&self, value: &str, labels: &mut Labels) {
        let Some(found) = self.regex.captures(value) else {
            return;
        };
        let mut target = String::new();
        found.expand(&self.target_label, &mut target);
        if Labels::valid_name(&target) {
            let mut replacement = String::new();
            found.expand(&self.replacement, &mut replacement);
            labels.set(target, replacement);
        }
    }

    /// Returns the hash that Prometheus computes for `hashmod`, so shards agree.
    fn hash(&self, value: &str) -> u64 {
        let digest = Md5::digest(value.as_bytes());
        let low = digest.iter().skip(8);
        low.fold(0, |n, &byte| n << 8 | u64::from(byte)) % self.modulus
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn relabel(yaml: &str) -> Option<Labels> {
        let relabels: Vec<Relabel> = serde_saphyr::from_str(yaml).unwrap();
        apply(
            &relabels,
            [("a", "foo"), ("b", "bar"), ("c", "baz")]
                .into_iter()
                .collect(),
        )
    }

    fn gives(yaml: &str, wanted: &[(&str, &str)]) {
        let wanted: Labels = wanted.iter().copied().collect();
        assert_eq!(relabel(yaml), Some(wanted), "{yaml}");
    }

    // Cases and results are those of Prometheus' documentation and behavior.
    #[test]
    fn replace() {
        let rest = [("a", "foo"), ("b", "bar"), ("c", "baz")];
        let with = |name, value| [&rest[..], &[(name, value)]].concat();
        gives(
            "- {source_labels: [a], target_label: d, regex: 'f(.*)', replacement: 'ch${1}-ch${1}'}",
            &with("d", "choo-choo"),
        );
        gives(
            "- {source_labels: [a, b], target_label: d, regex: 'f(.*);(.*)r', replacement: '$2${1}'}",
            &with("d", "baoo"),
        );
        // Anchored at both ends.
        gives("- {source_labels: [a], target_label: d, regex: 'o'}", &rest);
        // A label that is not there is empty.
        gives(
            "- {source_labels: [x], target_label: d, replacement: 'static'}",
            &with("d", "static"),
        );
        // An empty result deletes, an invalid name does nothing.
        gives("- {source_labels: [x], target_label: a}", &rest[1..]);
        gives(
            "- {source_labels: [a], target_label: '$1-x', replacement: y}",
            &rest,
        );
        gives(
            "- {source_labels: [a], regex: '(.*)', target_label: '${1}_x', replacement: y}",
            &with("foo_x", "y"),
        );
    }

    #[test]
    fn keep_and_drop() {
        assert!(relabel("- {source_labels: [a], regex: 'foo|x', action: keep}").is_some());
        assert!(relabel("- {source_labels: [a], regex: 'fo', action: keep}").is_none());
        assert!(relabel("- {source_labels: [a], regex: 'foo', action: drop}").is_none());
        assert!(relabel("- {source_labels: [a], target_label: b, action: keepequal}").is_none());
        assert!(relabel("- {source_labels: [a], target_label: a, action: dropequal}").is_none());
    }

    #[test]
    fn the_others() {
        gives("- {regex: '[ab]', action: labeldrop}", &[("c", "baz")]);
        gives(
            "- {regex: '[ab]', action: labelkeep}",
            &[("a", "foo"), ("b", "bar")],
        );
        gives(
            "- {regex: '([bc])', replacement: 'n_$1', action: labelmap}",
            &[
                ("a", "foo"),
                ("b", "bar"),
                ("c", "baz"),
                ("n_b", "bar"),
                ("n_c", "baz"),
            ],
        );
        gives(
            "- {source_labels: [a, b], separator: '', target_label: c, action: uppercase}",
            &[("a", "foo"), ("b", "bar"), ("c", "FOOBAR")],
        );
        // As in Prometheus' own test.
        gives(
            "- {source_labels: [c], target_label: d, separator: ';', action: hashmod, modulus: 1000}",
            &[("a", "foo"), ("b", "bar"), ("c", "baz"), ("d", "976")],
        );
    }

    #[test]
    fn mistakes_are_said() {
        for (yaml, error) in [
            ("- {regex: '('}", "target_label"),
            ("- {target_label: a, regex: '('}", "unclosed"),
            ("- {action: hashmod, target_label: a}", "modulus"),
            ("- {target: a}", "target"),
            ("- {action: nothing}", "nothing"),
        ] {
            let found = serde_saphyr::from_str::<Vec<Relabel>>(yaml).unwrap_err();
            assert!(found.to_string().contains(error), "{yaml}: {found}");
        }
    }
}
