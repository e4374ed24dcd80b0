//! Labels of Kubernetes objects, named as in Prometheus.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use super::super::group::Group;

/// Labels that begin with `__meta_kubernetes_`.
#[derive(Clone, Default)]
pub(super) struct Meta(BTreeMap<String, String>);

impl Meta {
    /// Creates the labels of a namespaced object.
    pub(super) fn within(object: &ObjectMeta) -> Self {
        let mut meta = Self::default();
        meta.set("namespace", object.namespace.as_deref().unwrap_or_default());
        meta
    }

    /// Sets a label unless the value is empty.
    pub(super) fn set(&mut self, name: &str, value: impl Into<String>) {
        let value = value.into();
        if !value.is_empty() {
            self.0.insert(format!("__meta_kubernetes_{name}"), value);
        }
    }

    /// Sets a label if there is a value.
    pub(super) fn maybe(&mut self, name: &str, value: Option<impl Into<String>>) {
        if let Some(value) = value {
            self.set(name, value);
        }
    }

    /// Adds an object's name, labels and annotations.
    pub(super) fn object(&mut self, kind: &str, object: &ObjectMeta) {
        self.maybe(&format!("{kind}_name"), object.name.as_deref());
        let parts = [
            ("label", &object.labels),
            ("annotation", &object.annotations),
        ];
        for (part, pairs) in parts {
            for (name, value) in pairs.iter().flatten() {
                self.pair(
                    &format!("{kind}_{part}"),
                    &format!("{kind}_{part}present"),
                    name,
                    value,
                );
            }
        }
    }

    /// Adds a label or annotation of an object, and a label for its presence.
    pub(super) fn pair(&mut self, prefix: &str, present: &str, name: &str, value: &str) {
        let name = sanitized(name);
        self.set(&format!("{present}_{name}"), "true");
        self.set(&format!("{prefix}_{name}"), value);
    }

    /// Adds all labels of `other`.
    pub(super) fn extend(&mut self, other: &Self) {
        let pairs = other.0.iter().map(|(n, v)| (n.clone(), v.clone()));
        self.0.extend(pairs);
    }

    /// Creates the target group with these labels.
    pub(super) fn at(self, address: String) -> Group {
        Group {
            targets: vec![address],
            labels: self.0,
        }
    }
}

/// Replaces characters that label names must not contain.
pub(super) fn sanitized(name: &str) -> String {
    let allowed = |c: char| c.is_ascii_alphanumeric() || c == '_';
    name.chars()
        .map(|c| if allowed(c) { c } else { '_' })
        .collect()
}

/// Formats a host or IP address with a port.
pub(super) fn address(host: &str, port: i32) -> String {
    match host.contains(':') {
        true => format!("[{host}]:{port}"),
        false => format!("{host}:{port}"),
    }
}
