//! `helm/example`: a chart of a user's own that includes the sidecar.

use std::fs;
use std::path::{Path, PathBuf};

use crate::tools::{Tools, repository, said, tools};

/// The example with the chart it needs, in a directory of its own.
pub(crate) fn example(tools: &Tools, directory: &Path) -> PathBuf {
    let copy = directory.join("example");
    fs::create_dir_all(copy.join("templates")).unwrap();
    for file in ["Chart.yaml", "values.yaml", "templates/deployment.yaml"] {
        fs::copy(repository("helm/example").join(file), copy.join(file)).unwrap();
    }
    let here = format!("file://{}", repository("helm/gotracer").display());
    let yaml = fs::read_to_string(copy.join("Chart.yaml")).unwrap();
    let yaml = yaml.replace("file://../gotracer", &here);
    fs::write(copy.join("Chart.yaml"), yaml).unwrap();
    let path = copy.display().to_string();
    let output = tools.helm(&["dependency", "update", "--skip-refresh", &path]);
    assert!(output.status.success(), "{}", said(&output));
    copy
}

#[test]
fn what_the_example_becomes_is_in_the_repository() {
    let Some(tools) = tools() else { return };
    let scratch = tempfile::tempdir().unwrap();
    let rendered = tools
        .template(&example(tools, scratch.path()), &[])
        .unwrap();
    let path = repository("helm/example/rendered.yaml");
    if std::env::var_os("INSTA_UPDATE").is_some_and(|v| v == "always") {
        fs::write(&path, &rendered).unwrap();
    }
    let same = fs::read_to_string(path).is_ok_and(|text| text == rendered);
    assert!(
        same,
        "INSTA_UPDATE=always cargo test --test helm writes it anew:\n{rendered}"
    );
}

#[test]
fn a_dependency_that_is_no_sidecar_or_a_cluster_without_them_is_refused() {
    let Some(tools) = tools() else { return };
    let scratch = tempfile::tempdir().unwrap();
    let chart = example(tools, scratch.path());
    let other = ["--set", "gotracer.mode=deployment,gotracer.targets={a:1}"];
    let refused = tools.template(&chart, &other).unwrap_err();
    assert!(refused.contains("set mode to sidecar"), "{refused}");
    let refused = tools
        .template(&chart, &["--kube-version=1.28.0"])
        .unwrap_err();
    assert!(refused.contains("from 1.29 on"), "{refused}");
}
