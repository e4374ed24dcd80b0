//! The chart `helm/gotracer`, by a real Helm and a real API server of
//! Kubernetes.
#![cfg(all(feature = "daemon", unix))]

mod chart;
mod cluster;
mod example;
mod files;
mod identity;
#[path = "../kubernetes/cluster.rs"]
mod kubernetes;
mod rights;
mod shapes;
mod tools;
mod values;
