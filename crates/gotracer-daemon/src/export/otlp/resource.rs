//! Resources: the traced service for its findings and metrics, and gotracer for its own metrics.

use std::collections::BTreeMap;
use std::net::IpAddr;

use opentelemetry::KeyValue;
use opentelemetry_sdk::Resource;

use crate::labels::Labels;

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

/// Version of the semantic conventions that attributes are named by.
pub(super) const SCHEMA: &str = "https://opentelemetry.io/schemas/1.37.0";

/// The resource of a target. `base` holds the attributes of the environment; labels override them.
/// A target without the label `service` is its job, as in Prometheus' own translation, or else the
/// unknown service.
pub(super) fn of(target: &Labels, base: &[(String, String)]) -> Resource {
    let mut attributes: BTreeMap<&str, &str> = BTreeMap::new();
    attributes.insert("service.name", "unknown_service");
    attributes.insert("process.runtime.name", "go");
    for (name, value) in base {
        attributes.insert(name, value);
    }
    if !target.chosen_job().is_empty() {
        attributes.insert("service.name", target.chosen_job());
    }
    for (label, value) in target.iter().filter(|(n, _)| !n.starts_with("__")) {
        let known = NAMES.iter().find(|(name, _)| *name == label);
        let name = known.map_or(label, |(_, name)| name);
        // The address of a sidecar's program is the same in every pod.
        if name == INSTANCE && is_loopback(value) && attributes.contains_key(INSTANCE) {
            continue;
        }
        attributes.insert(name, value);
    }
    made_of(attributes)
}

const INSTANCE: &str = "service.instance.id";

fn is_loopback(instance: &str) -> bool {
    let host = instance.rsplit_once(':').map_or(instance, |(host, _)| host);
    let host = host.trim_matches(['[', ']']);
    let address = host.parse::<IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

/// The resource of gotracer itself. `base` holds the attributes of the environment, `instance`
/// identifies this gotracer if they do not.
pub(super) fn own(base: &[(String, String)], instance: &str) -> Resource {
    let base = base.iter().map(|(name, value)| (&**name, &**value));
    let mut attributes: BTreeMap<&str, &str> = base.collect();
    attributes.insert("service.name", "gotracer");
    attributes.insert("service.version", env!("CARGO_PKG_VERSION"));
    attributes.entry(INSTANCE).or_insert(instance);
    made_of(attributes)
}

fn made_of(attributes: BTreeMap<&str, &str>) -> Resource {
    let pairs = attributes.into_iter();
    let pairs = pairs.map(|(name, value)| KeyValue::new(name.to_owned(), value.to_owned()));
    Resource::builder_empty()
        .with_schema_url(pairs, SCHEMA)
        .build()
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
        let base = [("k8s.cluster.name", "all"), ("team", "shop")];
        let base = base.map(|(n, v)| (n.to_string(), v.to_string()));
        let labels: Labels = NAMES
            .iter()
            .filter(|(label, _)| *label != "environment")
            .map(|(label, _)| (*label, format!("the {label}")))
            .chain([("job", "j".into()), ("__address__", "hidden".into())])
            .chain([("shard", "7".into())])
            .collect();
        let resource = of(&labels, &base);
        for (label, name) in NAMES.iter().filter(|(label, _)| *label != "environment") {
            assert_eq!(attribute(&resource, name), format!("the {label}"), "{name}");
        }
        for (name, value) in [
            ("process.runtime.name", "go"),
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
        let name = |labels: Labels, base: &[(String, String)]| {
            attribute(&of(&labels, base), "service.name")
        };
        let base = [("service.name".to_string(), "env".to_string())];
        assert_eq!(name(Labels::new(), &[]), "unknown_service");
        assert_eq!(name(Labels::new(), &base), "env");
        assert_eq!(name(Labels::new().with("job", "api"), &base), "api");
        let both = Labels::new().with("job", "api").with("service", "cart");
        assert_eq!(name(both, &base), "cart");
        assert_eq!(attribute(&own(&base, "here:1"), "service.name"), "gotracer");
    }

    #[test]
    fn a_loopback_address_identifies_no_instance_where_the_environment_does() {
        let base = [(INSTANCE.to_string(), "pod-7".to_string())];
        for (instance, with_base) in [
            ("localhost:6060", "pod-7"),
            ("127.0.0.1:6060", "pod-7"),
            ("[::1]:6060", "pod-7"),
            ("10.0.0.7:6060", "10.0.0.7:6060"),
        ] {
            let labels = Labels::new().with("instance", instance);
            assert_eq!(attribute(&of(&labels, &base), INSTANCE), with_base);
            assert_eq!(attribute(&of(&labels, &[]), INSTANCE), instance);
        }
        assert_eq!(attribute(&own(&base, "here:1"), INSTANCE), "pod-7");
        assert_eq!(attribute(&own(&[], "here:1"), INSTANCE), "here:1");
    }
}
