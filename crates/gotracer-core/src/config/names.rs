//! Names that a person typed, and what they may have meant.

use crate::rules::{Preset, RULES, Rule};

/// A name that nothing has.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("there is no {what} \"{name}\"{}", hint(.meant, .known))]
pub struct UnknownName {
    what: &'static str,
    name: String,
    meant: Option<&'static str>,
    known: Vec<&'static str>,
}

/// The rule of that name, upper and lower case being the same.
///
/// # Errors
/// If there is none; the error says which one may be meant.
pub fn rule(name: &str) -> Result<&'static Rule, UnknownName> {
    Rule::find(name).ok_or_else(|| UnknownName::new("rule", name, RULES.map(|r| r.name).into()))
}

/// The preset of that name.
///
/// # Errors
/// If there is none; the error says which one may be meant.
pub fn preset(name: &str) -> Result<Preset, UnknownName> {
    Preset::from_name(name)
        .ok_or_else(|| UnknownName::new("preset", name, Preset::ALL.map(Preset::name).into()))
}

impl UnknownName {
    /// Says which of the known names may be meant.
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

/// The whole list helps only who is not near any of it.
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
            let error = rule(typed).unwrap_err().to_string();
            assert!(
                error.ends_with(&format!("did you mean {meant}?")),
                "{error}"
            );
        }
        let error = rule("xyz").unwrap_err().to_string();
        assert!(error.contains("there are GCPauseSpike, "), "{error}");
        assert_eq!(rule("gcassist").unwrap().name, "GCAssist");
    }
}
