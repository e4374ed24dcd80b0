//! The mixin: the same rules and dashboards, with a selector in every query.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use regex::Regex;
use serde_json::Value;

use crate::boards::list;
use crate::repository;
use crate::support::daemon::{Scratch, program};

/// Evaluates the mixin with this configuration, and a part of it.
fn evaluated(config: &str, part: &str) -> Option<Value> {
    let jsonnet = program("jsonnet")?;
    let mixin = repository("mixin/mixin.libsonnet");
    let text = format!(
        "((import '{}') + {{ _config+:: {config} }}).{part}",
        mixin.display()
    );
    let output = Command::new(jsonnet).args(["-e", &text]).output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    Some(serde_json::from_slice(&output.stdout).unwrap())
}

fn alerts(groups: &Value) -> BTreeSet<String> {
    let groups = list(&groups["groups"]).iter();
    let rules = groups.flat_map(|group| list(&group["rules"]));
    rules
        .filter_map(|rule| rule["alert"].as_str())
        .map(str::to_owned)
        .collect()
}

#[test]
fn every_query_has_the_selector_and_promtool_takes_the_rules() {
    let config = r#"{ selector: 'env="prod"', alertLabels: { team: 'core' }, runbookUrl: 'https://runbooks' }"#;
    let metric = Regex::new(r"(?:^|[^\w:])gotracer?_[a-z0-9_]+(\{env=\\?.prod\\?.)?").unwrap();
    let scratch = Scratch::new();
    for part in ["prometheusRules", "prometheusAlerts"] {
        for config in [config, "{}"] {
            let Some(groups) = evaluated(config, part) else {
                return;
            };
            let file = scratch.path().join("rules.yml");
            fs::write(&file, groups.to_string()).unwrap();
            if let Some(promtool) = program("promtool") {
                let output = Command::new(promtool)
                    .args(["check", "rules"])
                    .arg(&file)
                    .output();
                let output = output.unwrap();
                assert!(
                    output.status.success(),
                    "{}",
                    String::from_utf8_lossy(&output.stderr)
                );
            }
            if config == "{}" {
                continue;
            }
            for rule in list(&groups["groups"])
                .iter()
                .flat_map(|g| list(&g["rules"]))
            {
                let expr = rule["expr"].as_str().unwrap();
                for found in metric.captures_iter(expr) {
                    assert!(found.get(1).is_some(), "{expr}");
                }
                if rule["alert"].is_string() {
                    assert_eq!(rule["labels"]["team"], "core");
                    let runbook = rule["annotations"]["runbook_url"].as_str().unwrap();
                    assert!(runbook.starts_with("https://runbooks/"), "{runbook}");
                }
            }
        }
    }
    let shipped: Value =
        serde_saphyr::from_str(&crate::read("config/prometheus/alerts.yml")).unwrap();
    assert_eq!(
        alerts(&evaluated("{}", "prometheusAlerts").unwrap()),
        alerts(&shipped)
    );
}

#[test]
fn dashboards_have_the_selector() {
    let Some(plain) = evaluated("{}", "grafanaDashboards") else {
        return;
    };
    let chosen = evaluated(r#"{ selector: 'env="prod"' }"#, "grafanaDashboards").unwrap();
    assert_eq!(plain.as_object().unwrap().len(), 4);
    for (name, board) in chosen.as_object().unwrap() {
        let overview = plain[name]["panels"].as_array().unwrap().len();
        assert_eq!(list(&board["panels"]).len(), overview);
        for panel in list(&board["panels"]) {
            for target in list(&panel["targets"]) {
                let expr = target["expr"].as_str().unwrap();
                assert!(expr.contains("{env=\"prod\","), "{name}: {expr}");
            }
        }
    }
}
