//! The chart `helm/gotracer`, by a real Helm and a real API server of
//! Kubernetes.
#![cfg(all(feature = "daemon", unix))]

#[path = "../support/mod.rs"]
mod support;

mod chart;
mod cluster;
mod example;
mod files;
mod identity;
mod rights;
mod score;
mod shapes;
mod tools;
mod values;
