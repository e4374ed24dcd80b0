//! `ignore`: entries that suppress known and accepted findings.

use std::path::Path;

use serde::Deserialize;
use serde_saphyr::Spanned;

use super::custom::{self, OneOrMany};
use super::error::{ConfigError, Position};
use super::names;
use super::yaml::{position, read};
use crate::rules::Rule;
use crate::rules::pattern::Pattern;
use crate::rules::suppression::{Suppression, Suppressions};

/// File with the entries of `ignore` that commands read in the working directory.
pub const IGNORE_FILE: &str = ".gotracerignore";

/// Entry as written in the file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct IgnoreYaml {
    rule: Option<Spanned<String>>,
    function: Option<String>,
    stack: Option<Spanned<OneOrMany>>,
    service: Option<String>,
    reason: Option<String>,
    until: Option<Spanned<String>>,
}

/// File that has only the key `ignore`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct IgnoreFile {
    ignore: Option<Vec<Spanned<IgnoreYaml>>>,
}

/// Reads a file that has only the key `ignore`. Its entries may name these custom rules.
///
/// # Errors
/// If the file cannot be read or an entry is invalid; the error has the position.
pub fn load(path: &Path, custom: &[&'static Rule]) -> Result<Suppressions, ConfigError> {
    let text = std::fs::read_to_string(path).map_err(ConfigError::Io)?;
    let file = read::<IgnoreFile>(&text)?;
    let entries = file.and_then(|file| file.ignore).unwrap_or_default();
    let all = entries
        .into_iter()
        .map(|yaml| entry(yaml, custom))
        .collect::<Result<Vec<_>, _>>()?;
    Ok(all.into_iter().map(|entry| within(entry, path)).collect())
}

/// Adds the file's name to the place of an entry.
pub fn within(mut entry: Suppression, path: &Path) -> Suppression {
    entry.place = format!("{}, {}", path.display(), entry.place);
    entry
}

/// Checks an entry.
///
/// # Errors
/// If the entry matches everything, has no reason, or has an invalid value.
pub(super) fn entry(
    yaml: Spanned<IgnoreYaml>,
    custom: &[&'static Rule],
) -> Result<Suppression, ConfigError> {
    let at = position(&yaml);
    let yaml = yaml.value;
    let wrong = |at: Position, message: &str| ConfigError::Yaml {
        at,
        message: message.into(),
    };
    let rule = match &yaml.rule {
        Some(rule) => {
            Some(
                names::rule(&rule.value, custom).map_err(|error| ConfigError::Name {
                    at: position(rule),
                    error,
                })?,
            )
        }
        None => None,
    };
    let stack = yaml.stack.as_ref().map(custom::stack).transpose()?;
    let until = match &yaml.until {
        Some(until) => {
            let message = format!(
                "until: \"{}\" is not a date such as 2027-01-31",
                until.value
            );
            let date = until.value.parse();
            Some(date.map_err(|_| wrong(position(until), &message))?)
        }
        None => None,
    };
    let reason = yaml.reason.unwrap_or_default();
    if reason.trim().is_empty() {
        return Err(wrong(at, "an entry of ignore needs a reason"));
    }
    if rule.is_none() && yaml.function.is_none() && stack.is_none() {
        let message = "an entry of ignore needs a rule, a function or a stack";
        return Err(wrong(at, message));
    }
    Ok(Suppression {
        rule,
        function: yaml.function.as_deref().map(Pattern::new),
        stack,
        service: yaml.service,
        reason: reason.trim().into(),
        until,
        place: format!("line {}", at.line),
    })
}

#[cfg(test)]
mod tests {
    use crate::config::Config;

    #[test]
    fn entries_are_for_all_services_or_for_one() {
        let config = Config::parse(
            "ignore:\n\
             - {rule: MutexContention, function: 'main.(*Cache).*', reason: JIRA-1, until: 2027-01-31}\n\
             - {stack: [main.serve, '**', main.get], service: shop, reason: by design}\n\
             - {function: main.f, service: other, reason: known}\n",
        )
        .unwrap();
        let reasons = |service: Option<&str>| -> Vec<String> {
            let settings = config.settings(service);
            settings.ignore.iter().map(|s| s.reason.clone()).collect()
        };
        assert_eq!(reasons(None), ["JIRA-1"]);
        assert_eq!(reasons(Some("shop")), ["JIRA-1", "by design"]);
        assert_eq!(config.services().collect::<Vec<_>>(), ["shop", "other"]);
        let settings = config.settings(Some("shop"));
        let stack = settings.ignore.iter().nth(1).unwrap();
        assert_eq!(stack.place, "line 3");
        assert_eq!(
            stack.stack.as_ref().unwrap().to_string(),
            "main.serve > ** > main.get"
        );
    }

    #[test]
    fn categories_of_ids_can_be_named() {
        let config = Config::parse("tasks: {trace_id: [request, trace]}\n").unwrap();
        let ids = config.settings(None).id_categories;
        assert_eq!(ids.trace_id, ["request", "trace"]);
        assert_eq!(ids.span_id, ["span_id"]);
    }

    #[test]
    fn entries_that_do_not_fit_are_refused_with_their_line() {
        for (entry, said) in [
            (
                "{function: main.f}",
                "line 2, column 3: an entry of ignore needs a reason",
            ),
            ("{reason: why}", "needs a rule, a function or a stack"),
            ("{rule: Mutex, reason: why}", "Mutex"),
            ("{stack: [], reason: why}", "1 to 16 functions"),
            (
                "{function: f, reason: why, until: soon}",
                "\"soon\" is not a date",
            ),
            ("{functions: f, reason: why}", "functions"),
        ] {
            let error = Config::parse(&format!("ignore:\n- {entry}\n")).unwrap_err();
            assert!(error.to_string().contains(said), "{entry}: {error}");
        }
    }
}
