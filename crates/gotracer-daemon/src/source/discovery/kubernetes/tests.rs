//! The labels that Prometheus documents, of objects as an API server gives
//! them.

use std::fmt::Write;
use std::sync::Arc;

use k8s_openapi::api::core::v1::{Node, Pod, Service};
use k8s_openapi::api::discovery::v1::EndpointSlice;
use serde::de::DeserializeOwned;

use super::endpointslice::Backing;
use super::*;
use crate::source::discovery::Group;

const POD: &str = "
metadata:
  name: cart-7d9-x2
  namespace: shop
  uid: abc123
  labels: {app.kubernetes.io/name: cart, empty: ''}
  annotations: {gotracer.io/scrape: 'true'}
  ownerReferences:
  - {apiVersion: apps/v1, kind: Other, name: other, uid: x}
  - {apiVersion: apps/v1, kind: ReplicaSet, name: cart-7d9, uid: y, controller: true}
spec:
  nodeName: node-1
  containers:
  - name: main
    image: cart:1.2
    ports:
    - {name: http, containerPort: 8080, protocol: TCP}
    - {containerPort: 6060, protocol: TCP}
  - {name: portless, image: other}
  initContainers:
  - {name: proxy, image: 'proxy:3', ports: [{name: admin, containerPort: 9901, protocol: TCP}]}
status:
  phase: Running
  podIP: 10.1.0.7
  hostIP: 192.168.0.1
  conditions: [{type: Initialized, status: 'True'}, {type: Ready, status: 'False'}]
  containerStatuses:
  - {name: main, containerID: 'containerd://main', image: x, imageID: x, ready: true, restartCount: 0}
  initContainerStatuses:
  - {name: proxy, containerID: 'containerd://proxy', image: x, imageID: x, ready: true, restartCount: 0}
";

const SERVICE: &str = "
metadata:
  name: carts
  namespace: shop
  labels: {tier: front}
  annotations: {gotracer.io/port: '6060'}
spec:
  type: LoadBalancer
  clusterIP: 10.0.0.9
  loadBalancerIP: 203.0.113.9
  ports: [{name: http, port: 80, protocol: TCP}, {name: grpc, port: 9000, protocol: TCP}]
";

const SLICE: &str = "
metadata:
  name: carts-1
  namespace: shop
  labels: {kubernetes.io/service-name: carts}
  annotations: {a/b: c}
addressType: IPv4
endpoints:
- addresses: [10.1.0.7]
  conditions: {ready: true, serving: true, terminating: false}
  nodeName: node-1
  zone: zone-a
  targetRef: {kind: Pod, name: cart-7d9-x2, namespace: shop}
- addresses: [10.9.9.9]
  hostname: outside
  deprecatedTopology: {kubernetes.io/hostname: outside}
ports: [{name: http, port: 8080, protocol: TCP, appProtocol: http}]
";

const NODE: &str = "
metadata:
  name: node-1
  labels: {kubernetes.io/arch: amd64}
  annotations: {a: b}
spec: {providerID: 'aws:///i-1'}
status:
  addresses:
  - {type: Hostname, address: node-1}
  - {type: InternalIP, address: 'fd00::1'}
  - {type: InternalIP, address: 192.168.0.1}
  daemonEndpoints: {kubeletEndpoint: {Port: 10250}}
";

fn read<T: DeserializeOwned>(yaml: &str) -> T {
    serde_saphyr::from_str(yaml).unwrap()
}

/// Targets as people read them.
fn shown(groups: &[Group]) -> String {
    let mut text = String::new();
    for group in groups {
        writeln!(text, "{}", group.targets.join(" ")).unwrap();
        for (name, value) in &group.labels {
            writeln!(text, "  {name}=\"{value}\"").unwrap();
        }
    }
    text
}

#[test]
fn a_pod_is_a_target_for_each_port() {
    insta::assert_snapshot!(shown(&pod::targets(&read(POD))));
    let starting: Pod = read(&POD.replace("podIP: 10.1.0.7", "podIP: ''"));
    assert_eq!(shown(&pod::targets(&starting)), "");
    let six: Pod = read(&POD.replace("podIP: 10.1.0.7", "podIP: 'fd00::7'"));
    let at = |i: usize| pod::targets(&six)[i].targets.clone();
    assert_eq!(at(0), ["[fd00::7]:8080"]);
    assert_eq!(at(2), ["fd00::7"]);
}

#[test]
fn a_service_is_a_target_for_each_port() {
    insta::assert_snapshot!(shown(&service::targets(&read(SERVICE))));
    let external = "
metadata: {name: db, namespace: shop}
spec: {type: ExternalName, externalName: db.example.com, ports: [{port: 5432, protocol: TCP}]}
";
    insta::assert_snapshot!(
        "an_external_service",
        shown(&service::targets(&read(external)))
    );
}

#[test]
fn an_endpointslice_is_a_target_for_each_address_and_port() {
    let (pod, service) = (
        Arc::new(read::<Pod>(POD)),
        Arc::new(read::<Service>(SERVICE)),
    );
    let known = Backing {
        pod: &|namespace, name| {
            ((namespace, name) == ("shop", "cart-7d9-x2")).then(|| Arc::clone(&pod))
        },
        service: &|namespace, name| {
            ((namespace, name) == ("shop", "carts")).then(|| Arc::clone(&service))
        },
    };
    let slice: EndpointSlice = read(SLICE);
    insta::assert_snapshot!(shown(&endpointslice::targets(&slice, &known)));
}

#[test]
fn a_node_is_a_target_with_its_kubelets_port() {
    let node: Node = read(NODE);
    insta::assert_snapshot!(shown(&[node::target(&node).unwrap()]));
    assert!(node::target(&read("metadata: {name: new}")).is_none());
}

#[test]
fn mistakes_are_said() {
    for (yaml, error) in [
        ("{}", "role"),
        ("{role: ingress}", "ingress"),
        ("{role: pod, api_server: x}", "api_server"),
    ] {
        let found = serde_saphyr::from_str::<KubernetesSd>(yaml).unwrap_err();
        assert!(found.to_string().contains(error), "{yaml}: {found}");
    }
    for (yaml, error) in [
        (
            "{role: pod, selectors: [{role: node, label: a}]}",
            "role pod has no use for a selector of role node",
        ),
        (
            "{role: pod, selectors: [{role: pod, label: a}, {role: pod, field: b=c}]}",
            "a second selector of role pod",
        ),
        (
            "{role: pod, kubeconfig_file: x, namespaces: {own_namespace: true}}",
            "own_namespace",
        ),
    ] {
        let found = read::<KubernetesSd>(yaml).check().unwrap_err();
        assert!(found.to_string().contains(error), "{yaml}: {found}");
    }
    let sd: KubernetesSd = read("{role: pod, namespaces: {own_namespace: true, names: [b, a, b]}}");
    let named = |name: &str| Some(name.to_owned());
    assert_eq!(sd.within("b"), [named("a"), named("b")]);
    let all: KubernetesSd = read("{role: pod}");
    assert_eq!(all.within("b"), [None]);
}
