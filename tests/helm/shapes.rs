//! What each shape is made of, and that the program understands it.

use std::fs;
use std::process::Command;

use serde_json::Value;

use crate::tools::{chart, examples, only, tools};

const PROGRAM: &str = env!("CARGO_BIN_EXE_gotracer");

/// The spec of the pods that a chart's example makes.
fn pod(objects: &[Value]) -> Option<&Value> {
    let kinds = ["Deployment", "StatefulSet", "DaemonSet"];
    let workload = |o: &&Value| kinds.iter().any(|k| o["kind"] == *k);
    let found = objects.iter().find(workload)?;
    Some(&found["spec"]["template"]["spec"])
}

fn strings(list: &Value) -> Vec<String> {
    let all = list.as_array().unwrap().iter();
    all.map(|s| s.as_str().unwrap().to_owned()).collect()
}

#[test]
fn each_shape_runs_what_it_says() {
    let Some(tools) = tools() else { return };
    for (name, file) in examples() {
        let objects = tools.objects(&chart(), &["--values", &file]);
        let kinds = |kind: &str| objects.iter().filter(|o| o["kind"] == kind).count();
        let workloads = ["Deployment", "StatefulSet", "DaemonSet"].map(kinds);
        let wanted = match name.split('-').next().unwrap() {
            "deployment" => [1, 0, 0],
            "shards" => [0, 1, 0],
            "daemonset" => [0, 0, 1],
            "sidecar" => [0, 0, 0],
            other => panic!("what is {other}?"),
        };
        assert_eq!(workloads, wanted, "{name}");
        assert_eq!(kinds("Secret"), 0, "{name}: secrets are others'");
        for forbidden in ["Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding"] {
            assert_eq!(kinds(forbidden), 0, "{name}: it needs no rights");
        }
        for object in &objects {
            assert_eq!(object["metadata"]["namespace"], "shop", "{name}: {object}");
        }
    }
}

#[test]
fn pods_may_do_nothing_that_they_need_not() {
    let Some(tools) = tools() else { return };
    for (name, file) in examples() {
        let objects = tools.objects(&chart(), &["--values", &file]);
        let Some(spec) = pod(&objects) else { continue };
        assert_eq!(spec["automountServiceAccountToken"], false, "{name}");
        assert_eq!(spec["securityContext"]["runAsNonRoot"], true, "{name}");
        for container in spec["containers"].as_array().unwrap() {
            let context = &container["securityContext"];
            assert_eq!(context["runAsUser"], 65534, "{name}");
            assert_eq!(context["readOnlyRootFilesystem"], true, "{name}");
            assert_eq!(context["allowPrivilegeEscalation"], false, "{name}");
            assert_eq!(strings(&context["capabilities"]["drop"]), ["ALL"], "{name}");
            assert_eq!(
                context["seccompProfile"]["type"], "RuntimeDefault",
                "{name}"
            );
            assert!(
                container["resources"]["limits"]["memory"].is_string(),
                "{name}"
            );
        }
    }
}

#[test]
fn selectors_find_the_pods_and_the_pod_of_the_test_alone_is_not_among_them() {
    let Some(tools) = tools() else { return };
    let file = &examples()
        .into_iter()
        .find(|(n, _)| n == "deployment-full")
        .unwrap()
        .1;
    let more = "--set=podMonitor.enabled=false,serviceMonitor.enabled=true";
    let objects = tools.objects(&chart(), &["--values", file, more]);
    let template = &only(&objects, "Deployment")["spec"]["template"];
    let labels = template["metadata"]["labels"].as_object().unwrap();
    let service = only(&objects, "Service");
    let test = only(&objects, "Pod");
    let finds = |selector: &Value, labels: &serde_json::Map<String, Value>| {
        let selector = selector.as_object().unwrap();
        assert!(!selector.is_empty());
        selector.iter().all(|(k, v)| labels.get(k) == Some(v))
    };
    for selector in [
        &only(&objects, "Deployment")["spec"]["selector"]["matchLabels"],
        &service["spec"]["selector"],
        &only(&objects, "PodDisruptionBudget")["spec"]["selector"]["matchLabels"],
        &only(&objects, "NetworkPolicy")["spec"]["podSelector"]["matchLabels"],
    ] {
        assert!(finds(selector, labels), "{selector}");
        let test = test["metadata"]["labels"].as_object().unwrap();
        assert!(!finds(selector, test), "{selector}");
    }
    let monitor = &only(&objects, "ServiceMonitor")["spec"];
    let labels = service["metadata"]["labels"].as_object().unwrap();
    assert!(finds(&monitor["selector"]["matchLabels"], labels));
    let port = &service["spec"]["ports"][0]["name"];
    assert_eq!(monitor["endpoints"][0]["port"], *port);
    // Who asks is let in.
    let from = only(&objects, "NetworkPolicy")["spec"]["ingress"][0]["from"].clone();
    let labels = test["metadata"]["labels"].as_object().unwrap();
    let peers = from.as_array().unwrap().iter();
    let mut selectors = peers.filter_map(|p| p.get("podSelector"));
    assert!(
        selectors.any(|s| finds(&s["matchLabels"], labels)),
        "{from}"
    );
}

