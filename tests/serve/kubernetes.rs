//! Targets that a real API server of Kubernetes knows. Nobody runs the pods:
//! their addresses are those of real Go programs on this machine.
#![cfg(all(feature = "kubernetes", target_os = "linux"))]

use std::fs;

use crate::support::kubernetes::{Cluster, Process, have_etcd, tools};

use crate::support::daemon::{Running, Scratch, eventually_or};
use crate::support::endpoint::Endpoint;

/// What a pod, its Service and the role of who watches them are.
const OBJECTS: &str = r#"
apiVersion: v1
kind: Service
metadata:
  name: carts
  namespace: shop
  annotations: {gotracer.io/scrape: "true"}
spec:
  ports: [{name: http, port: 80, targetPort: 8080}]
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata:
  name: carts-1
  namespace: shop
  labels: {kubernetes.io/service-name: carts}
addressType: IPv4
endpoints:
- addresses: [10.255.0.1]
  conditions: {ready: true}
  targetRef: {kind: Pod, name: cart-0, namespace: shop}
ports: [{name: http, port: 8080, protocol: TCP}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: gotracer}
rules:
- apiGroups: [""]
  resources: [nodes, pods, services]
  verbs: [get, list, watch]
- apiGroups: [discovery.k8s.io]
  resources: [endpointslices]
  verbs: [get, list, watch]
"#;

const CONFIG: &str = "
scrape_configs:
- job_name: pods
  scrape_interval: 1s
  seconds: 1
  kubernetes_sd_configs:
  - role: pod
    kubeconfig_file: KUBECONFIG
    namespaces: {names: [shop]}
    selectors: [{role: pod, label: 'app.kubernetes.io/name'}]
- job_name: slices
  scrape_interval: 1s
  seconds: 1
  kubernetes_sd_configs: [{role: endpointslice, kubeconfig_file: KUBECONFIG}]
- job_name: all
  scrape_interval: 1h
  seconds: 1
  kubernetes_sd_configs: [{role: service, kubeconfig_file: KUBECONFIG}]
  relabel_configs:
  - {action: labelmap, regex: '__meta_kubernetes_(service_(?:name|type|port_number))'}
";

/// A pod with a Go program, at its address.
fn run(cluster: &Cluster, name: &str, annotations: &str, program: &Endpoint) {
    let (ip, port) = program.address.rsplit_once(':').unwrap();
    let pod = format!(
        "{{apiVersion: v1, kind: Pod, metadata: {{name: {name}, namespace: shop, annotations: {{{annotations}}}, \
         labels: {{app.kubernetes.io/name: cart, app.kubernetes.io/version: '1.2'}}}}, \
         spec: {{automountServiceAccountToken: false, containers: [{{name: main, image: cart, \
         ports: [{{name: pprof, containerPort: {port}}}]}}]}}}}"
    );
    cluster.must_apply(name, &pod);
    let status = format!(
        r#"{{"status": {{"phase": "Running", "podIP": "{ip}", "podIPs": [{{"ip": "{ip}"}}]}}}}"#
    );
    let fixed = ["patch", "pod", name, "--namespace=shop", "--type=merge"];
    let more = ["--subresource=status", "--patch", &status];
    cluster.must(&[&fixed[..], &more].concat());
}

/// A kubeconfig of a service account without any rights, that believes only
/// who made the server's certificate.
fn kubeconfig(cluster: &Cluster) -> String {
    cluster.must(&["create", "serviceaccount", "gotracer", "--namespace=shop"]);
    let token = cluster.must(&["create", "token", "gotracer", "--namespace=shop"]);
    let admin = fs::read_to_string(&cluster.kubeconfig).unwrap();
    let authority = cluster.scratch.path().join("certificates/apiserver.crt");
    let trust = format!("certificate-authority: '{}'", authority.display());
    let own = admin
        .replace("insecure-skip-tls-verify: true", &trust)
        .replace("token: admin", &format!("token: {}", token.trim()));
    let path = cluster.scratch.path().join("gotracer.kubeconfig");
    fs::write(&path, own).unwrap();
    path.display().to_string()
}

