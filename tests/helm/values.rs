//! What may stand in values, and what is said of what may not.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use serde_json::Value;

use crate::tools::{chart, repository, tools};

#[test]
fn mistakes_are_said_by_name() {
    let Some(tools) = tools() else { return };
    let targets = "targets={api:6060}";
    let mut all = String::new();
    for mistake in [
        "mode=cronjob",
        "replica=2",
        "replicas=two",
        "targets={http://api:6060}",
        "config.rulez.GCPauseSpike.warn=2ms",
        "config.rules.GCPause.warn=2ms",
        "config.preset=fast",
        "config.otlp.enable=true",
        "config.scrape_configs[0].job=api",
        "config.scrape_configs[0].job_name=api,config.scrape_configs[0].tls_config.ca_fil=a",
        "config.watch_configs[0].labels.job=a",
        "resources.limits.memori=1Gi",
        "image.tagg=1",
        "image.repository=",
        "image.digest=latest",
        "image.pullPolicy=Sometimes",
        "log.level=loud",
        "memoryBudget=128Mi",
        "web.port=70000",
        "otlp.endpoint=collector:4317",
        "storage.kind=disk",
        "storage.size=64 MiB",
        "evidence.kind=disk",
        "evidence.bucket.url=https://traces",
        "hostPath.path=traces",
        "serviceMonitor.interval=30",
        "podDisruptionBudget.maxUnavailable=many",
        "livenessProbe.path=/",
        "extraVolumeMounts[0].name=a",
        // Each is right, and they do not go together.
        "web.scheme=https",
        "existingConfigMap=mine",
        "storage.kind=claim,replicas=2",
        "evidence.kind=bucket",
        "evidence.bucket.url=s3://traces",
        "evidence.kind=claim,replicas=2",
        "mode=daemonset,evidence.kind=claim",
        "serviceMonitor.enabled=true,podMonitor.enabled=true",
        "serviceMonitor.enabled=true,service.enabled=false",
        "mode=daemonset,podDisruptionBudget.enabled=true",
        "mode=daemonset,storage.kind=claim",
        "mode=daemonset",
        "mode=sidecar",
        "mode=sidecar,networkPolicy.enabled=true",
        "mode=sidecar,serviceMonitor.enabled=true",
    ] {
        let refused = tools.template(&chart(), &["--set", targets, "--set", mistake]);
        let refused = refused.expect_err(mistake);
        let lines: Vec<_> = refused.lines().filter(|l| !l.is_empty()).collect();
        // What is wrong comes last, but for advice.
        let advice = "Use --debug flag to render out invalid YAML";
        let why = lines.iter().rfind(|l| **l != advice).unwrap();
        let why = why.rsplit("error calling fail: ").next().unwrap();
        all.push_str(&format!("{mistake}\n    {why}\n"));
    }
    let nothing = tools.template(&chart(), &[]).unwrap_err();
    assert!(
        nothing.contains("gotracer has nothing to do: set targets"),
        "{nothing}"
    );
    insta::assert_snapshot!(all);
}

