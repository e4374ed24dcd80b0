//! A real API server takes what the chart makes, strictly, and lets the pods
//! into a namespace where little is allowed.

use std::fs;
use std::process::Output;

use serde_json::{Value, json};

use crate::example::example;
use crate::rights::discovering;
use crate::support::kubernetes::{Cluster, have_etcd};
use crate::tools::{chart, examples, repository, said, tools};

impl Cluster {
    /// A namespace in which Pods must be as the standard says.
    fn namespace(&self, name: &str, standard: &str) {
        let enforce = "pod-security.kubernetes.io/enforce";
        let manifest = format!(
            "{{apiVersion: v1, kind: Namespace, metadata: {{name: {name}, labels: {{{enforce}: {standard}}}}}}}"
        );
        self.must_apply(name, &manifest);
        // Nobody runs here who would make it.
        self.must(&["create", "serviceaccount", "default", "--namespace", name]);
    }

    /// Whether a pod of this workload is let in.
    fn admit(&self, namespace: &str, workload: &str) -> Output {
        let json = self.must(&["get", workload, "--namespace", namespace, "--output=json"]);
        let mut pod: Value = serde_json::from_str(&json).unwrap();
        let mut pod = pod["spec"]["template"].take();
        pod["apiVersion"] = "v1".into();
        pod["kind"] = "Pod".into();
        pod["metadata"]["name"] = "pod".into();
        pod["metadata"]["namespace"] = namespace.into();
        let path = self.scratch.path().join("pod.json");
        fs::write(&path, pod.to_string()).unwrap();
        let path = path.display().to_string();
        self.kubectl(&[
            "create",
            "--dry-run=server",
            "--validate=strict",
            "--filename",
            &path,
        ])
    }

    fn helm(&self, arguments: &[&str]) -> Output {
        let kubeconfig = self.kubeconfig.display().to_string();
        self.tools
            .helm(&[arguments, &["--kubeconfig", &kubeconfig]].concat())
    }
}

#[test]
fn an_api_server_takes_all_shapes() {
    let Some(tools) = tools() else { return };
    if !have_etcd() {
        return;
    }
    let cluster = Cluster::start(tools);
    for crd in fs::read_dir(tools.path("crds")).unwrap() {
        let text = fs::read_to_string(crd.unwrap().path()).unwrap();
        cluster.must_apply("a definition", &text);
    }
    for kind in ["servicemonitors", "podmonitors", "prometheusrules"] {
        cluster.wait(kind, &["get", &format!("{kind}.monitoring.coreos.com")]);
    }
    cluster.namespace("shop", "restricted");
    cluster.namespace("nodes", "privileged");

    // Every shape, and everything that it may have.
    for (name, file) in examples() {
        let options = ["--values", &file];
        let manifests = tools.template(&chart(), &options).unwrap();
        let (namespace, manifests) = match name.as_str() {
            // Nothing less than privileged may mount directories of the node.
            "daemonset" => (
                "nodes",
                manifests.replace("namespace: shop", "namespace: nodes"),
            ),
            _ => ("shop", manifests),
        };
        cluster.must_apply(&name, &manifests);
        let workload = match name.as_str() {
            "daemonset" => "daemonset/demo-gotracer",
            "deployment" => "deployment/demo-gotracer",
            "deployment-full" => "deployment/traces",
            "shards" => "statefulset/demo-gotracer",
            _ => continue,
        };
        let admitted = cluster.admit(namespace, workload);
        assert!(admitted.status.success(), "{name}: {}", said(&admitted));
    }

    // A sidecar is let in, and starts before the program and ends after it.
    let manifests = tools.template(&example(tools, cluster.scratch.path()), &[]);
    cluster.must_apply("example", &manifests.unwrap());
    let admitted = cluster.admit("shop", "deployment/demo");
    assert!(admitted.status.success(), "{}", said(&admitted));
    let policy = "--output=jsonpath={.spec.template.spec.initContainers[0].restartPolicy}";
    let policy = cluster.must(&["get", "deployment/demo", "--namespace=shop", policy]);
    assert_eq!(policy, "Always");

    // Who is to find pods sees them, where they are to be found, and nothing else.
    let set = discovering(&json!([{"role": "pod", "namespaces": {"own_namespace": true}}]));
    let manifests = tools.template(&chart(), &["--set-json", &set]).unwrap();
    cluster.must_apply("rights", &manifests);
    let account = "--as=system:serviceaccount:shop:demo-gotracer";
    for (what, namespace, may) in [
        ("pods", "shop", true),
        ("pods", "nodes", false),
        ("secrets", "shop", false),
    ] {
        let asked = [
            "auth",
            "can-i",
            "watch",
            what,
            "--namespace",
            namespace,
            account,
        ];
        let answer = cluster.kubectl(&asked).status.success();
        assert_eq!(answer, may, "{what} in {namespace}");
    }

    // A Job over an archive, as docs/archive.md has it.
    let text = fs::read_to_string(repository("docs/archive.md")).unwrap();
    let (_, job) = text.split_once("```yaml\n").unwrap();
    let (job, _) = job.split_once("```").unwrap();
    let job = job.replacen("  name: archive", "  name: archive\n  namespace: shop", 1);
    cluster.must_apply("the Job", &job);
    cluster.must(&["create", "serviceaccount", "archive", "--namespace=shop"]);
    let admitted = cluster.admit("shop", "job/archive");
    assert!(admitted.status.success(), "{}", said(&admitted));

    // Which says something, since it refuses others.
    let root = [
        "--set",
        "targets={a:1},tests.enabled=false,securityContext.runAsNonRoot=false,securityContext.runAsUser=0",
    ];
    let manifests = tools.template(&chart(), &root).unwrap();
    let applied = cluster.apply(&manifests);
    assert!(applied.status.success(), "{}", said(&applied));
    let refused = said(&cluster.admit("shop", "deployment/demo-gotracer"));
    assert!(
        refused.contains("violates PodSecurity \"restricted"),
        "{refused}"
    );
    let wrong = manifests.replace("revisionHistoryLimit", "revisionHistory");
    let refused = said(&cluster.apply(&wrong));
    assert!(refused.contains("revisionHistory"), "{refused}");

    // What a user reads, and does.
    insta::assert_snapshot!("notes", notes(&cluster));
    install_and_upgrade(&cluster);
}

