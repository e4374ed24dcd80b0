//! Role `pod`: a target for each port that a container declares, and one
//! without a port for each container that declares none.

use k8s_openapi::api::core::v1::{Container, ContainerPort, ContainerStatus, Pod};

use super::super::group::Group;
use super::meta::{Meta, address};

/// Returns all targets of a pod; none before it has an address.
pub(super) fn targets(pod: &Pod) -> Vec<Group> {
    let Some(ip) = ip(pod) else { return Vec::new() };
    let mut common = Meta::within(&pod.metadata);
    common.extend(&labels(pod));
    let mut targets = Vec::new();
    for (container, init) in containers(pod) {
        let mut meta = common.clone();
        meta.extend(&container_labels(container, init));
        meta.maybe("pod_container_id", id(pod, container, init));
        let ports = container.ports.as_deref().unwrap_or_default();
        if ports.is_empty() {
            targets.push(meta.clone().at(ip.into()));
        }
        for port in ports {
            let mut meta = meta.clone();
            meta.extend(&port_labels(port));
            targets.push(meta.at(address(ip, port.container_port)));
        }
    }
    targets
}

/// Returns the pod's address, if assigned.
pub(super) fn ip(pod: &Pod) -> Option<&str> {
    let ip = pod.status.as_ref()?.pod_ip.as_deref();
    ip.filter(|ip| !ip.is_empty())
}

/// Returns the pod's containers, and whether each is an init container.
pub(super) fn containers(pod: &Pod) -> impl Iterator<Item = (&Container, bool)> {
    let spec = pod.spec.iter();
    spec.flat_map(|spec| {
        let usual = spec.containers.iter().map(|c| (c, false));
        let init = spec.init_containers.iter().flatten().map(|c| (c, true));
        usual.chain(init)
    })
}

/// Returns the labels of a pod for all roles.
pub(super) fn labels(pod: &Pod) -> Meta {
    let mut meta = Meta::default();
    meta.object("pod", &pod.metadata);
    meta.maybe("pod_uid", pod.metadata.uid.as_deref());
    meta.set("pod_ready", ready(pod).to_lowercase());
    if let Some(spec) = &pod.spec {
        meta.maybe("pod_node_name", spec.node_name.as_deref());
    }
    if let Some(status) = &pod.status {
        meta.maybe("pod_ip", status.pod_ip.as_deref());
        meta.maybe("pod_phase", status.phase.as_deref());
        meta.maybe("pod_host_ip", status.host_ip.as_deref());
    }
    let mut owners = pod.metadata.owner_references.iter().flatten();
    if let Some(owner) = owners.find(|owner| owner.controller == Some(true)) {
        meta.set("pod_controller_kind", owner.kind.as_str());
        meta.set("pod_controller_name", owner.name.as_str());
    }
    meta
}

/// Returns the labels of a container.
pub(super) fn container_labels(container: &Container, init: bool) -> Meta {
    let mut meta = Meta::default();
    meta.set("pod_container_name", container.name.as_str());
    meta.maybe("pod_container_image", container.image.as_deref());
    meta.set("pod_container_init", init.to_string());
    meta
}

/// Returns the labels of a container's port.
pub(super) fn port_labels(port: &ContainerPort) -> Meta {
    let mut meta = Meta::default();
    meta.maybe("pod_container_port_name", port.name.as_deref());
    meta.set("pod_container_port_number", port.container_port.to_string());
    meta.maybe("pod_container_port_protocol", port.protocol.as_deref());
    meta
}

fn ready(pod: &Pod) -> &str {
    let status = pod.status.iter();
    let mut conditions = status.flat_map(|s| s.conditions.iter().flatten());
    let ready = conditions.find(|condition| condition.type_ == "Ready");
    ready.map_or("unknown", |condition| &condition.status)
}

fn id<'a>(pod: &'a Pod, container: &Container, init: bool) -> Option<&'a str> {
    let status = pod.status.as_ref()?;
    let all = match init {
        true => &status.init_container_statuses,
        false => &status.container_statuses,
    };
    let own = |s: &&ContainerStatus| s.name == container.name;
    all.iter().flatten().find(own)?.container_id.as_deref()
}
