//! `kubernetes_sd_configs`: what an API server of Kubernetes knows, in the
//! words of Prometheus.

mod endpointslice;
mod meta;
mod node;
mod pod;
mod service;
#[cfg(test)]
mod tests;
mod watch;

use std::path::PathBuf;

use hyper::header::{HeaderValue, USER_AGENT};
use kube::config::{KubeConfigOptions, Kubeconfig};
use serde::{Deserialize, Serialize};

use crate::source::http::{FieldError, deepest};

/// One entry of `kubernetes_sd_configs`.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct KubernetesSd {
    role: Role,
    /// Whom to ask and who we are, if not as a pod of the cluster.
    #[serde(skip_serializing_if = "Option::is_none")]
    kubeconfig_file: Option<PathBuf>,
    #[serde(default, skip_serializing_if = "Namespaces::are_all")]
    namespaces: Namespaces,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    selectors: Vec<Selector>,
}

/// What is to be found.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
enum Role {
    EndpointSlice,
    Node,
    Pod,
    Service,
}

/// Where to look; everywhere if it says nothing.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
struct Namespaces {
    own_namespace: bool,
    names: Vec<String>,
}

/// Which of the objects of a role to ask for.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Selector {
    role: Role,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    label: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    field: String,
}

impl Namespaces {
    fn are_all(&self) -> bool {
        *self == Self::default()
    }
}

impl Role {
    fn name(self) -> &'static str {
        match self {
            Self::EndpointSlice => "endpointslice",
            Self::Node => "node",
            Self::Pod => "pod",
            Self::Service => "service",
        }
    }

    /// What has to be known for its targets.
    fn needs(self) -> &'static [Self] {
        match self {
            Self::EndpointSlice => &[Self::EndpointSlice, Self::Service, Self::Pod],
            Self::Node => &[Self::Node],
            Self::Pod => &[Self::Pod],
            Self::Service => &[Self::Service],
        }
    }
}

impl KubernetesSd {
    pub(super) fn check(&self) -> Result<(), FieldError> {
        let error = |why: String| Err(FieldError::new("kubernetes_sd_configs", why));
        if self.namespaces.own_namespace && self.kubeconfig_file.is_some() {
            return error(
                "own_namespace is that of a pod, and kubeconfig_file is for who is none".into(),
            );
        }
        for (i, selector) in self.selectors.iter().enumerate() {
            let (role, of) = (self.role.name(), selector.role.name());
            if !self.role.needs().contains(&selector.role) {
                return error(format!(
                    "role {role} has no use for a selector of role {of}"
                ));
            }
            if self
                .selectors
                .iter()
                .take(i)
                .any(|s| s.role == selector.role)
            {
                return error(format!("a second selector of role {of}"));
            }
        }
        Ok(())
    }

    /// Whether the file that it names can be used. Blocks.
    pub(super) fn check_files(&self) -> Result<(), FieldError> {
        self.kubeconfig()
            .map(drop)
            .map_err(|why| FieldError::new("kubernetes_sd_configs", why))
    }

    fn kubeconfig(&self) -> Result<Option<Kubeconfig>, String> {
        let read = |path: &PathBuf| {
            let error = |e| format!("{}: {}", path.display(), deepest(&e));
            Kubeconfig::read_from(path).map_err(error)
        };
        self.kubeconfig_file.as_ref().map(read).transpose()
    }

    /// How to reach the API server, as the files have it now.
    async fn config(&self) -> Result<kube::Config, String> {
        let own = self.clone();
        let read = tokio::task::spawn_blocking(move || own.kubeconfig()).await;
        let mut config = match read.map_err(|e| e.to_string())?? {
            Some(kubeconfig) => {
                let current = KubeConfigOptions::default();
                let config = kube::Config::from_custom_kubeconfig(kubeconfig, &current).await;
                config.map_err(|e| deepest(&e))?
            }
            None => kube::Config::incluster().map_err(|e| {
                let why = deepest(&e);
                format!(
                    "this is no pod with a service account ({why}), and kubeconfig_file is not set"
                )
            })?,
        };
        let agent = concat!("gotracer/", env!("CARGO_PKG_VERSION"));
        let agent = (USER_AGENT, HeaderValue::from_static(agent));
        config.headers.push(agent);
        Ok(config)
    }

    /// The namespaces to look in; none stands for all.
    fn within(&self, own: &str) -> Vec<Option<String>> {
        let own = self.namespaces.own_namespace.then(|| own.to_owned());
        let names = self.namespaces.names.iter().cloned();
        let mut all: Vec<_> = names.chain(own).map(Some).collect();
        all.sort();
        all.dedup();
        match all.is_empty() {
            true => vec![None],
            false => all,
        }
    }
}
