//! The resource: the traced service, not the daemon.

use std::collections::BTreeMap;

use opentelemetry::KeyValue;
use opentelemetry_sdk::Resource;

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
    made_of(attributes)
}

/// gotracer itself, with what the environment says of all resources.
pub fn own(base: &[(String, String)]) -> Resource {
    let base = base.iter().map(|(name, value)| (&**name, &**value));
    let mut attributes: BTreeMap<&str, &str> = base.collect();
    attributes.insert("service.name", "gotracer");
    attributes.insert("service.version", env!("CARGO_PKG_VERSION"));
    made_of(attributes)
}

fn made_of(attributes: BTreeMap<&str, &str>) -> Resource {
    let pairs = attributes.into_iter();
    let pairs = pairs.map(|(name, value)| KeyValue::new(name.to_owned(), value.to_owned()));
    Resource::builder_empty().with_attributes(pairs).build()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attribute(resource: &Resource, name: &str) -> String {
        let found = resource.iter().find(|(key, _)| key.as_str() == name);
        found.map_or(String::new(), |(_, value)| value.to_string())
    }

    #[test]
    fn labels_have_the_names_of_the_conventions() {
        let mut trace = crate::report::sample::report("a").trace;
        trace.go_version = Some("1.26".into());
        let base = [("k8s.cluster.name", "all"), ("team", "shop")];
        let base = base.map(|(n, v)| (n.to_string(), v.to_string()));
        let labels: Labels = NAMES
            .iter()
            .filter(|(label, _)| *label != "environment")
            .map(|(label, _)| (*label, format!("the {label}")))
            .chain([("job", "j".into()), ("__address__", "hidden".into())])
            .chain([("shard", "7".into())])
            .collect();
        let resource = of(&labels, &trace, &base);
        for (label, name) in NAMES.iter().filter(|(label, _)| *label != "environment") {
            assert_eq!(attribute(&resource, name), format!("the {label}"), "{name}");
        }
        for (name, value) in [
            ("process.runtime.name", "go"),
            ("process.runtime.version", "1.26"),
            ("team", "shop"),
            ("job", "j"),
            ("shard", "7"),
            ("__address__", ""),
        ] {
            assert_eq!(attribute(&resource, name), value, "{name}");
        }
    }

    #[test]
    fn a_service_without_a_name_is_its_job() {
        let trace = crate::report::sample::report("a").trace;
        let name = |labels: Labels, base: &[(String, String)]| {
            attribute(&of(&labels, &trace, base), "service.name")
        };
        let base = [("service.name".to_string(), "env".to_string())];
        assert_eq!(name(Labels::new(), &[]), "unknown_service");
        assert_eq!(name(Labels::new(), &base), "env");
        assert_eq!(name(Labels::new().with("job", "api"), &base), "api");
        let both = Labels::new().with("job", "api").with("service", "cart");
        assert_eq!(name(both, &base), "cart");
        assert_eq!(attribute(&own(&base), "service.name"), "gotracer");
    }
}