#[test]
fn pods_and_services_come_and_go_and_the_server_may_be_away() {
    let Some(tools) = tools() else { return };
    let scratch = Scratch::new();
    let listening = |ip: &str| Endpoint::start(&scratch, &["-listen", &format!("{ip}:0")]);
    let (Some(first), Some(second)) = (listening("127.0.0.2"), listening("127.0.0.3")) else {
        return;
    };
    if !have_etcd() {
        return;
    }
    let mut cluster = Cluster::start(tools);
    cluster.must(&["create", "namespace", "shop"]);
    cluster.must(&["create", "serviceaccount", "default", "--namespace=shop"]);
    cluster.must_apply("objects", OBJECTS);
    run(&cluster, "cart-0", "gotracer.io/scrape: 'true'", &first);
    run(
        &cluster,
        "shy",
        "profiles.grafana.com/cpu.scrape: 'true'",
        &second,
    );

    // Who may not look is told so, and looks again.
    let config = scratch.config(CONFIG.replace("KUBECONFIG", &kubeconfig(&cluster)));
    let gotracer = Running::gotracer_with(scratch.path(), &[&config], &[]);
    let log = || gotracer.log();
    let refused = |line: &str| {
        line.contains("pods is forbidden") && line.contains("the previous targets stay")
    };
    let told = || gotracer.log().lines().any(refused).then_some(());
    eventually_or("it may not list pods", log, told);
    let failures = |job: &str| {
        let name = "gotracer_sd_refresh_failures_total";
        gotracer.sample(&format!(
            "{name}{{mechanism=\"kubernetes\",config=\"{job}\"}}"
        ))
    };
    assert!(failures("pods") > Some(0.0));
    let who = ["--clusterrole=gotracer", "--serviceaccount=shop:gotracer"];
    cluster.must(&[&["create", "clusterrolebinding", "gotracer"], &who[..]].concat());

    // A pod that wants it is traced, and one that does not is not.
    let series = |job: &str, pod: &str, program: &Endpoint| {
        let instance = &program.address;
        format!(
            "gotracer_traces_total{{instance=\"{instance}\",job=\"{job}\",namespace=\"shop\",\
             pod=\"{pod}\",service=\"cart\",version=\"1.2\"}}"
        )
    };
    let traces = |series: &str, more: f64| {
        let enough = || gotracer.sample(series).filter(|n| *n >= more);
        eventually_or(series, log, enough)
    };
    let gone = |series: &str| {
        let gone = || gotracer.sample(series).is_none().then_some(());
        eventually_or(&format!("{series} is gone"), log, gone);
    };
    let pod = series("pods", "cart-0", &first);
    traces(&pod, 1.0);
    assert_eq!(gotracer.sample(&series("pods", "shy", &second)), None);
    // Behind a Service, a port that it does not have is another target.
    traces(&series("slices", "cart-0", &first), 1.0);
    let behind = "instance=\"10.255.0.1:8080\",job=\"slices\"";
    assert!(gotracer.get("/metrics", "").text().contains(behind));
    let service = "gotracer_traces_total{instance=\"carts.shop.svc:80\",job=\"all\",\
                   service_name=\"carts\",service_port_number=\"80\",service_type=\"ClusterIP\"}";
    traces(service, 0.0);

    // Without the server all stays as it is.
    let before = failures("pods");
    cluster.server.end();
    let told = || (failures("pods") > before).then_some(());
    eventually_or("the server is missed", log, told);
    let known = gotracer.sample(&pod).unwrap();
    traces(&pod, known + 1.0);

    // What happened meanwhile is seen when it is back.
    cluster.server = Process::start_server(tools, cluster.scratch.path());
    cluster.wait("the API server is back", &["get", "--raw=/readyz"]);
    cluster.must(&["delete", "pod", "cart-0", "--namespace=shop", "--now"]);
    run(
        &cluster,
        "cart-1",
        "profiles.grafana.com/trace.scrape: 'true'",
        &second,
    );
    gone(&pod);
    traces(&series("pods", "cart-1", &second), 1.0);
    gone(&series("slices", "cart-0", &first));
    let success = "gotracer_sd_last_refresh_success_timestamp_seconds";
    let success = format!("{success}{{mechanism=\"kubernetes\",config=\"pods\"}}");
    assert!(gotracer.sample(&success) > Some(1e9));
}
