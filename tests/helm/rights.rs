//! Who asks the API server may see what it is to find, and nothing else.

use serde_json::{Value, json};

use crate::tools::{chart, tools};

/// Options with these `kubernetes_sd_configs`.
pub(crate) fn discovering(configs: &Value) -> String {
    let jobs = json!([{"job_name": "cluster", "kubernetes_sd_configs": configs}]);
    format!("config.scrape_configs={jobs}")
}

/// All roles: kind, name, namespace and what is to be seen.
fn roles(objects: &[Value]) -> Vec<(String, String, String, Vec<String>)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let roles = objects.iter().filter(|o| {
        ["Role", "ClusterRole"]
            .map(Value::from)
            .contains(&o["kind"])
    });
    let role = |o: &Value| {
        let rules = o["rules"].as_array().unwrap();
        let seen = rules.iter().flat_map(|rule| {
            assert_eq!(rule["verbs"], json!(["get", "list", "watch"]));
            rule["resources"].as_array().unwrap().iter().map(text)
        });
        let metadata = &o["metadata"];
        let name = [&o["kind"], &metadata["name"], &metadata["namespace"]];
        let [kind, name, namespace] = name.map(text);
        (kind, name, namespace, seen.collect())
    };
    roles.map(role).collect()
}

#[test]
fn roles_are_for_what_is_to_be_found() {
    let Some(tools) = tools() else { return };
    let with = |configs: &Value, more: &[&str]| {
        let set = discovering(configs);
        tools.objects(&chart(), &[&["--set-json", &set][..], more].concat())
    };
    for (configs, expected) in [
        (
            json!([{"role": "pod"}]),
            vec![("ClusterRole", "shop-demo-gotracer", "", vec!["pods"])],
        ),
        (
            json!([{"role": "endpointslice", "namespaces": {"names": ["a"], "own_namespace": true}},
                   {"role": "pod", "namespaces": {"names": ["a", "b"]}}]),
            vec![
                (
                    "Role",
                    "demo-gotracer",
                    "a",
                    vec!["pods", "services", "endpointslices"],
                ),
                ("Role", "demo-gotracer", "b", vec!["pods"]),
                (
                    "Role",
                    "demo-gotracer",
                    "shop",
                    vec!["pods", "services", "endpointslices"],
                ),
            ],
        ),
        (
            json!([{"role": "node", "namespaces": {"names": ["a"]}}, {"role": "service"}]),
            vec![(
                "ClusterRole",
                "shop-demo-gotracer",
                "",
                vec!["nodes", "services"],
            )],
        ),
        (json!([{"role": "pod", "kubeconfig_file": "/x"}]), vec![]),
    ] {
        let objects = with(&configs, &[]);
        let found = roles(&objects);
        let found: Vec<_> = found
            .iter()
            .map(|(kind, name, namespace, seen)| {
                let seen = seen.iter().map(String::as_str).collect();
                (kind.as_str(), name.as_str(), namespace.as_str(), seen)
            })
            .collect();
        assert_eq!(found, expected, "{configs}");
        let deployment = crate::tools::only(&objects, "Deployment");
        let token = &deployment["spec"]["template"]["spec"]["automountServiceAccountToken"];
        assert_eq!(*token, !expected.is_empty(), "{configs}");
    }
    let own = with(&json!([{"role": "pod"}]), &["--set", "rbac.create=false"]);
    assert_eq!(roles(&own), []);
}
