//! Default relabeling of Kubernetes targets for jobs without `relabel_configs`.
//! Only objects with the annotation `gotracer.io/scrape` or Grafana's are kept,
//! because tracing every port of a cluster is never intended.

use std::sync::LazyLock;

use super::relabel::Relabel;

/// The rules in configuration syntax; the documentation includes the same file.
const YAML: &str = include_str!("convention.yml");

/// The rules of the convention.
pub(super) static CONVENTION: LazyLock<Vec<Relabel>> =
    LazyLock::new(|| serde_saphyr::from_str(YAML).expect("a test reads it"));

#[cfg(test)]
mod tests {
    use super::super::relabel::apply;
    use super::*;
    use crate::labels::Labels;

    /// Relabels a target. The names in `meta` lack their prefix
    /// `__meta_kubernetes_`; the default labels are added.
    fn made(meta: &[(&str, &str)], address: &str) -> Option<Labels> {
        let meta = meta.iter().map(|(name, value)| {
            let name = format!("__meta_kubernetes_{name}");
            (name, (*value).to_owned())
        });
        let mut labels: Labels = meta.collect();
        for (name, value) in [
            ("__address__", address),
            ("__metrics_path__", "/debug/pprof/trace"),
            ("__scheme__", "http"),
        ] {
            labels.set(name, value);
        }
        let mut labels = apply(&CONVENTION, labels)?;
        labels.retain(|n| !n.starts_with("__meta_") && !n.starts_with("__tmp_"));
        Some(labels)
    }

    fn address(meta: &[(&str, &str)], before: &str) -> Option<String> {
        Some(made(meta, before)?.get("__address__").to_owned())
    }

    const NAMESPACE: (&str, &str) = ("namespace", "shop");
    const OURS: (&str, &str) = ("pod_annotation_gotracer_io_scrape", "true");
    const THEIRS: &str = "pod_annotation_profiles_grafana_com_trace_scrape";

    #[test]
    fn who_says_nothing_is_left_alone() {
        assert_eq!(made(&[NAMESPACE], "10.0.0.1:80"), None);
        for (ours, theirs, taken) in [
            ("true", "", true),
            ("", "true", true),
            ("false", "true", false),
            ("true", "false", true),
            ("yes", "", false),
        ] {
            let meta = [NAMESPACE, (OURS.0, ours), (THEIRS, theirs)];
            let made = made(&meta, "10.0.0.1:80");
            assert_eq!(made.is_some(), taken, "{ours} {theirs}");
        }
        let ended = [NAMESPACE, OURS, ("pod_phase", "Succeeded")];
        assert_eq!(made(&ended, "10.0.0.1:80"), None);
        // Targets of static_configs in the same job, and nodes, have no namespace.
        for other in ["localhost:6060", "localhost"] {
            assert_eq!(address(&[], other).as_deref(), Some(other));
        }
    }

    #[test]
    fn the_port_is_the_annotations_or_what_is_declared() {
        let of = |ip, port, before| {
            let port = ("pod_annotation_gotracer_io_port", port);
            address(&[NAMESPACE, OURS, ("pod_ip", ip), port], before)
        };
        let is = |found: Option<String>, wanted: &str| assert_eq!(found.as_deref(), Some(wanted));
        is(of("10.0.0.1", "", "10.0.0.1:80"), "10.0.0.1:80");
        is(of("10.0.0.1", "6060", "10.0.0.1:80"), "10.0.0.1:6060");
        is(of("10.0.0.1", "6060", "10.0.0.1"), "10.0.0.1:6060");
        is(of("fd00::1", "6060", "fd00::1"), "[fd00::1]:6060");
        is(of("fd00::1", "", "[fd00::1]:80"), "[fd00::1]:80");
        // Without any port there is no address.
        assert_eq!(of("10.0.0.1", "", "10.0.0.1"), None);
        assert_eq!(of("fd00::1", "", "fd00::1"), None);
        let udp = ("pod_container_port_protocol", "UDP");
        assert_eq!(made(&[NAMESPACE, OURS, udp], "10.0.0.1:53"), None);
        let service = [
            NAMESPACE,
            ("service_annotation_gotracer_io_scrape", "true"),
            ("service_annotation_gotracer_io_port", "6060"),
        ];
        is(address(&service, "cart.shop.svc:80"), "cart.shop.svc:6060");
        is(address(&service, "[fd00::1]:80"), "[fd00::1]:6060");
    }

    #[test]
    fn names_are_the_recommended_labels_or_what_annotations_say() {
        let name = ("pod_label_app_kubernetes_io_name", "cart");
        let version = ("pod_label_app_kubernetes_io_version", "1.2");
        let all = |more: &[(&str, &str)]| {
            let meta = [&[NAMESPACE, OURS, ("pod_name", "cart-0")], more].concat();
            made(&meta, "10.0.0.1:80").unwrap().to_string()
        };
        assert_eq!(
            all(&[("service_name", "carts"), name, version]),
            r#"{__address__="10.0.0.1:80", __metrics_path__="/debug/pprof/trace", __scheme__="http", namespace="shop", pod="cart-0", service="cart", version="1.2"}"#
        );
        assert_eq!(
            all(&[
                name,
                version,
                ("pod_annotation_gotracer_io_service", "basket"),
                ("pod_annotation_gotracer_io_version", "2"),
                ("pod_annotation_profiles_grafana_com_trace_path", "/flight"),
                ("pod_annotation_gotracer_io_scheme", "https"),
            ]),
            r#"{__address__="10.0.0.1:80", __metrics_path__="/flight", __scheme__="https", namespace="shop", pod="cart-0", service="basket", version="2"}"#
        );
    }
}
