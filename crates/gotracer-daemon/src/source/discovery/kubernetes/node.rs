//! Role `node`: a target for each node, with the port of its kubelet.

use k8s_openapi::api::core::v1::Node;

use super::super::group::Group;
use super::meta::{Meta, address, sanitized};

/// Types of node addresses in order of preference.
const PREFERRED: [&str; 6] = [
    "InternalIP",
    "InternalDNS",
    "ExternalIP",
    "ExternalDNS",
    "LegacyHostIP",
    "Hostname",
];

/// Returns the target of a node, if it has an address.
pub(super) fn target(node: &Node) -> Option<Group> {
    let status = node.status.as_ref()?;
    let addresses = status.addresses.as_deref().unwrap_or_default();
    let first = |kind: &str| addresses.iter().find(|a| a.type_ == kind);
    let best = PREFERRED.into_iter().find_map(first)?;
    let mut meta = Meta::default();
    meta.object("node", &node.metadata);
    let provider = node.spec.as_ref().and_then(|s| s.provider_id.as_deref());
    meta.maybe("node_provider_id", provider);
    // The first of several addresses of a type wins.
    for one in addresses.iter().rev() {
        let name = format!("node_address_{}", sanitized(&one.type_));
        meta.set(&name, one.address.as_str());
    }
    let kubelet = status.daemon_endpoints.as_ref();
    let kubelet = kubelet.and_then(|d| d.kubelet_endpoint.as_ref());
    let port = kubelet.map_or(0, |kubelet| kubelet.port);
    let mut group = meta.at(address(&best.address, port));
    let name = node.metadata.name.as_deref().unwrap_or_default();
    group.label("instance", name);
    Some(group)
}
