//! `custom_rules`: rules that the configuration defines.

use serde::Deserialize;
use serde_saphyr::Spanned;

use super::error::{ConfigError, Position};
use super::yaml::position;
use crate::rules::custom::{self, Definition, Reason, Subject, Value};
use crate::rules::pattern::{FRAMES, Pattern, StackPattern};
use crate::rules::{Limit, Rule};

/// Maximum length of a name, characters.
const NAME: usize = 64;
/// Maximum length of `summary` and `advice`, characters.
const TEXT: usize = 1_000;
/// Factor from `warn` to `error` by default.
const ERROR: u64 = 10;

/// An entry of `custom_rules`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CustomYaml {
    name: Spanned<String>,
    on: Subject,
    #[serde(default, rename = "match")]
    matching: Option<MatchYaml>,
    value: Option<Spanned<Value>>,
    warn: Spanned<String>,
    error: Option<Spanned<String>>,
    #[serde(default)]
    summary: String,
    #[serde(default)]
    advice: String,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct MatchYaml {
    #[serde(rename = "type")]
    kind: Option<Spanned<String>>,
    function: Option<String>,
    stack: Option<Spanned<OneOrMany>>,
    reason: Option<Spanned<String>>,
}

/// One text, or a list of texts.
#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum OneOrMany {
    /// One text.
    One(String),
    /// A list of texts.
    Many(Vec<String>),
}

/// Parses a stack pattern.
///
/// # Errors
/// If it is empty or too long.
pub(super) fn stack(yaml: &Spanned<OneOrMany>) -> Result<StackPattern, ConfigError> {
    let frames = match &yaml.value {
        OneOrMany::One(frame) => std::slice::from_ref(frame),
        OneOrMany::Many(frames) => frames,
    };
    let wrong = || {
        let message = format!("stack: 1 to {FRAMES} functions are needed");
        wrong(position(yaml), message)
    };
    StackPattern::new(frames).ok_or_else(wrong)
}

fn wrong(at: Position, message: impl Into<String>) -> ConfigError {
    ConfigError::Yaml {
        at,
        message: message.into(),
    }
}

/// Checks and registers the entries.
///
/// # Errors
/// If an entry has no valid name, a part that its subject does not have, or a value that does not fit.
pub(super) fn rules(entries: Vec<Spanned<CustomYaml>>) -> Result<Vec<&'static Rule>, ConfigError> {
    let mut rules: Vec<&'static Rule> = Vec::new();
    for entry in entries {
        let name = &entry.value.name;
        let known = |rule: &&Rule| rule.name.eq_ignore_ascii_case(&name.value);
        if rules.iter().any(known) {
            let message = format!("a second custom rule \"{}\"", name.value);
            return Err(wrong(position(name), message));
        }
        let at = position(name);
        let rule = custom::register(definition(entry)?);
        rules.push(rule.map_err(|error| wrong(at, format!("name: {error}")))?);
    }
    Ok(rules)
}

fn definition(entry: Spanned<CustomYaml>) -> Result<Definition, ConfigError> {
    let yaml = entry.value;
    let (name, subject) = (&yaml.name.value, yaml.on);
    let letters = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    let begins = name.starts_with(|c: char| c.is_ascii_alphabetic());
    if !letters || !begins || name.len() > NAME {
        let message =
            format!("name: \"{name}\" is not 1 to {NAME} letters and digits, such as SlowCheckout");
        return Err(wrong(position(&yaml.name), message));
    }
    let value = match &yaml.value {
        Some(value) if !value.value.fits(subject) => {
            let message = format!("value: {} have no {}", subject.plural(), value.value.name());
            return Err(wrong(position(value), message));
        }
        Some(value) => value.value,
        None if subject == Subject::Log => Value::CountPerSecond,
        None => Value::Duration,
    };
    let parse = |text: &Spanned<String>| {
        let parsed = Limit::parse(value.unit(), &text.value);
        parsed.map_err(|error| ConfigError::Setting {
            at: position(text),
            error,
        })
    };
    let warn = parse(&yaml.warn)?;
    let error = match &yaml.error {
        Some(error) => parse(error)?,
        None => warn.saturating_mul(ERROR),
    };
    if warn > error {
        let message = format!("{name}: warn must not be above error");
        return Err(wrong(position(&yaml.warn), message));
    }
    if yaml.summary.chars().count() > TEXT || yaml.advice.chars().count() > TEXT {
        let message = format!("{name}: summary and advice have at most {TEXT} characters each");
        return Err(wrong(position(&yaml.name), message));
    }
    let matching = yaml.matching.unwrap_or_default();
    if let Some(kind) = matching.kind.as_ref().filter(|_| !subject.is_activity()) {
        let message = format!(
            "type: {} have none; tasks, regions, requests and logs do",
            subject.plural()
        );
        return Err(wrong(position(kind), message));
    }
    let reason = matching.reason.as_ref();
    Ok(Definition {
        name: name.clone(),
        subject,
        value,
        kind: matching.kind.map(|kind| Pattern::new(&kind.value)),
        reason: reason.map(|text| self::reason(text, subject)).transpose()?,
        function: matching.function.as_deref().map(Pattern::new),
        stack: matching.stack.as_ref().map(stack).transpose()?,
        warn,
        error,
        summary: yaml.summary.trim().into(),
        advice: yaml.advice.trim().into(),
    })
}

