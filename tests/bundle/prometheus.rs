//! A real Prometheus, and its API.

use std::fmt::Display;
use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::UNIX_EPOCH;

use serde_json::Value;

use crate::boards::list;
use crate::support::daemon::{Running, Scratch, eventually_or, free_address, get, program};

/// One that scrapes a gotracer.
pub(crate) struct Prometheus {
    process: Running,
}

/// A series of a result: its labels, and its samples as time and value.
pub(crate) struct Series {
    pub labels: Value,
    pub samples: Vec<(f64, f64)>,
}

/// Now, as Prometheus has it.
pub(crate) fn now() -> f64 {
    UNIX_EPOCH.elapsed().unwrap().as_secs_f64()
}

impl Prometheus {
    /// Starts it; `None` where there is none.
    pub(crate) fn start(
        scratch: &Scratch,
        gotracer: &str,
        rules: &[PathBuf],
        alertmanager: Option<&str>,
    ) -> Option<Self> {
        let alerting = alertmanager.map(|to| {
            format!("alerting: {{alertmanagers: [{{static_configs: [{{targets: ['{to}']}}]}}]}}")
        });
        let scrape = format!(
            "- job_name: gotracer
  honor_labels: true
  static_configs: [{{targets: ['{gotracer}']}}]
"
        );
        Self::with(scratch, &scrape, rules, &alerting.unwrap_or_default())
    }

    /// Starts one with these scrape configs and rules; `None` where there is none.
    pub(crate) fn configured(scratch: &Scratch, scrape: &str, rules: &[PathBuf]) -> Option<Self> {
        Self::with(scratch, scrape, rules, "")
    }

    fn with(scratch: &Scratch, scrape: &str, rules: &[PathBuf], more: &str) -> Option<Self> {
        let binary = program("prometheus")?;
        let address = free_address();
        let config = scratch.path().join("prometheus.yml");
        let yaml = format!(
            "
global: {{scrape_interval: 250ms, scrape_timeout: 250ms, evaluation_interval: 250ms}}
rule_files: {rules:?}
scrape_configs:
{scrape}
{more}
"
        );
        fs::write(&config, yaml).unwrap();
        let data = scratch.path().join("prometheus");
        let mut command = Command::new(binary);
        command
            .arg(format!("--config.file={}", config.display()))
            .arg(format!("--storage.tsdb.path={}", data.display()))
            .arg(format!("--web.listen-address={address}"));
        let log = scratch.path().join("prometheus.log");
        let mut process = Running::start(&mut command, address, log);
        process.wait_ready();
        Some(Self { process })
    }

    fn ask(&self, path: &str, parameters: &[(&str, &dyn Display)]) -> Value {
        let mut query = form_urlencoded::Serializer::new(String::new());
        for (name, value) in parameters {
            query.append_pair(name, &value.to_string());
        }
        let path = format!("/api/v1/{path}?{}", query.finish());
        let answer = get(&self.process.address, &path, "").unwrap();
        let mut answer: Value = serde_json::from_slice(&answer.body).unwrap();
        assert_eq!(answer["status"], "success", "{path}: {answer}");
        answer["data"].take()
    }

    /// The result at a time.
    pub(crate) fn instant(&self, expr: &str, time: f64) -> Vec<Series> {
        let data = self.ask("query", &[("query", &expr), ("time", &time)]);
        let result = list(&data["result"]).iter();
        let series = result.map(|series| Series {
            labels: series["metric"].clone(),
            samples: ["value", "histogram"]
                .into_iter()
                .filter(|kind| !series[kind].is_null())
                .map(|kind| sample(&series[kind]))
                .collect(),
        });
        series.collect()
    }

    /// Waits until a query has a result. Returns the time of the result.
    pub(crate) fn wait(&self, expr: &str) -> f64 {
        let there = || {
            let time = now();
            (!self.instant(expr, time).is_empty()).then_some(time)
        };
        eventually_or(expr, || self.process.log(), there)
    }

    /// The results from one time to another, every `step` seconds.
    pub(crate) fn range(&self, expr: &str, from: f64, to: f64, step: f64) -> Vec<Series> {
        let parameters: [(&str, &dyn Display); 4] = [
            ("query", &expr),
            ("start", &from),
            ("end", &to),
            ("step", &step),
        ];
        let data = self.ask("query_range", &parameters);
        let result = list(&data["result"]).iter();
        let series = result.map(|series| Series {
            labels: series["metric"].clone(),
            samples: ["values", "histograms"]
                .into_iter()
                .flat_map(|kind| list(&series[kind]).iter().map(sample))
                .collect(),
        });
        series.collect()
    }

    /// The values of a label of the series that a selector finds.
    pub(crate) fn values(&self, label: &str, selector: &str) -> Vec<String> {
        let data = self.ask(&format!("label/{label}/values"), &[("match[]", &selector)]);
        serde_json::from_value(data).unwrap()
    }

    /// The alerts of a name.
    pub(crate) fn alerts(&self, name: &str) -> Vec<Value> {
        let data = self.ask("alerts", &[]);
        let alerts = list(&data["alerts"]).iter();
        let named = alerts.filter(|alert| alert["labels"]["alertname"] == name);
        named.cloned().collect()
    }

    /// What it says of its rules' health: those that can't be evaluated.
    pub(crate) fn ill_rules(&self) -> Vec<Value> {
        let data = self.ask("rules", &[]);
        let groups = list(&data["groups"]);
        let rules = groups.iter().flat_map(|group| list(&group["rules"]));
        rules
            .filter(|rule| rule["health"] == "err")
            .cloned()
            .collect()
    }
}

/// Time and value; of a native histogram, its count.
fn sample(json: &Value) -> (f64, f64) {
    let value = json[1].as_str().or(json[1]["count"].as_str());
    (json[0].as_f64().unwrap(), value.unwrap().parse().unwrap())
}
