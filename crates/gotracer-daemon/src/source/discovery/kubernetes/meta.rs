//! Labels as Prometheus makes them of what an API server tells.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use super::super::job::Group;

/// Labels that begin with `__meta_kubernetes_`.
#[derive(Clone, Default)]
pub struct Meta(BTreeMap<String, String>);

impl Meta {
    /// The labels of anything that is in a namespace.
    pub fn within(object: &ObjectMeta) -> Self {
        let mut meta = Self::default();
        meta.set("namespace", object.namespace.as_deref().unwrap_or_default());
        meta
    }

    /// Adds one; an empty one is none.
    pub fn set(&mut self, name: &str, value: impl Into<String>) {
        let value = value.into();
        if !value.is_empty() {
            self.0.insert(format!("__meta_kubernetes_{name}"), value);
        }
    }

    /// The same if there is a value.
    pub fn maybe(&mut self, name: &str, value: Option<impl Into<String>>) {
        if let Some(value) = value {
            self.set(name, value);
        }
    }

    /// An object's name, labels and annotations.
    pub fn object(&mut self, kind: &str, object: &ObjectMeta) {
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

    /// A pair whose name is not known before, and that it is there.
    pub fn pair(&mut self, prefix: &str, present: &str, name: &str, value: &str) {
        let name = sanitized(name);
        self.set(&format!("{present}_{name}"), "true");
        self.set(&format!("{prefix}_{name}"), value);
    }

    /// Adds all labels of another.
    pub fn extend(&mut self, other: &Self) {
        let pairs = other.0.iter().map(|(n, v)| (n.clone(), v.clone()));
        self.0.extend(pairs);
    }

    /// The target of these labels.
    pub fn at(self, address: String) -> Group {
        Group {
            targets: vec![address],
            labels: self.0,
        }
    }
}

/// A name as labels may have it.
pub fn sanitized(name: &str) -> String {
    let allowed = |c: char| c.is_ascii_alphanumeric() || c == '_';
    name.chars()
        .map(|c| if allowed(c) { c } else { '_' })
        .collect()
}

/// A host, or its IP address, with a port.
pub fn address(host: &str, port: i32) -> String {
    match host.contains(':') {
        true => format!("[{host}]:{port}"),
        false => format!("{host}:{port}"),
    }
}
