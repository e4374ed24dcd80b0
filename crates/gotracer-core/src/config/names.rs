//! Lookup of names, with suggestions for misspelled ones.

use crate::rules::{Preset, RULES, Rule};

/// Error for an unknown name.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("there is no {what} \"{name}\"{}", hint(.meant, .known))]
pub struct UnknownName {
    what: &'static str,
    name: String,
    meant: Option<&'static str>,
    known: Vec<&'static str>,
}

/// Finds a rule by name, ignoring case, among the built-in rules and these custom ones.
///
/// # Errors
/// If there is none; the error suggests a similar name.
pub fn rule(name: &str, custom: &[&'static Rule]) -> Result<&'static Rule, UnknownName> {
    let rules = || RULES.into_iter().chain(custom.iter().copied());
    let found = rules().find(|rule| rule.name.eq_ignore_ascii_case(name));
    found.ok_or_else(|| UnknownName::new("rule", name, rules().map(|r| r.name).collect()))
}

/// Finds a preset by name.
///
/// # Errors
/// If there is none; the error suggests a similar name.
pub fn preset(name: &str) -> Result<Preset, UnknownName> {
    Preset::from_name(name)
        .ok_or_else(|| UnknownName::new("preset", name, Preset::ALL.map(Preset::name).into()))
}

impl UnknownName {
    /// Suggests the most similar of the known names.
    pub(super) fn new(what: &'static str, name: &str, known: Vec<&'static str>) -> Self {
        const ALIKE: f64 = 0.75;
        let likeness = |known: &str| {
            let (known, name) = (known.to_lowercase(), name.to_lowercase());
            strsim::jaro_winkler(&known, &name)
        };
        let meant = known
            .iter()
            .map(|&k| (k, likeness(k)))
            .filter(|&(_, likeness)| likeness > ALIKE)
            .max_by(|a, b| a.1.total_cmp(&b.1))
            .map(|(k, _)| k);
        Self {
            what,
            name: name.into(),
            meant,
            known,
        }
    }
}

/// Returns the suggestion; for a name that resembles none, the list of all names.
fn hint(meant: &Option<&str>, known: &[&str]) -> String {
    match meant {
        Some(meant) => format!("; did you mean {meant}?"),
        None => format!("; there are {}", known.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_understood() {
        for (typed, meant) in [
            ("GCPause", "GCPauseSpike"),
            ("mutexcontenton", "MutexContention"),
            ("GoroutineLeak", "GoroutineLeakGrowth"),
        ] {
            let error = rule(typed, &[]).unwrap_err().to_string();
            assert!(
                error.ends_with(&format!("did you mean {meant}?")),
                "{error}"
            );
        }
        let error = rule("xyz", &[]).unwrap_err().to_string();
        assert!(error.contains("there are GCPauseSpike, "), "{error}");
        assert_eq!(rule("gcassist", &[]).unwrap().name, "GCAssist");
    }
}
