//! Several share an archive.

use super::*;

/// What each of so many shards analyses.
fn shares(total: u32, of: impl Fn(u32) -> BTreeSet<String>) -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    for ordinal in 0..total {
        for name in of(ordinal) {
            assert!(all.insert(name.clone()), "{name} is analysed twice");
        }
    }
    all
}

#[test]
fn each_trace_is_one_shards_wherever_it_is() {
    let (root, names) = directory();
    let root = format!("{}/", root.path().display());
    let server = S3::start();
    if let Some(server) = &server {
        archive(|name, path| server.add(&format!("archive/{name}"), path));
    }
    let local = |ordinal: u32| {
        let shard = format!("--shard={ordinal}");
        let asked = [
            "--recursive",
            "--format=json",
            &shard,
            "--total-shards=3",
            &root,
        ];
        sources(&reports(analyze(None, &asked), &root, 0))
    };
    assert_eq!(shares(3, local), names);
    let Some(server) = &server else { return };
    let url = server.url("archive/");
    let pod = |ordinal: u32| {
        let mut command = analyze(Some(server), &["--format=json", &url]);
        command.env("JOB_COMPLETION_INDEX", ordinal.to_string());
        command.env("GOTRACER_TOTAL_SHARDS", "3");
        let sources = sources(&reports(command, &url, 0));
        assert_eq!(sources, local(ordinal), "a name decides, not where it is");
        sources
    };
    assert_eq!(shares(3, pod), names);
}

#[test]
fn a_shard_without_a_trace_has_nothing_to_complain_of() {
    let (root, name) = (tempfile::tempdir().unwrap(), "only.trace");
    fs::copy(support::fixture("1.25.5", "idle"), root.path().join(name)).unwrap();
    let root = root.path().display().to_string();
    let said = |ordinal: u32| {
        let shard = format!("--shard={ordinal}");
        let output = with_code(analyze(None, &[&shard, "--total-shards=2", &root]), 0);
        text(&output.stderr)
    };
    let mut both = [said(0), said(1)];
    both.sort();
    assert_eq!(both[0], "");
    assert!(
        both[1].contains("none of the 1 traces is for shard "),
        "{}",
        both[1]
    );
}

#[test]
fn a_pod_that_knows_half_says_what_it_lacks() {
    let trace = support::fixture("1.25.5", "idle").display().to_string();
    let said = |index: Option<&str>, more: &[&str]| {
        let mut command = analyze(None, &[&[trace.as_str()], more].concat());
        command.envs(index.map(|i| ("JOB_COMPLETION_INDEX", i)));
        text(&with_code(command, 2).stderr)
    };
    let job = said(Some("3"), &[]);
    assert!(
        job.contains("set --total-shards or GOTRACER_TOTAL_SHARDS to it"),
        "{job}"
    );
    let wrong = said(Some("3"), &["--total-shards=3"]);
    assert!(wrong.contains("there is no shard 3 of 3"), "{wrong}");
    assert!(said(None, &["--shard=0"]).contains("give --total-shards"));
    assert!(said(None, &["--total-shards=2"]).contains("give --shard"));
}
