//! `kubernetes_sd_configs`: targets from a Kubernetes API server, with the
//! syntax and labels of Prometheus.

mod endpointslice;
mod meta;
mod node;
mod pod;
mod service;
#[cfg(test)]
mod tests;
mod watch;

use std::path::PathBuf;

use futures_util::future::BoxFuture;
use hyper::header::{HeaderValue, USER_AGENT};
use kube::config::{KubeConfigOptions, Kubeconfig};
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc::Sender;

use super::mechanism::Mechanism;
use super::refresh::Update;
use crate::cause::deepest;
use crate::source::http::FieldError;

/// One entry of `kubernetes_sd_configs`.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct KubernetesSd {
    role: Role,
    /// Server and credentials. By default, those of the pod's service account.
    #[serde(skip_serializing_if = "Option::is_none")]
    kubeconfig_file: Option<PathBuf>,
    #[serde(default, skip_serializing_if = "Namespaces::are_all")]
    namespaces: Namespaces,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    selectors: Vec<Selector>,
}

/// Kind of object that becomes a target.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
enum Role {
    EndpointSlice,
    Node,
    Pod,
    Service,
}

/// Namespaces to watch; by default all.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
struct Namespaces {
    own_namespace: bool,
    names: Vec<String>,
}

/// Label and field selectors for the objects of a role.
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

    /// Returns the roles whose objects are watched for its targets.
    fn needs(self) -> &'static [Self] {
        match self {
            Self::EndpointSlice => &[Self::EndpointSlice, Self::Service, Self::Pod],
            Self::Node => &[Self::Node],
            Self::Pod => &[Self::Pod],
            Self::Service => &[Self::Service],
        }
    }
}

impl Mechanism for KubernetesSd {
    fn check(&self) -> Result<(), FieldError> {
        let error = |why: String| Err(FieldError::new("kubernetes_sd_configs", why));
        if self.namespaces.own_namespace && self.kubeconfig_file.is_some() {
            return error(
                "own_namespace needs a pod's service account and cannot be used with kubeconfig_file".into(),
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

    fn check_files(&self, _: &mut dyn FnMut(FieldError)) -> Result<(), FieldError> {
        self.kubeconfig()
            .map(drop)
            .map_err(|why| FieldError::new("kubernetes_sd_configs", why))
    }

    fn follow(&self, updates: Sender<Update>) -> BoxFuture<'_, ()> {
        Box::pin(self.run(updates))
    }
}

impl KubernetesSd {
    fn kubeconfig(&self) -> Result<Option<Kubeconfig>, String> {
        let read = |path: &PathBuf| {
            let error = |e| format!("{}: {}", path.display(), deepest(&e));
            Kubeconfig::read_from(path).map_err(error)
        };
        self.kubeconfig_file.as_ref().map(read).transpose()
    }

    /// Reads the client configuration from the files.
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

    /// Returns the namespaces to watch; `None` means all.
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
