//! What kube-score finds in the rendered chart.

use std::fs;
use std::process::Command;

use crate::support::tools::built_by;
use crate::tools::{chart, examples, tools};

/// Checks that the chart fails on purpose:
/// - tags of images are versions, so nodes need not pull an image at each start;
/// - a NetworkPolicy is on if evidence is kept; otherwise it is the cluster's choice, and the pod of
///   `helm test` needs none;
/// - a pod above a limit of ephemeral storage is evicted with its evidence, whose size
///   `max_bytes` bounds.
const IGNORED: &str = "container-image-pull-policy,pod-networkpolicy,\
                       container-ephemeral-storage-request-and-limit";

#[test]
fn kube_score_finds_nothing_critical() {
    let Some(tools) = tools() else { return };
    let Some(directory) = built_by("kubernetes/score.sh") else {
        return;
    };
    let binary = directory.join("kube-score");
    let scratch = tempfile::tempdir().unwrap();
    let mut scored = 0;
    for (name, values) in examples() {
        let manifests = tools.template(&chart(), &["--values", &values]).unwrap();
        let file = scratch.path().join(format!("{name}.yaml"));
        fs::write(&file, manifests).unwrap();
        // A CPU limit would throttle the analysis.
        let output = Command::new(&binary)
            .args([
                "score",
                "--output-format=ci",
                "--ignore-container-cpu-limit",
            ])
            .arg(format!("--ignore-test={IGNORED}"))
            .arg(&file)
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stdout);
        let critical: Vec<_> = text.lines().filter(|l| l.contains("[CRITICAL]")).collect();
        assert!(
            output.status.success() && critical.is_empty(),
            "{name}: {critical:#?}"
        );
        scored += text.matches("[OK]").count();
    }
    assert!(scored > 100, "{scored}");
}
