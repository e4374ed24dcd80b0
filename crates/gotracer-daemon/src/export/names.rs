//! Names of labels and metrics as a scraper can read them.
//!
//! Labels come from configurations, lists of targets and file names: any UTF-8
//! text can be a name. A scraper that asks for `escaping=allow-utf-8` reads
//! such names as they are; for all others they are escaped as Prometheus does.

use std::borrow::Cow;
use std::sync::Arc;

use crate::labels::Labels;

/// Labels of the metrics themselves and of the format. A target's label of the
/// same name shows as `exported_…`, as in a Prometheus scrape.
const OWN: [&str; 6] = ["le", "place", "quantile", "reason", "rule", "severity"];

/// How names that classic Prometheus does not know are written.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Escaping {
    /// As they are, in quotes.
    AllowUtf8,
    /// With `_` for each character that is not allowed.
    #[default]
    Underscores,
    /// With `_dot_` for a dot and `__` for an underscore and all others.
    Dots,
    /// With the code of each character: `U__k8s_2e_pod`.
    Values,
}

impl Escaping {
    const ALL: [Self; 4] = [Self::AllowUtf8, Self::Underscores, Self::Dots, Self::Values];

    /// The scheme with this name in content negotiation.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scheme| scheme.name() == name)
    }

    /// Its name in content negotiation.
    pub fn name(self) -> &'static str {
        match self {
            Self::AllowUtf8 => "allow-utf-8",
            Self::Underscores => "underscores",
            Self::Dots => "dots",
            Self::Values => "values",
        }
    }

    /// Escapes a name.
    pub fn escape(self, name: &str) -> Cow<'_, str> {
        let legacy = Labels::valid_name(name);
        let unchanged = match self {
            Self::AllowUtf8 => true,
            Self::Dots => legacy && !name.contains('_'),
            Self::Underscores | Self::Values => legacy,
        };
        if unchanged || name.is_empty() {
            return Cow::Borrowed(name);
        }
        let start = if self == Self::Values { "U__" } else { "" };
        let mut escaped = String::from(start);
        for (i, c) in name.chars().enumerate() {
            let first = i == 0;
            let legacy = c == '_' || c.is_ascii_alphabetic() || (!first && c.is_ascii_digit());
            match (self, c) {
                (Self::Dots | Self::Values, '_') => escaped.push_str("__"),
                _ if legacy => escaped.push(c),
                (Self::Dots, '.') => escaped.push_str("_dot_"),
                (Self::Dots, _) => escaped.push_str("__"),
                (Self::Values, c) => escaped += &format!("_{:x}_", u32::from(c)),
                _ => escaped.push('_'),
            }
        }
        Cow::Owned(escaped)
    }

    /// A target's labels under names that are unique and differ from
    /// `OWN`. Labels that begin with `__` are internal and left out.
    pub fn labels(self, labels: &Arc<Labels>) -> Arc<Labels> {
        let kept = |name: &str| self.is_free(name) && self.escape(name) == name;
        if labels.iter().all(|(name, _)| kept(name)) {
            return Arc::clone(labels);
        }
        // Names that need no change keep theirs, whatever the others become.
        let (whole, changed): (Vec<_>, Vec<_>) = labels
            .iter()
            .filter(|(name, _)| !name.is_empty() && !name.starts_with("__"))
            .partition(|(name, _)| kept(name));
        let mut shown: Labels = whole.into_iter().collect();
        for (name, value) in changed {
            let mut name = name.to_owned();
            let mut escaped = self.escape(&name).into_owned();
            while !self.is_free(&escaped) || !shown.get(&escaped).is_empty() {
                name.insert_str(0, "exported_");
                escaped = self.escape(&name).into_owned();
            }
            shown.set(escaped, value);
        }
        Arc::new(shown)
    }

    fn is_free(self, name: &str) -> bool {
        !name.is_empty() && !name.starts_with("__") && !OWN.contains(&name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn shown(escaping: Escaping, names: &[&str]) -> String {
        let labels: Labels = names.iter().map(|name| (*name, *name)).collect();
        let shown = escaping.labels(&Arc::new(labels));
        let pairs: Vec<_> = shown.iter().map(|(n, v)| format!("{n}={v}")).collect();
        pairs.join(" ")
    }

    #[test]
    fn names_are_escaped_as_prometheus_escapes_them() {
        // The cases of prometheus/common's TestEscapeName, but that a label's
        // name must not have a colon.
        for (name, underscores, dots, values) in [
            ("", "", "", ""),
            ("a:b", "a_b", "a__b", "U__a_3a_b"),
            (
                "mysystem.prod.west.cpu.load",
                "mysystem_prod_west_cpu_load",
                "mysystem_dot_prod_dot_west_dot_cpu_dot_load",
                "U__mysystem_2e_prod_2e_west_2e_cpu_2e_load",
            ),
            (
                "mysystem.prod.west.cpu.load_total",
                "mysystem_prod_west_cpu_load_total",
                "mysystem_dot_prod_dot_west_dot_cpu_dot_load__total",
                "U__mysystem_2e_prod_2e_west_2e_cpu_2e_load__total",
            ),
            (
                "label with 😱",
                "label_with__",
                "label__with____",
                "U__label_20_with_20__1f631_",
            ),
            ("1a", "_a", "__a", "U___31_a"),
            (
                "gotrace_findings_total",
                "gotrace_findings_total",
                "gotrace__findings__total",
                "gotrace_findings_total",
            ),
        ] {
            assert_eq!(Escaping::AllowUtf8.escape(name), name);
            assert_eq!(Escaping::Underscores.escape(name), underscores);
            assert_eq!(Escaping::Dots.escape(name), dots);
            assert_eq!(Escaping::Values.escape(name), values);
        }
    }

    #[test]
    fn names_that_collide_are_exported_until_they_are_free() {
        let names = ["k8s.pod", "k8s-pod", "k8s_pod", "rule", "exported_rule"];
        assert_eq!(
            shown(Escaping::Underscores, &names),
            "exported_exported_k8s_pod=k8s.pod exported_exported_rule=rule \
             exported_k8s_pod=k8s-pod exported_rule=exported_rule k8s_pod=k8s_pod"
        );
        assert_eq!(
            shown(Escaping::AllowUtf8, &names),
            "exported_exported_rule=rule exported_rule=exported_rule k8s-pod=k8s-pod \
             k8s.pod=k8s.pod k8s_pod=k8s_pod"
        );
        assert_eq!(shown(Escaping::Underscores, &["__name__", ""]), "");
        assert_eq!(
            shown(Escaping::Underscores, &["..name..", "le", "quantile"]),
            "exported___name__=..name.. exported_le=le exported_quantile=quantile"
        );
    }

    #[test]
    fn labels_that_need_no_change_are_not_copied() {
        let labels = Arc::new(Labels::new().with("job", "api").with("a_b", "c"));
        for (escaping, same) in [
            (Escaping::Underscores, true),
            (Escaping::AllowUtf8, true),
            (Escaping::Dots, false),
        ] {
            assert_eq!(Arc::ptr_eq(&escaping.labels(&labels), &labels), same);
        }
    }

    proptest! {
        #[test]
        fn any_labels_have_names_that_are_unique_and_free(
            pairs in proptest::collection::btree_map("[._a-b]{0,4}|\\PC{0,3}|rule|le|(exported_){1,2}rule", "\\PC{1,3}", 0..8)
        ) {
            let labels: Arc<Labels> = Arc::new(pairs.into_iter().collect());
            let visible = labels.iter().filter(|(n, _)| !n.is_empty() && !n.starts_with("__"));
            let visible = visible.count();
            for escaping in Escaping::ALL {
                let shown = escaping.labels(&labels);
                // None is lost to another one of the same name.
                prop_assert_eq!(shown.iter().count(), visible);
                for (name, _) in shown.iter() {
                    prop_assert!(escaping.is_free(name));
                    prop_assert!(escaping == Escaping::AllowUtf8 || Labels::valid_name(name));
                }
            }
        }
    }
}
