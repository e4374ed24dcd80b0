//! An OpenTelemetry Collector that writes what it receives to files.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use serde_json::Value;

use crate::support::certificates::Certificate;
use crate::support::daemon::{Running, Scratch, eventually_or, free_address, program};
use crate::support::once;

/// Where it listens.
pub(crate) struct Ports {
    pub grpc: String,
    pub http: String,
    /// For scrapes.
    pub scrapes: String,
}

impl Ports {
    pub(crate) fn free() -> Self {
        Self {
            grpc: free_address(),
            http: free_address(),
            scrapes: free_address(),
        }
    }
}

/// How it receives, as YAML.
#[derive(Default)]
pub(crate) struct Options<'a> {
    /// More of both protocols, such as TLS.
    pub protocols: &'a str,
    /// What of log records is refused.
    pub moody: &'a str,
}

/// A Collector that runs.
pub(crate) struct Collector {
    process: Running,
    out: PathBuf,
}

impl Collector {
    /// One, if Go is there to build it.
    pub(crate) fn start(scratch: &Scratch, ports: &Ports) -> Option<Self> {
        Self::start_with(scratch, ports, &Options::default())
    }

    /// One that receives over TLS, with `more` settings of it.
    pub(crate) fn start_secure(
        scratch: &Scratch,
        ports: &Ports,
        server: &Certificate,
        more: &str,
    ) -> Option<Self> {
        let protocols = format!(
            "tls: {{cert_file: '{}', key_file: '{}'{more}}}",
            server.cert, server.key
        );
        let options = Options {
            protocols: &protocols,
            ..Options::default()
        };
        Self::start_with(scratch, ports, &options)
    }

    /// One that receives in a special way.
    pub(crate) fn start_with(
        scratch: &Scratch,
        ports: &Ports,
        options: &Options<'_>,
    ) -> Option<Self> {
        let binary = build()?;
        let Options { protocols, moody } = options;
        let out = scratch.directory("collector");
        let config = out.join("config.yml");
        let file = |name: &str| out.join(name).display().to_string();
        let yaml = format!(
            "
receivers:
  otlp:
    protocols:
      grpc: {{endpoint: '{}', include_metadata: true, {protocols}}}
      http: {{endpoint: '{}', include_metadata: true, {protocols}}}
processors:
  moody: {{{moody}}}
exporters:
  file/logs: {{path: '{}'}}
  file/metrics: {{path: '{}'}}
  file/traces: {{path: '{}'}}
  prometheus: {{endpoint: '{}'}}
service:
  telemetry: {{metrics: {{level: none}}}}
  pipelines:
    logs: {{receivers: [otlp], processors: [moody], exporters: [file/logs]}}
    metrics: {{receivers: [otlp], exporters: [file/metrics, prometheus]}}
    traces: {{receivers: [otlp], exporters: [file/traces]}}
",
            ports.grpc,
            ports.http,
            file("logs"),
            file("metrics"),
            file("traces"),
            ports.scrapes
        );
        fs::write(&config, yaml).unwrap();
        let mut command = Command::new(binary);
        command
            .arg("--config")
            .arg(format!("file:{}", config.display()));
        let process = Running::start(&mut command, ports.http.clone(), out.join("stderr"));
        eventually_or(
            "the Collector listens",
            || process.log(),
            || process.log().contains("Everything is ready").then_some(()),
        );
        Some(Self { process, out })
    }

    /// So many log records, each with its resource and scope.
    pub(crate) fn logs(&self, count: usize) -> Vec<(Value, Value, Value)> {
        let found = eventually_or(
            "the findings arrive",
            || self.process.log(),
            || Some(self.all_logs()).filter(|found| found.len() >= count),
        );
        assert_eq!(found.len(), count);
        found
    }

    /// The first log record for which `holds` does.
    pub(crate) fn log(&self, holds: impl Fn(&Value) -> bool) -> Value {
        let found = || self.all_logs().into_iter().find(|(.., log)| holds(log));
        let what = "a certain finding arrives";
        eventually_or(what, || self.process.log(), found).2
    }

