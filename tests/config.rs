//! The configuration file: the example is true, and errors help.

use std::fmt::Write;
use std::fs;

use gotracer::config::Config;
use gotracer::rules::{Preset, RULES, Rule, Settings, keys, retired};

const EXAMPLE: &str = include_str!("../config/gotracer.yml");

/// The example with its keys in force: a comment of a key has no blank after
/// its sign.
fn enabled() -> String {
    let mut text = String::new();
    for line in EXAMPLE.lines() {
        let key = line.strip_prefix('#').filter(|rest| {
            let name = rest.trim_start();
            let indent = rest.len() - name.len();
            name.contains(':') && indent % 2 == 0 && !rest.contains(". ")
        });
        writeln!(text, "{}", key.unwrap_or(line)).unwrap();
    }
    text
}

#[test]
fn the_example_as_it_stands_changes_nothing() {
    let config = Config::parse(EXAMPLE).unwrap();
    assert_eq!(config.settings(None), Settings::default());
    assert_eq!(config.services().count(), 0);
}

/// A preset's settings with the custom rule of the example.
fn with_custom_rule(preset: Preset) -> Settings {
    let mut settings = Settings::preset(preset);
    let rule = Rule::find("SlowCheckout").expect("the example was read");
    settings.add(rule);
    settings
}

#[test]
fn the_example_shows_the_defaults_of_every_key() {
    let text = enabled();
    let config = Config::parse(&text).unwrap();
    assert_eq!(config.settings(None), with_custom_rule(Preset::Service));
    assert_eq!(config.services().collect::<Vec<_>>(), ["nightly-report"]);
    #[cfg(feature = "daemon")]
    {
        assert_eq!(*config.prometheus(), Default::default());
        assert_eq!(*config.otlp(), Default::default());
        assert_eq!(*config.releases(), Default::default());
        assert_eq!(*config.uploads(), Default::default());
    }
    for rule in RULES {
        let start = text
            .find(&format!("\n  {}:\n", rule.name))
            .expect(rule.name);
        let section = text[start..].split("\n\n").next().unwrap();
        for key in keys(rule) {
            if retired(rule, key).is_some() {
                continue;
            }
            assert!(
                section.contains(&format!("\n    {key}: ")),
                "{} {key}",
                rule.name
            );
        }
    }
}

#[test]
fn a_service_has_its_own_settings() {
    let config = Config::parse(&enabled()).unwrap();
    let nightly = config.settings(Some("nightly-report"));
    let mut batch = with_custom_rule(Preset::Batch);
    let leak = RULES[4];
    assert_eq!(leak.name, "GoroutineLeakGrowth");
    batch.of_mut(leak).enabled = false;
    batch.ignore = nightly.ignore.clone();
    assert_ne!(nightly.ignore, Settings::default().ignore);
    assert_eq!(nightly, batch);
    let other = config.settings(Some("other"));
    assert_eq!(other.ignore, Settings::default().ignore);
    assert_eq!(other, with_custom_rule(Preset::Service));
}

#[test]
fn an_empty_file_and_empty_sections_say_nothing() {
    for text in [
        "",
        "# nothing\n",
        "rules:\n",
        "rules:\n  GCAssist:\n",
        "services:\n  a:\n",
    ] {
        let config = Config::parse(text).unwrap_or_else(|e| panic!("{text:?}: {e}"));
        assert_eq!(config.settings(Some("a")), Settings::default(), "{text:?}");
    }
}

#[cfg(feature = "daemon")]
#[test]
fn jobs_without_a_name_may_be_several() {
    let text = "scrape_configs: [{job_name: ''}, {job_name: ''}]";
    assert_eq!(Config::parse(text).unwrap().jobs().len(), 2);
}

// Without the daemon its part of the file is not read.
#[cfg(feature = "daemon")]
#[test]
fn errors_say_where_and_what() {
    let mut names: Vec<_> = fs::read_dir("tests/config")
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.starts_with("invalid-"))
        .collect();
    names.sort();
    let (mut all, mut kubernetes) = (String::new(), String::new());
    for name in names {
        let text = fs::read_to_string(format!("tests/config/{name}")).unwrap();
        let error = Config::parse(&text).map(drop).expect_err(&name);
        let errors = match name.contains("kubernetes") {
            true => &mut kubernetes,
            false => &mut all,
        };
        writeln!(errors, "{name}: {error}").unwrap();
    }
    insta::assert_snapshot!(all);
    match cfg!(feature = "kubernetes") {
        true => insta::assert_snapshot!("errors_of_kubernetes", kubernetes),
        false => {
            let told = |line: &str| line.contains("built without Kubernetes; build it with");
            assert!(kubernetes.lines().all(told), "{kubernetes}");
        }
    }
}

/// The documentation shows the convention as it is.
#[test]
fn the_convention_of_kubernetes_is_documented() {
    let documented = include_str!("../docs/kubernetes.md");
    let convention = include_str!("../crates/gotracer-daemon/src/source/discovery/convention.yml");
    for line in convention.lines().filter(|l| l.starts_with('-')) {
        assert!(documented.contains(&format!("    {line}\n")), "{line}");
    }
}
