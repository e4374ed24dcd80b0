//! Role `endpointslice`: a target for each address and port behind a Service,
//! with the labels of the Service and of the pod; and one for each other port
//! that such a pod declares.

use std::collections::BTreeMap;
use std::sync::Arc;

use k8s_openapi::api::core::v1::{Pod, Service};
use k8s_openapi::api::discovery::v1::{Endpoint, EndpointPort, EndpointSlice};

use super::super::group::Group;
use super::meta::{Meta, address};
use super::{pod, service};

/// Label of an EndpointSlice with the name of its Service.
const SERVICE: &str = "kubernetes.io/service-name";

/// Pods and Services by namespace and name.
pub(super) struct Backing<'a> {
    /// Looks up a pod.
    pub pod: &'a dyn Fn(&str, &str) -> Option<Arc<Pod>>,
    /// Looks up a Service.
    pub service: &'a dyn Fn(&str, &str) -> Option<Arc<Service>>,
}

/// Returns all targets of an EndpointSlice.
pub(super) fn targets(slice: &EndpointSlice, known: &Backing<'_>) -> Vec<Group> {
    let namespace = slice.metadata.namespace.as_deref().unwrap_or_default();
    let mut common = Meta::within(&slice.metadata);
    common.object("endpointslice", &slice.metadata);
    common.set("endpointslice_address_type", slice.address_type.as_str());
    let labels = slice.metadata.labels.as_ref();
    let own = labels.and_then(|labels| (known.service)(namespace, labels.get(SERVICE)?));
    if let Some(own) = own {
        common.extend(&service::labels(&own));
    }
    let ports = slice.ports.as_deref().unwrap_or_default();
    let mut targets = Vec::new();
    // Pods with the ports that already have a target.
    let mut pods = BTreeMap::<String, (Arc<Pod>, Vec<i32>)>::new();
    for endpoint in &slice.endpoints {
        let backing = pod_of(endpoint, namespace, known);
        for port in ports {
            let mut meta = common.clone();
            meta.extend(&endpoint_labels(endpoint, port));
            if let Some(pod) = &backing {
                meta.extend(&pod::labels(pod));
                if let Some(port) = port.port {
                    meta.extend(&container_labels(pod, port));
                }
                let name = pod.metadata.name.clone().unwrap_or_default();
                let (_, seen) = pods
                    .entry(name)
                    .or_insert_with(|| (Arc::clone(pod), Vec::new()));
                seen.extend(port.port);
            }
            for host in &endpoint.addresses {
                let at = port.port.map_or(host.clone(), |port| address(host, port));
                targets.push(meta.clone().at(at));
            }
        }
    }
    for (pod, seen) in pods.values() {
        targets.extend(others(pod, seen, &common));
    }
    targets
}

/// Returns targets for the ports of a pod that the Service does not list.
fn others(pod: &Pod, seen: &[i32], common: &Meta) -> Vec<Group> {
    let Some(ip) = pod::ip(pod) else {
        return Vec::new();
    };
    let mut targets = Vec::new();
    for (container, init) in pod::containers(pod) {
        let ports = container.ports.iter().flatten();
        for port in ports.filter(|p| !seen.contains(&p.container_port)) {
            let mut meta = common.clone();
            meta.extend(&pod::labels(pod));
            meta.extend(&pod::container_labels(container, init));
            meta.extend(&pod::port_labels(port));
            targets.push(meta.at(address(ip, port.container_port)));
        }
    }
    targets
}

/// Returns the labels of the container that declares the port.
fn container_labels(pod: &Pod, number: i32) -> Meta {
    let mut meta = Meta::default();
    for (container, init) in pod::containers(pod) {
        let mut ports = container.ports.iter().flatten();
        if let Some(port) = ports.find(|p| p.container_port == number) {
            meta.extend(&pod::container_labels(container, init));
            meta.extend(&pod::port_labels(port));
            break;
        }
    }
    meta
}

fn pod_of(endpoint: &Endpoint, namespace: &str, known: &Backing<'_>) -> Option<Arc<Pod>> {
    let reference = endpoint.target_ref.as_ref();
    let reference = reference.filter(|r| r.kind.as_deref() == Some("Pod"))?;
    let namespace = reference.namespace.as_deref().unwrap_or(namespace);
    (known.pod)(namespace, reference.name.as_deref()?)
}

fn endpoint_labels(endpoint: &Endpoint, port: &EndpointPort) -> Meta {
    let mut meta = Meta::default();
    let mut set = |name: &str, value: Option<String>| {
        meta.maybe(&format!("endpointslice_{name}"), value);
    };
    set("port", port.port.map(|port| port.to_string()));
    set("port_name", port.name.clone());
    set("port_protocol", port.protocol.clone());
    set("port_app_protocol", port.app_protocol.clone());
    set("endpoint_hostname", endpoint.hostname.clone());
    set("endpoint_node_name", endpoint.node_name.clone());
    set("endpoint_zone", endpoint.zone.clone());
    if let Some(is) = &endpoint.conditions {
        let said = |is: Option<bool>| is.map(|is| is.to_string());
        set("endpoint_conditions_ready", said(is.ready));
        set("endpoint_conditions_serving", said(is.serving));
        set("endpoint_conditions_terminating", said(is.terminating));
    }
    if let Some(target) = &endpoint.target_ref {
        set("address_target_kind", target.kind.clone());
        set("address_target_name", target.name.clone());
    }
    for (name, value) in endpoint.deprecated_topology.iter().flatten() {
        let prefix = "endpointslice_endpoint_topology";
        meta.pair(prefix, &format!("{prefix}_present"), name, value);
    }
    meta
}
