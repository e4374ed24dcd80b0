//! The dashboards, alerts and recording rules that the chart carries are those
//! of the repository.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;

use crate::support::tools::skip;
use crate::tools::{chart, only, repository, said, tools};

const BOTH: &str = "targets={a:1},prometheusRule.enabled=true,dashboards.enabled=true";

/// The files with this ending in a directory of the repository.
fn files(directory: &str, ending: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(repository(directory)).unwrap();
    let paths = entries.map(|e| e.unwrap().path());
    let mut found: Vec<_> = paths
        .filter(|p| p.extension().is_some_and(|e| e == ending))
        .collect();
    found.sort();
    assert!(!found.is_empty(), "nothing in {directory}");
    found
}

#[test]
fn each_dashboard_is_in_a_config_map_that_grafana_finds() {
    let Some(tools) = tools() else { return };
    let objects = tools.objects(&chart(), &["--set", BOTH]);
    let is_dashboard = |o: &&Value| o["metadata"]["labels"]["grafana_dashboard"] == "1";
    let maps: Vec<_> = objects.iter().filter(is_dashboard).collect();
    let files = files("dashboards", "json");
    assert_eq!(maps.len(), files.len());
    for file in files {
        let name = format!("gotracer-{}", file.file_name().unwrap().to_str().unwrap());
        let text = fs::read_to_string(&file).unwrap();
        // What a ConfigMap may hold.
        assert!(text.len() < 1 << 20, "{name} has {} bytes", text.len());
        let map = maps.iter().find_map(|m| m["data"][&name].as_str()).unwrap();
        assert_eq!(map.trim_end(), text.trim_end(), "{name}");
    }
}

#[test]
fn all_rules_are_in_one_object_that_promtool_accepts() {
    let Some(tools) = tools() else { return };
    let objects = tools.objects(&chart(), &["--set", BOTH]);
    let spec = &only(&objects, "PrometheusRule")["spec"];
    let mut wanted = Vec::new();
    for file in files("config/prometheus", "yml") {
        let text = fs::read_to_string(file).unwrap();
        let file: Value = serde_saphyr::from_str(&text).unwrap();
        wanted.extend(file["groups"].as_array().into_iter().flatten().cloned());
    }
    assert_eq!(spec["groups"], Value::from(wanted));
    let scratch = tempfile::tempdir().unwrap();
    let path = scratch.path().join("rules.yml");
    fs::write(&path, spec.to_string()).unwrap();
    match Command::new("promtool")
        .args(["check", "rules"])
        .arg(path)
        .output()
    {
        Ok(output) => assert!(output.status.success(), "{}", said(&output)),
        Err(error) => {
            skip(&format!("promtool: {error}"));
        }
    }
}

#[test]
fn alerts_may_be_left_out_labelled_and_explained_elsewhere() {
    let Some(tools) = tools() else { return };
    let mine = "prometheusRule.disabledAlerts={GCAssist},prometheusRule.alertLabels.team=core,\
                prometheusRule.runbookUrl=https://runbooks.internal/go/";
    let alerts = |more: &[&str]| {
        let options = [&["--set", BOTH][..], more].concat();
        let objects = tools.objects(&chart(), &options);
        let groups = only(&objects, "PrometheusRule")["spec"]["groups"].clone();
        let groups = groups.as_array().unwrap().clone();
        let rules = groups
            .iter()
            .flat_map(|g| g["rules"].as_array().unwrap().clone());
        rules
            .filter(|r| r.get("alert").is_some())
            .collect::<Vec<_>>()
    };
    let names = |alerts: &[Value]| {
        let names = alerts
            .iter()
            .map(|a| a["alert"].as_str().unwrap().to_owned());
        names.collect::<BTreeSet<_>>()
    };
    let (all, mine) = (alerts(&[]), alerts(&["--set", mine]));
    let missing: Vec<_> = names(&all).difference(&names(&mine)).cloned().collect();
    assert_eq!(missing, ["GCAssist"]);
    for alert in mine {
        let before = all.iter().find(|a| a["alert"] == alert["alert"]).unwrap();
        assert_eq!(alert["expr"], before["expr"]);
        assert_eq!(alert["labels"]["severity"], before["labels"]["severity"]);
        assert_eq!(alert["labels"]["team"], "core");
        let runbook = alert["annotations"]["runbook_url"].as_str().unwrap();
        assert!(
            runbook.starts_with("https://runbooks.internal/go/"),
            "{runbook}"
        );
        let page = |url: &str| url.rsplit('/').next().unwrap().to_owned();
        let was = before["annotations"]["runbook_url"].as_str().unwrap();
        assert_eq!(page(runbook), page(was));
    }
}

#[test]
fn the_package_holds_them_and_nothing_that_belongs_elsewhere() {
    let Some(tools) = tools() else { return };
    let scratch = tempfile::tempdir().unwrap();
    let (from, to) = (
        chart().display().to_string(),
        scratch.path().display().to_string(),
    );
    let output = tools.helm(&["package", &from, "--destination", &to]);
    assert!(output.status.success(), "{}", said(&output));
    let package = scratch
        .path()
        .join(concat!("gotracer-", env!("CARGO_PKG_VERSION"), ".tgz"));
    let listed = Command::new("tar")
        .arg("tf")
        .arg(&package)
        .output()
        .unwrap();
    let listed = String::from_utf8(listed.stdout).unwrap();
    for (directory, ending, inside) in [
        ("dashboards", "json", "dashboards"),
        ("config/prometheus", "yml", "rules"),
    ] {
        for file in files(directory, ending) {
            let name = file.file_name().unwrap().to_str().unwrap();
            let path = format!("gotracer/files/{inside}/{name}\n");
            assert!(listed.contains(&path), "no {path} in\n{listed}");
        }
    }
    let known = [
        "Chart.yaml",
        "values.yaml",
        "values.schema.json",
        "README.md",
        ".helmignore",
    ];
    for path in listed.lines() {
        let path = path.strip_prefix("gotracer/").unwrap();
        let file = path.ends_with(".json") || path.ends_with(".yml");
        let belongs = known.contains(&path)
            || path.starts_with("templates/")
            || (path.starts_with("files/") && path.matches('/').count() == 2 && file);
        assert!(belongs, "{path} is in the package");
    }
    // Whoever has the package alone can follow its links: none leads to another file of the repository.
    let readme = fs::read_to_string(chart().join("README.md")).unwrap();
    let links = readme.match_indices("](").map(|(at, _)| &readme[at + 2..]);
    let links = links.map(|rest| rest.split(')').next().unwrap());
    for link in links {
        let own = known.contains(&link) || link.starts_with('#');
        assert!(link.starts_with("https://") || own, "{link}");
    }
    // It is as good as the directory.
    let rendered = |chart: &std::path::Path| tools.template(chart, &["--set", BOTH]).unwrap();
    assert_eq!(rendered(&package), rendered(&chart()));
}