    fn all_logs(&self) -> Vec<(Value, Value, Value)> {
        let mut found = Vec::new();
        for resource in self.read("logs", "resourceLogs") {
            for scope in resource["scopeLogs"].as_array().unwrap() {
                for record in scope["logRecords"].as_array().unwrap() {
                    let of = resource["resource"].clone();
                    found.push((of, scope["scope"].clone(), record.clone()));
                }
            }
        }
        found
    }

    /// The last metrics of a service for which `complete` holds.
    pub(crate) fn metrics(&self, service: &str, complete: impl Fn(&Value) -> bool) -> Value {
        let last = || {
            let all = self.all_metrics(service).into_iter();
            all.rev().find(|metrics| complete(metrics))
        };
        eventually_or("the metrics arrive", || self.process.log(), last)
    }

    /// All metrics of a service, in the order in which they came.
    pub(crate) fn all_metrics(&self, service: &str) -> Vec<Value> {
        let mut all = self.read("metrics", "resourceMetrics");
        all.retain(|batch| attribute(&batch["resource"], "service.name") == service);
        all
    }

    /// So many batches of spans.
    pub(crate) fn spans(&self, count: usize) -> Vec<Value> {
        self.batches("traces", "resourceSpans", count)
    }

    fn batches(&self, file: &str, key: &str, count: usize) -> Vec<Value> {
        let enough = || Some(self.read(file, key)).filter(|found| found.len() >= count);
        eventually_or(&format!("{file} arrive"), || self.process.log(), enough)
    }

    fn read(&self, file: &str, key: &str) -> Vec<Value> {
        let text = fs::read_to_string(self.out.join(file)).unwrap_or_default();
        // The last line may be half written.
        let lines = text.split_inclusive('\n').filter(|l| l.ends_with('\n'));
        let lines = lines.map(|l| serde_json::from_str::<Value>(l).unwrap());
        lines
            .flat_map(|l| l[key].as_array().unwrap().clone())
            .collect()
    }
}

/// A metric of a batch, if it is there.
pub(crate) fn metric<'a>(batch: &'a Value, name: &str) -> Option<&'a Value> {
    let metrics = batch["scopeMetrics"][0]["metrics"].as_array().unwrap();
    metrics.iter().find(|m| m["name"] == name)
}

/// The sum of a metric's points: values, or counts of histograms.
pub(crate) fn total(batch: &Value, name: &str) -> Option<f64> {
    let metric = metric(batch, name)?;
    let kinds = ["sum", "gauge", "histogram", "exponentialHistogram"];
    let points = kinds
        .iter()
        .find_map(|kind| metric[kind]["dataPoints"].as_array());
    let values = points?.iter().map(|point| {
        let keys = ["asInt", "asDouble", "count"];
        let value = keys.iter().find_map(|key| point.get(key));
        value.map_or(0.0, number)
    });
    Some(values.sum())
}

/// A number, which may be text in the JSON of OTLP.
pub(crate) fn number(value: &Value) -> f64 {
    match value {
        Value::String(text) => text.parse().unwrap(),
        other => other.as_f64().unwrap_or(0.0),
    }
}

/// The value of an attribute; numbers, which are text in the JSON of OTLP, as
/// numbers.
pub(crate) fn attribute(of: &Value, name: &str) -> Value {
    let attributes = of["attributes"].as_array().unwrap();
    let Some(found) = attributes.iter().find(|a| a["key"] == name) else {
        return Value::Null;
    };
    let (kind, value) = found["value"].as_object().unwrap().iter().next().unwrap();
    match (kind.as_str(), value.as_str()) {
        ("intValue", Some(text)) => text.parse::<i64>().unwrap().into(),
        _ => value.clone(),
    }
}

/// Builds the collector.
pub(crate) fn build() -> Option<&'static Path> {
    static BINARY: OnceLock<Option<PathBuf>> = OnceLock::new();
    let binary = BINARY.get_or_init(|| {
        let go = program("go")?;
        Some(once::build("collector", |out| {
            let mut build = Command::new(go);
            build.args(["build", "-ldflags=-s", "-o"]).arg(out).arg(".");
            build.current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/collector"));
            build
        }))
    });
    binary.as_deref()
}
