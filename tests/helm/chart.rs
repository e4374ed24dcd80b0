//! The chart as a whole: lint, documentation, and what is in its package.

use std::process::Command;

use crate::tools::{chart, examples, repository, said, tools};

#[test]
fn every_example_passes_lint() {
    let Some(tools) = tools() else { return };
    let chart = chart().display().to_string();
    for (name, file) in examples() {
        let output = tools.helm(&["lint", "--strict", &chart, "--values", &file]);
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{name}: {text}");
        assert!(!text.contains("[WARNING]"), "{name}: {text}");
    }
}

#[test]
fn what_is_rendered_is_as_it_was() {
    let Some(tools) = tools() else { return };
    for (name, file) in examples() {
        // Rules and dashboards have tests of their own.
        let without = "prometheusRule.enabled=false,dashboards.enabled=false";
        let options = ["--values", &file, "--set", without];
        insta::assert_snapshot!(name, tools.template(&chart(), &options).unwrap());
    }
}

#[test]
fn the_readme_lists_the_values_as_they_are() {
    let Some(tools) = tools() else { return };
    let output = Command::new(tools.path("helm-docs"))
        .args(["--dry-run", "--sort-values-order=file", "--log-level=error"])
        .arg(format!("--chart-search-root={}", chart().display()))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", said(&output));
    let generated = String::from_utf8(output.stdout).unwrap();
    let silent: Vec<_> = generated.lines().filter(|l| l.ends_with("|  |")).collect();
    assert_eq!(silent, [""; 0], "values without a description");
    let path = chart().join("README.md");
    if std::env::var_os("INSTA_UPDATE").is_some_and(|v| v == "always") {
        std::fs::write(&path, format!("{}\n", generated.trim_end())).unwrap();
    }
    let readme = std::fs::read_to_string(path).unwrap();
    let same = readme.trim_end() == generated.trim_end();
    assert!(
        same,
        "INSTA_UPDATE=always cargo test --test helm writes it anew"
    );
}

#[test]
fn the_version_is_that_of_the_program() {
    let yaml = std::fs::read_to_string(repository("helm/gotracer/Chart.yaml")).unwrap();
    let version = env!("CARGO_PKG_VERSION");
    assert!(
        yaml.contains(&format!("\nappVersion: {version}\n")),
        "{yaml}"
    );
}

#[test]
fn the_chart_has_what_artifact_hub_shows() {
    let yaml = std::fs::read_to_string(repository("helm/gotracer/Chart.yaml")).unwrap();
    let chart: serde_json::Value = serde_saphyr::from_str(&yaml).unwrap();
    let address = env!("CARGO_PKG_REPOSITORY");
    assert_eq!(chart["home"], address);
    assert_eq!(chart["sources"][0], address);
    assert!(chart["maintainers"][0]["name"].is_string());
    assert!(chart["keywords"].as_array().is_some_and(|k| !k.is_empty()));
    let annotations = &chart["annotations"];
    assert_eq!(
        annotations["artifacthub.io/license"],
        env!("CARGO_PKG_LICENSE")
    );
    assert!(annotations["artifacthub.io/links"].is_string());
}
