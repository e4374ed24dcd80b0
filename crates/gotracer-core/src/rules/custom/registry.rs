//! Registry of the custom rules of this process.
//!
//! Findings and metrics refer to a rule for as long as the process runs, also after a reload of the configuration that
//! removes or changes the rule. Rules are therefore never freed, and their number is limited.

use std::sync::{PoisonError, RwLock, RwLockReadGuard};

use super::{Definition, Value, detector};
use crate::rules::metadata::{Alert, Beside, Metric, Panel};
use crate::rules::{Limit, RULES, Rule, Thresholds, Unit};

/// Maximum number of names of custom rules.
const NAMES: usize = 100;
/// Maximum number of definitions, counting each change of a rule. A definition takes about 1 KiB.
const DEFINITIONS: usize = 1_000;

/// Reason why a custom rule cannot be registered.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RegisterError {
    /// A built-in rule has the name.
    #[error("a built-in rule has this name")]
    BuiltIn,
    /// There are too many names.
    #[error("more than {NAMES} names of custom rules")]
    Names,
    /// There are too many definitions.
    #[error(
        "custom rules changed more than {DEFINITIONS} times since this process started; restart it"
    )]
    Definitions,
}

/// A registered rule.
struct Entry {
    rule: Rule,
    definition: Definition,
}

#[derive(Default)]
struct Registry {
    /// The current rule of each name.
    current: Vec<&'static Entry>,
    /// All rules.
    all: Vec<&'static Entry>,
}

static REGISTRY: RwLock<Registry> = RwLock::new(Registry {
    current: Vec::new(),
    all: Vec::new(),
});

fn registry() -> RwLockReadGuard<'static, Registry> {
    REGISTRY.read().unwrap_or_else(PoisonError::into_inner)
}

/// Returns the rule of a definition. The same definition always has the same rule.
///
/// # Errors
/// If a built-in rule has the name, or if there are too many custom rules.
pub fn register(definition: Definition) -> Result<&'static Rule, RegisterError> {
    let name = definition.name.as_str();
    let same = |rule: &Rule| rule.name.eq_ignore_ascii_case(name);
    if RULES.into_iter().any(same) {
        return Err(RegisterError::BuiltIn);
    }
    let mut registry = REGISTRY.write().unwrap_or_else(PoisonError::into_inner);
    let known = registry
        .all
        .iter()
        .find(|entry| entry.definition == definition);
    let known = known.copied();
    let at = registry.current.iter().position(|entry| same(&entry.rule));
    if at.is_none() && registry.current.len() >= NAMES {
        return Err(RegisterError::Names);
    }
    if known.is_none() && registry.all.len() >= DEFINITIONS {
        return Err(RegisterError::Definitions);
    }
    let entry = known.unwrap_or_else(|| {
        let entry: &'static Entry = Box::leak(Box::new(Entry::new(definition)));
        registry.all.push(entry);
        entry
    });
    match at {
        Some(at) => registry.current[at] = entry,
        None => registry.current.push(entry),
    }
    Ok(&entry.rule)
}

/// Returns the custom rule with a name, regardless of case.
pub fn find(name: &str) -> Option<&'static Rule> {
    let registry = registry();
    let mut rules = registry.current.iter().map(|entry| &entry.rule);
    rules.find(|rule| rule.name.eq_ignore_ascii_case(name))
}

/// Returns the definition of a custom rule; `None` for a built-in one.
pub fn definition(rule: &Rule) -> Option<&'static Definition> {
    let registry = registry();
    let mut all = registry.all.iter();
    let entry = all.find(|entry| std::ptr::eq(&raw const entry.rule, rule))?;
    Some(&entry.definition)
}

/// Returns the number of a custom rule, which all definitions with the same name share.
pub fn index(rule: &Rule) -> Option<usize> {
    let registry = registry();
    registry
        .current
        .iter()
        .position(|entry| entry.rule.name == rule.name)
}

/// Returns the current custom rule with a number.
pub fn rule_at(index: usize) -> Option<&'static Rule> {
    registry().current.get(index).map(|entry| &entry.rule)
}

impl Entry {
    fn new(definition: Definition) -> Self {
        let leak = |text: String| -> &'static str { text.leak() };
        let name = leak(definition.name.clone());
        let summary = match definition.summary.as_str() {
            "" => {
                let (value, subject) = (definition.value.name(), definition.subject.plural());
                format!("Custom rule on the {value} of {subject}.")
            }
            summary => summary.to_owned(),
        };
        let summary = leak(summary);
        let advice = match definition.advice.as_str() {
            "" => {
                "Read the stack of the finding; `gotracer explain --finding` shows its worst occurrence."
            }
            advice => leak(advice.to_owned()),
        };
        let thresholds = Thresholds {
            warn: Limit::value(definition.warn),
            error: Limit::value(definition.error),
        };
        let rule = Rule {
            name,
            unit: definition.value.unit(),
            brief: summary,
            summary,
            why: "The configuration defines the rule in `custom_rules`.",
            advice,
            needs: "The events of what the rule is on: Go 1.11 and later.",
            thresholds: [thresholds; 3],
            percent_of: "",
            lost: None,
            off_in: &[],
            watches: definition.subject.watches(),
            detector,
            settings: &[],
            metric: metric(definition.value),
            alert: Alert {
                percent: 25,
                hold: "10m",
                summary: leak(format!("{name} has findings in {{program}}")),
                happened: leak(format!("the custom rule {name} had findings")),
                gauge: None,
                meaning: summary,
            },
            panel: Panel {
                sum: "per observed second",
                sum_unit: "short",
                beside: Beside::Sum,
            },
        };
        Self { rule, definition }
    }
}

/// The metric family that all custom rules with such a value share.
fn metric(value: Value) -> Metric {
    Metric {
        name: match value.unit() {
            Unit::Share => "gotrace_custom_rule_share",
            Unit::Rate => "gotrace_custom_rule_rate",
            _ => "gotrace_custom_rule",
        },
        reading: "",
        about: "measurement of custom rules",
        by_reason: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::custom::Subject;

    fn definition(name: &str, warn: u64) -> Definition {
        Definition {
            name: name.into(),
            subject: Subject::Task,
            value: Value::Duration,
            kind: None,
            reason: None,
            function: None,
            stack: None,
            warn,
            error: warn,
            summary: String::new(),
            advice: String::new(),
        }
    }

    #[test]
    fn a_changed_rule_keeps_its_number_and_an_unchanged_one_its_address() {
        let first = register(definition("RegistryTest", 1)).unwrap();
        let same = register(definition("RegistryTest", 1)).unwrap();
        assert!(std::ptr::eq(first, same));
        let changed = register(definition("RegistryTest", 2)).unwrap();
        assert!(!std::ptr::eq(first, changed));
        assert_eq!(first.index(), changed.index());
        assert!(changed.index() >= RULES.len());
        assert_eq!(changed.thresholds[0].warn.value, 2);
        assert!(std::ptr::eq(Rule::find("registrytest").unwrap(), changed));
        assert_eq!(super::definition(first).unwrap().warn, 1);
        assert!(super::definition(RULES[0]).is_none());
    }

    #[test]
    fn a_built_in_name_is_refused() {
        let refused = register(definition("gcassist", 1));
        assert_eq!(refused.unwrap_err(), RegisterError::BuiltIn);
    }
}
