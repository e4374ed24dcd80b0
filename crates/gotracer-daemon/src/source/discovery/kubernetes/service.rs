//! Role `service`: a target for each port of a Service, by its name in the
//! cluster's DNS.

use k8s_openapi::api::core::v1::Service;

use super::super::group::Group;
use super::meta::{Meta, address};

/// Returns all targets of a Service.
pub(super) fn targets(service: &Service) -> Vec<Group> {
    let Some(spec) = &service.spec else {
        return Vec::new();
    };
    let mut common = labels(service);
    let kind = spec.type_.as_deref().unwrap_or_default();
    common.set("service_type", kind);
    match kind {
        "ExternalName" => common.maybe("service_external_name", spec.external_name.as_deref()),
        _ => common.maybe("service_cluster_ip", spec.cluster_ip.as_deref()),
    }
    if kind == "LoadBalancer" {
        let ip = spec.load_balancer_ip.as_deref();
        common.maybe("service_loadbalancer_ip", ip);
    }
    let part = |part: &Option<String>| part.clone().unwrap_or_default();
    let (name, namespace) = (&service.metadata.name, &service.metadata.namespace);
    let host = format!("{}.{}.svc", part(name), part(namespace));
    let ports = spec.ports.iter().flatten();
    let target = |port: &k8s_openapi::api::core::v1::ServicePort| {
        let mut meta = common.clone();
        meta.maybe("service_port_name", port.name.as_deref());
        meta.set("service_port_number", port.port.to_string());
        meta.maybe("service_port_protocol", port.protocol.as_deref());
        meta.at(address(&host, port.port))
    };
    ports.map(target).collect()
}

/// Returns the labels of a Service for all roles.
pub(super) fn labels(service: &Service) -> Meta {
    let mut meta = Meta::within(&service.metadata);
    meta.object("service", &service.metadata);
    meta
}