#[test]
fn the_program_knows_the_flags_and_the_files() {
    let Some(tools) = tools() else { return };
    for (name, file) in examples() {
        let objects = tools.objects(&chart(), &["--values", &file]);
        let scratch = tempfile::tempdir().unwrap();
        let here = |path: &str| scratch.path().join(path).display().to_string();
        fs::create_dir(here("traces")).unwrap();
        let mut maps = objects.iter().filter(|o| o["kind"] == "ConfigMap");
        let yaml = maps
            .find_map(|m| m["data"]["gotracer.yml"].as_str())
            .unwrap();
        let yaml = yaml.replace(
            "directory: /traces",
            &format!("directory: {}", here("traces")),
        );
        fs::write(here("gotracer.yml"), yaml).unwrap();
        let check = Command::new(PROGRAM)
            .args(["check-config", "--syntax-only", &here("gotracer.yml")])
            .env("API_TOKEN", "x")
            .output()
            .unwrap();
        assert!(check.status.success(), "{name}: {check:?}");
        let Some(spec) = pod(&objects) else { continue };
        let arguments = strings(&spec["containers"][0]["args"]);
        fs::write(here("web.yml"), "").unwrap();
        // The files that this one names are not here; its flags are read.
        let config = match name.as_str() {
            "deployment-full" => "--watch=.".to_owned(),
            _ => format!("--config={}", here("gotracer.yml")),
        };
        let arguments = arguments.iter().map(|argument| match argument.as_str() {
            "--config=/etc/gotracer/gotracer.yml" => config.clone(),
            "--shard=$(POD_NAME)" => "--shard=demo-gotracer-2".into(),
            other => other.replace("/etc/gotracer-web", &scratch.path().display().to_string()),
        });
        let output = Command::new(PROGRAM)
            .args(arguments)
            .arg("--config.check")
            .output()
            .unwrap();
        assert!(output.status.success(), "{name}: {output:?}");
        assert_eq!(output.stdout, b"good\n", "{name}");
    }
}

#[test]
fn probes_speak_to_a_server_that_is_locked() {
    let Some(tools) = tools() else { return };
    let probes = |values: &str| {
        let set = format!("targets={{a:1}},{values}");
        let objects = tools.objects(&chart(), &["--set", &set]);
        let container = pod(&objects).unwrap()["containers"][0].clone();
        let test = only(&objects, "Pod")["spec"]["containers"][0]["command"].clone();
        (container, strings(&test))
    };
    let (open, test) = probes("web.port=9000");
    assert_eq!(open["livenessProbe"]["httpGet"]["path"], "/-/healthy");
    assert_eq!(open["readinessProbe"]["httpGet"]["path"], "/-/ready");
    assert_eq!(open["ports"][0]["containerPort"], 9000);
    assert_eq!(test[1], "healthcheck");
    let locked = "web.existingSecret=s,web.scheme=https,web.clientKey=client.yml";
    let (locked, test) = probes(locked);
    let command = strings(&locked["livenessProbe"]["exec"]["command"]);
    for command in [command, test] {
        assert!(command.iter().any(|a| a == "--insecure"), "{command:?}");
        // These are its words, whether or not somebody answers.
        let output = Command::new(PROGRAM)
            .args(&command[1..])
            .arg("--help")
            .output()
            .unwrap();
        assert!(output.status.success(), "{command:?}");
        let file = "--http.config.file=/etc/gotracer-web/client.yml";
        assert!(command.iter().any(|a| a == file), "{command:?}");
    }
}

#[test]
fn pods_start_anew_when_their_configuration_changes_and_only_then() {
    let Some(tools) = tools() else { return };
    let checksum = |values: &str| {
        let objects = tools.objects(&chart(), &["--set", values]);
        let template = &only(&objects, "Deployment")["spec"]["template"];
        template["metadata"]["annotations"]["checksum/config"].clone()
    };
    let usual = checksum("targets={a:1}");
    assert!(usual.is_string());
    assert_eq!(checksum("targets={a:1},service.port=80"), usual);
    assert_ne!(checksum("targets={a:1},config.preset=batch"), usual);
    assert!(checksum("existingConfigMap=mine").is_null());
}

#[test]
fn kept_traces_are_behind_a_network_policy() {
    let Some(tools) = tools() else { return };
    let policies = |values: &str| {
        let objects = tools.objects(&chart(), &["--set", values]);
        let policies = objects.iter().filter(|o| o["kind"] == "NetworkPolicy");
        policies.count()
    };
    assert_eq!(policies("targets={a:1}"), 0);
    assert_eq!(policies("targets={a:1},evidence.kind=emptyDir"), 1);
    assert_eq!(policies("targets={a:1},networkPolicy.enabled=true"), 1);
}

#[test]
fn no_directory_is_made_that_belongs_to_root() {
    let Some(tools) = tools() else { return };
    let objects = tools.objects(&chart(), &["--set", "mode=daemonset"]);
    let volumes = pod(&objects).unwrap()["volumes"].as_array().unwrap();
    let mut paths = volumes.iter().filter(|v| !v["hostPath"].is_null());
    assert_eq!(paths.next().unwrap()["hostPath"]["type"], "Directory");
}
