//! The resource: the traced service, not the daemon.

use std::collections::BTreeMap;

use opentelemetry_proto::tonic::resource::v1::Resource;

use super::value::attribute;
use crate::labels::Labels;
use crate::report::TraceInfo;

/// Labels that OpenTelemetry has a name for.
const NAMES: [(&str, &str); 11] = [
    ("service", "service.name"),
    ("version", "service.version"),
    ("instance", "service.instance.id"),
    ("env", "deployment.environment.name"),
    ("environment", "deployment.environment.name"),
    ("namespace", "k8s.namespace.name"),
    ("pod", "k8s.pod.name"),
    ("container", "k8s.container.name"),
    ("node", "k8s.node.name"),
    ("deployment", "k8s.deployment.name"),
    ("cluster", "k8s.cluster.name"),
];

/// The resource of a target's trace. `base` is what the environment says of
/// all of them; a label is stronger. A target that nobody named is its job, as
/// in Prometheus' own translation, and failing that the unknown service.
pub fn of(target: &Labels, trace: &TraceInfo, base: &[(String, String)]) -> Resource {
    let mut attributes: BTreeMap<&str, &str> = BTreeMap::new();
    attributes.insert("service.name", "unknown_service");
    attributes.insert("process.runtime.name", "go");
    if let Some(version) = &trace.go_version {
        attributes.insert("process.runtime.version", version);
    }
    for (name, value) in base {
        attributes.insert(name, value);
    }
    if !target.get("job").is_empty() {
        attributes.insert("service.name", target.get("job"));
    }
    for (label, value) in target.iter().filter(|(n, _)| !n.starts_with("__")) {
        let known = NAMES.iter().find(|(name, _)| *name == label);
        attributes.insert(known.map_or(label, |(_, name)| name), value);
    }
    let attributes = attributes.into_iter();
    Resource {
        attributes: attributes
            .map(|(name, value)| attribute(name, value))
            .collect(),
        ..Resource::default()
    }
}
