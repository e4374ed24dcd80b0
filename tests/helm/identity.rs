//! Whose labels the series of a program have: those of the program, not of
//! gotracer's pod.

use serde_json::Value;

use crate::tools::{chart, only, tools};

/// Labels that the Prometheus operator adds to every target.
const OPERATOR: [&str; 5] = ["pod", "service", "endpoint", "namespace", "container"];

/// The names that the last relabeling drops.
fn dropped(endpoint: &Value) -> Vec<String> {
    let rules = endpoint["relabelings"].as_array().unwrap();
    let last = rules.iter().rfind(|r| r["action"] == "labeldrop").unwrap();
    let regex = last["regex"].as_str().unwrap();
    regex.split('|').map(str::to_owned).collect()
}

#[test]
fn a_service_monitor_drops_the_labels_of_gotracer_s_pod() {
    let Some(tools) = tools() else { return };
    let on = "targets={api:6060},serviceMonitor.enabled=true";
    for more in ["replicas=1", "replicas=3"] {
        let objects = tools.objects(&chart(), &["--set", on, "--set", more]);
        let endpoint = &only(&objects, "ServiceMonitor")["spec"]["endpoints"][0];
        assert_eq!(endpoint["honorLabels"], true);
        assert_eq!(dropped(endpoint), OPERATOR, "{more}");
        // A restart leaves the instance of gotracer's own series.
        let rules = endpoint["relabelings"].as_array().unwrap();
        assert!(
            rules.iter().any(|r| r["targetLabel"] == "instance"),
            "{more}"
        );
    }
}

#[test]
fn the_pod_monitor_of_a_sidecar_keeps_its_pod() {
    let Some(tools) = tools() else { return };
    let on = "mode=sidecar,podMonitor.enabled=true";
    let objects = tools.objects(&chart(), &["--set", on]);
    let endpoint = &only(&objects, "PodMonitor")["spec"]["podMetricsEndpoints"][0];
    assert_eq!(dropped(endpoint), ["container", "endpoint"]);
}

#[test]
fn shards_have_names_and_are_scraped_once() {
    let Some(tools) = tools() else { return };
    let on = "targets={api:6060},replicas=3,serviceMonitor.enabled=true";
    let objects = tools.objects(&chart(), &["--set", on]);
    let set = only(&objects, "StatefulSet");
    let services: Vec<_> = objects.iter().filter(|o| o["kind"] == "Service").collect();
    let headless = services
        .iter()
        .find(|s| s["spec"]["clusterIP"] == "None")
        .unwrap();
    assert_eq!(set["spec"]["serviceName"], headless["metadata"]["name"]);
    let selector = &only(&objects, "ServiceMonitor")["spec"]["selector"];
    let unless = selector["matchExpressions"][0]["key"].as_str().unwrap();
    let scraped = services
        .iter()
        .filter(|s| s["metadata"]["labels"][unless].is_null());
    assert_eq!(scraped.count(), 1);
}

#[test]
fn pods_have_no_versions_in_their_labels() {
    let Some(tools) = tools() else { return };
    let objects = tools.objects(&chart(), &["--set", "targets={api:6060}"]);
    let deployment = only(&objects, "Deployment");
    assert!(deployment["metadata"]["labels"]["helm.sh/chart"].is_string());
    let pod = &deployment["spec"]["template"]["metadata"]["labels"];
    for version in ["helm.sh/chart", "app.kubernetes.io/version"] {
        assert!(pod[version].is_null(), "{version}");
    }
}