fn reason(text: &Spanned<String>, subject: Subject) -> Result<Reason, ConfigError> {
    if subject != Subject::Wait {
        let message = format!("reason: {} have none; waits do", subject.plural());
        return Err(wrong(position(text), message));
    }
    let unknown = || {
        let states = Reason::states().join(", ");
        let message = format!(
            "reason: no wait has the reason \"{}\"; there are {states}, and the names of \
             docs/states.md",
            text.value
        );
        wrong(position(text), message)
    };
    Reason::new(&text.value).ok_or_else(unknown)
}

#[cfg(test)]
mod tests {
    use crate::config::Config;
    use crate::rules::Rule;

    const SLOW: &str = "custom_rules:\n- {name: SlowTest, on: task, match: {type: 'GET *'}, \
        value: duration, warn: 50ms, error: 1s}\n";

    #[test]
    fn thresholds_can_be_set_for_all_and_for_a_service() {
        let text = format!(
            "{SLOW}rules: {{SlowTest: {{warn: 80ms}}}}\nservices: {{api: {{preset: batch, rules: \
             {{slowtest: {{warn: 10ms, enabled: false}}}}}}}}\n"
        );
        let config = Config::parse(&text).unwrap();
        let rule = Rule::find("SlowTest").unwrap();
        let (all, api) = (config.settings(None), config.settings(Some("api")));
        assert_eq!(all.of(rule).thresholds.warn.value, 80_000_000);
        assert_eq!(all.of(rule).thresholds.error.value, 1_000_000_000);
        assert_eq!(api.of(rule).thresholds.warn.value, 10_000_000);
        assert!(all.of(rule).enabled && !api.of(rule).enabled);
        let other = Config::default().settings(None);
        assert!(!other.of(rule).enabled && !other.rules().contains(&rule));
    }

    #[test]
    fn an_error_is_ten_times_a_warning_by_default() {
        let text = "custom_rules: [{name: ManyLogs, on: log, warn: 0.5}]";
        let config = Config::parse(text).unwrap();
        let rule = Rule::find("ManyLogs").unwrap();
        let limits = config.settings(None).of(rule).thresholds;
        assert_eq!((limits.warn.value, limits.error.value), (500, 5_000));
    }

    #[test]
    fn an_entry_that_does_not_fit_is_refused_at_its_line() {
        for (entry, said) in [
            (
                "name: 'A b', on: task, warn: 1ms",
                "line 2, column 10: name",
            ),
            ("name: gcassist, on: task, warn: 1ms", "built-in rule"),
            ("name: A1, on: goroutine, warn: 1ms", "goroutine"),
            (
                "name: A1, on: log, value: duration, warn: 1ms",
                "logs have no duration",
            ),
            (
                "name: A1, on: wait, value: cpu, warn: 1ms",
                "waits have no cpu",
            ),
            ("name: A1, on: task, warn: 50%", "is not a duration"),
            (
                "name: A1, on: task, value: share, warn: 5ms",
                "is not a percentage",
            ),
            (
                "name: A1, on: task, warn: 5ms, error: 1ms",
                "must not be above",
            ),
            (
                "name: A1, on: wait, match: {type: a}, warn: 5ms",
                "waits have none",
            ),
            (
                "name: A1, on: task, match: {reason: lock}, warn: 5ms",
                "waits do",
            ),
            (
                "name: A1, on: wait, match: {reason: locks}, warn: 5ms",
                "chan_send",
            ),
            (
                "name: A1, on: wait, match: {stack: []}, warn: 5ms",
                "1 to 16 functions",
            ),
            ("name: A1, on: wait", "warn"),
        ] {
            let error = Config::parse(&format!("custom_rules:\n- {{{entry}}}\n")).unwrap_err();
            assert!(error.to_string().contains(said), "{entry}: {error}");
        }
        let twice = format!("{SLOW}- {{name: slowtest, on: task, warn: 1s}}\n");
        let error = Config::parse(&twice).unwrap_err().to_string();
        assert!(
            error.contains("line 3") && error.contains("second"),
            "{error}"
        );
        let unknown = "rules: {SlowTst: {warn: 1s}}\n";
        let error = Config::parse(&format!("{SLOW}{unknown}")).unwrap_err();
        assert!(
            error.to_string().contains("did you mean SlowTest?"),
            "{error}"
        );
        // The rule belongs to another file.
        assert!(Config::parse("rules: {SlowTest: {warn: 1s}}\n").is_err());
    }
}