/// What is said after an installation.
fn notes(cluster: &Cluster) -> String {
    let chart = chart().display().to_string();
    let fixed = [
        "install",
        "demo",
        &chart,
        "--namespace=new",
        "--dry-run=client",
    ];
    let notes = |name: &str, values: &[&str]| {
        let output = cluster.helm(&[&fixed[..], values].concat());
        assert!(output.status.success(), "{name}: {}", said(&output));
        let text = String::from_utf8(output.stdout).unwrap();
        let (_, notes) = text.split_once("NOTES:\n").unwrap();
        format!("=== {name}\n{notes}\n")
    };
    let usual = notes("usual", &["--set", "targets={api:6060}"]);
    let all = examples();
    let all = all
        .iter()
        .map(|(name, file)| notes(name, &["--values", file]));
    all.chain([usual]).collect()
}

/// Only what changes is changed, and nothing is left behind.
fn install_and_upgrade(cluster: &Cluster) {
    let chart = chart().display().to_string();
    let fixed = [&chart, "--namespace=live", "--set", "targets={api:6060}"];
    let helm = |command: &[&str], more: &[&str]| {
        let output = cluster.helm(&[command, more].concat());
        assert!(output.status.success(), "{command:?}: {}", said(&output));
    };
    let deployment = "deployment/live-gotracer";
    let jsonpath = "--output=jsonpath={.metadata.generation}";
    let generation = || cluster.must(&["get", deployment, "--namespace=live", jsonpath]);
    helm(&["install", "live", "--create-namespace"], &fixed);
    assert_eq!(generation(), "1");
    helm(&["upgrade", "live"], &fixed);
    assert_eq!(generation(), "1", "nothing changed");
    helm(&["upgrade", "live", "--set", "config.preset=batch"], &fixed);
    assert_eq!(generation(), "2", "the configuration did");
    helm(&["uninstall", "live"], &["--namespace=live"]);
    let kinds = "deployments,services,configmaps,serviceaccounts,secrets";
    let left = cluster.must(&["get", kinds, "--namespace=live", "--output=name"]);
    assert_eq!(left, "");
}
