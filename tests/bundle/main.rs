//! What comes with gotracer for Prometheus, Alertmanager and Grafana: rules,
//! runbooks and dashboards, on the real things and on real traces.
#![cfg(all(feature = "daemon", unix))]

#[path = "../support/mod.rs"]
mod support;

mod addresses;
mod alerting;
mod boards;
mod custom;
mod flapping;
mod fleet;
mod identity;
mod installation;
mod mixed;
mod mixin;
mod pictures;
mod prometheus;
mod rules;
mod server;
mod types;
mod uploads;

use std::fs;
use std::path::{Path, PathBuf};

/// A path of the repository.
fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// What stands in a file of the repository.
fn read(path: &str) -> String {
    let path = repository(path);
    fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}
