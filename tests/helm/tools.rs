//! The programs of others that the chart is tested with.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

pub(crate) use crate::support::kubernetes::{Tools, repository, said, tools};

impl Tools {
    /// Runs Helm with the settings of nobody.
    pub(crate) fn helm<S: AsRef<std::ffi::OsStr>>(&self, arguments: &[S]) -> Output {
        let home = Path::new(env!("CARGO_TARGET_TMPDIR")).join("helm");
        Command::new(self.path("helm"))
            .args(arguments)
            .env("HELM_CACHE_HOME", home.join("cache"))
            .env("HELM_CONFIG_HOME", home.join("config"))
            .env("HELM_DATA_HOME", home.join("data"))
            .env_remove("KUBECONFIG")
            .output()
            .unwrap()
    }

    /// What Helm makes of a chart with these options.
    pub(crate) fn template(&self, chart: &Path, options: &[&str]) -> Result<String, String> {
        let chart = chart.display().to_string();
        let fixed = ["template", "demo", &chart, "--namespace=shop"];
        let output = self.helm(&[&fixed[..], options].concat());
        match output.status.success() {
            true => Ok(String::from_utf8(output.stdout).unwrap()),
            false => Err(said(&output)),
        }
    }

    /// The same as objects.
    pub(crate) fn objects(&self, chart: &Path, options: &[&str]) -> Vec<Value> {
        let text = self.template(chart, options).unwrap();
        let documents = text.split("\n---\n").filter(|d| d.contains("kind:"));
        let parse = |d: &str| serde_saphyr::from_str(d.trim_start_matches("---\n"));
        documents.map(|d| parse(d).unwrap()).collect()
    }
}

/// The chart.
pub(crate) fn chart() -> PathBuf {
    repository("helm/gotracer")
}

/// Its files of values, one or more for each shape, by name.
pub(crate) fn examples() -> Vec<(String, String)> {
    let entries = std::fs::read_dir(chart().join("ci")).unwrap();
    let paths = entries.map(|e| e.unwrap().path().display().to_string());
    let named = paths.map(|path| {
        let name = path.rsplit('/').next().unwrap();
        (name.trim_end_matches("-values.yaml").to_owned(), path)
    });
    let mut all: Vec<_> = named.collect();
    all.sort();
    assert!(all.len() >= 4, "{all:?}");
    all
}

/// The only object of that kind.
pub(crate) fn only<'a>(objects: &'a [Value], kind: &str) -> &'a Value {
    let mut found = objects.iter().filter(|o| o["kind"] == kind);
    let first = found.next().unwrap_or_else(|| panic!("no {kind}"));
    assert!(found.next().is_none(), "two of {kind}");
    first
}