fn schema() -> Value {
    let text = fs::read_to_string(chart().join("values.schema.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// The part of a schema that another names.
fn resolve<'a>(root: &'a Value, part: &'a Value) -> &'a Value {
    match part["$ref"].as_str() {
        Some(pointer) => root.pointer(pointer.trim_start_matches('#')).unwrap(),
        None => part,
    }
}

fn compare(root: &Value, part: &Value, values: &Value, at: &str, wrong: &mut Vec<String>) {
    let part = resolve(root, part);
    let Some(properties) = part["properties"].as_object() else {
        return;
    };
    if part["additionalProperties"] != false {
        wrong.push(format!("{at} allows anything"));
    }
    for (name, property) in properties {
        let at = format!("{at}.{name}");
        match values.get(name) {
            Some(value) => compare(root, property, value, &at, wrong),
            None => wrong.push(format!("{at} has no default")),
        }
    }
}

#[test]
fn every_value_has_a_default_and_a_place_in_the_schema() {
    let text = fs::read_to_string(chart().join("values.yaml")).unwrap();
    let values: Value = serde_saphyr::from_str(&text).unwrap();
    let schema = schema();
    let mut wrong = Vec::new();
    compare(&schema, &schema, &values, "", &mut wrong);
    // Of others: the chart that this one is a part of, the configuration, and
    // what Kubernetes knows better.
    wrong.retain(|w| {
        let others = [".global ", ".enabled ", ".config.", ".resources."];
        let probe = ["initialDelaySeconds ", "successThreshold "];
        !others.iter().any(|o| w.starts_with(o)) && !probe.iter().any(|p| w.contains(p))
    });
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn the_schema_knows_the_keys_and_rules_that_gotracer_knows() {
    let schema = schema();
    let names = |pointer: &str| {
        let properties = schema.pointer(pointer).unwrap().as_object().unwrap();
        properties.keys().cloned().collect::<BTreeSet<_>>()
    };
    let rules: BTreeSet<_> = gotracer::rules::RULES
        .iter()
        .map(|r| r.name.to_owned())
        .collect();
    assert_eq!(names("/definitions/rules/properties"), rules);
    let file = fs::read_to_string(repository("config/gotracer.yml")).unwrap();
    let key = |line: &str| {
        let (key, _) = line.strip_prefix('#')?.split_once(':')?;
        let is_key = key.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
        is_key.then(|| key.to_owned())
    };
    let keys: BTreeSet<_> = file.lines().filter_map(key).collect();
    assert_eq!(names("/properties/config/properties"), keys);
}

/// A file with an unknown key in each section of the configuration that the
/// schema defines. `kubernetes_sd_configs` is not in all builds.
const UNKNOWN: [(&str, &str); 19] = [
    ("custom_rule", "custom_rules: [{zzz: 1}]"),
    (
        "custom_match",
        "custom_rules: [{name: A, on: task, warn: 1s, match: {zzz: 1}}]",
    ),
    ("ignore", "ignore: [{zzz: 1}]"),
    ("tasks", "tasks: {zzz: 1}"),
    ("prometheus", "prometheus: {zzz: 1}"),
    ("otlp", "otlp: {zzz: 1}"),
    ("uploads", "uploads: {zzz: 1}"),
    ("evidence", "evidence: {zzz: 1}"),
    ("releases", "releases: {zzz: 1}"),
    ("sharding", "sharding: {zzz: 1}"),
    ("watch", "watch_configs: [{zzz: 1}]"),
    ("scrape", "scrape_configs: [{zzz: 1}]"),
    (
        "static_sd",
        "scrape_configs: [{job_name: a, static_configs: [{zzz: 1}]}]",
    ),
    (
        "file_sd",
        "scrape_configs: [{job_name: a, file_sd_configs: [{zzz: 1}]}]",
    ),
    (
        "http_sd",
        "scrape_configs: [{job_name: a, http_sd_configs: [{zzz: 1}]}]",
    ),
    (
        "relabel",
        "scrape_configs: [{job_name: a, relabel_configs: [{zzz: 1}]}]",
    ),
    (
        "basic_auth",
        "scrape_configs: [{job_name: a, basic_auth: {zzz: 1}}]",
    ),
    (
        "authorization",
        "scrape_configs: [{job_name: a, authorization: {zzz: 1}}]",
    ),
    (
        "tls",
        "scrape_configs: [{job_name: a, tls_config: {zzz: 1}}]",
    ),
];

#[test]
fn the_schema_has_every_key_of_each_section() {
    let schema = schema();
    let scratch = tempfile::tempdir().unwrap();
    let file = scratch.path().join("gotracer.yml");
    for (section, text) in UNKNOWN {
        fs::write(&file, text).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_gotracer"));
        let output = command.arg("check-config").arg(&file).output().unwrap();
        let error = String::from_utf8(output.stderr).unwrap();
        let (_, keys) = error
            .split_once("expected one of ")
            .unwrap_or_else(|| panic!("{error}"));
        let keys: BTreeSet<_> = keys.trim().split(", ").collect();
        let properties = &schema["definitions"][format!("config_{section}")]["properties"];
        let known: BTreeSet<_> = properties
            .as_object()
            .unwrap()
            .keys()
            .map(String::as_str)
            .collect();
        assert_eq!(known, keys, "{section}: generator/chart.py");
    }
}
