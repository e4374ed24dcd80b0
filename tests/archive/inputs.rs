//! Buckets are read as directories are.

use super::*;

#[test]
fn a_bucket_tells_what_a_directory_does() {
    let Some(server) = S3::start() else { return };
    let (root, names) = directory();
    archive(|name, path| server.add(&format!("deep/archive/{name}"), path));
    // Neither of them is in it.
    server.add(
        "deep/archives/x.trace",
        &root.path().join(names.first().unwrap()),
    );
    fs::write(server.file("deep/archive/notes.json"), "{}").unwrap();

    let local = format!("{}/", root.path().display());
    let here = analyze(None, &["--recursive", "--format=json", &local]);
    let here = reports(here, &local, 0);
    assert_eq!(sources(&here), names);
    let url = server.url("deep/archive");
    let there = analyze(Some(&server), &["--jobs=5", "--format=json", &url]);
    let there = reports(there, &format!("{url}/"), 0);
    assert!(here == there);
}

#[test]
fn an_object_may_be_named_and_compressed() {
    let Some(server) = S3::start() else { return };
    let plain = support::fixture("1.25.5", "mutex_long");
    let bytes = fs::read(&plain).unwrap();
    server.add("one.trace", &plain);
    fs::write(
        server.file("two.trace.zst"),
        zstd::encode_all(&bytes[..], 3).unwrap(),
    )
    .unwrap();
    let found = |key: &str| {
        let url = server.url(key);
        let reports = reports(analyze(Some(&server), &["--format=json", &url]), "", 0);
        assert_eq!(sources(&reports), [url].into());
        reports[0]["findings"].clone()
    };
    assert_eq!(found("one.trace"), found("two.trace.zst"));
    // What is not there is said, and what is no trace.
    fs::write(server.file("three.trace"), "nothing").unwrap();
    for (key, why) in [
        ("none.trace", "there is no such object, and none below it"),
        ("three.trace", "not a Go execution trace"),
    ] {
        let output = with_code(analyze(Some(&server), &[&server.url(key)]), 2);
        let error = text(&output.stderr);
        assert!(
            error.contains(&server.url(key)) && error.contains(why),
            "{error}"
        );
    }
}

#[test]
fn what_is_broken_holds_nothing_up() {
    let Some(server) = S3::start() else { return };
    let names = archive(|name, path| server.add(name, path));
    let whole = fs::read(support::fixture("1.25.5", "mutex_long")).unwrap();
    fs::write(
        server.file("broken.trace"),
        [&whole[..16], &[0xff; 1000]].concat(),
    )
    .unwrap();
    let zstd = zstd::encode_all(&whole[..], 3).unwrap();
    fs::write(server.file("half.trace.zst"), &zstd[..zstd.len() / 2]).unwrap();
    fs::write(server.file("short.trace"), &whole[..whole.len() - 100]).unwrap();
    let url = server.url("");
    let output = analyze(Some(&server), &["--format=json", &url])
        .output()
        .unwrap();
    let error = text(&output.stderr);
    for name in ["broken.trace", "half.trace.zst", "short.trace"] {
        assert!(error.contains(&server.url(name)), "{name}: {error}");
    }
    let reports = reports(analyze(Some(&server), &["--format=json", &url]), &url, 2);
    assert!(sources(&reports).is_superset(&names));
    assert!(sources(&reports).contains("short.trace"));
}

#[test]
fn directories_are_entered_if_asked_for() {
    let (root, names) = directory();
    let root = format!("{}/", root.path().display());
    let output = with_code(analyze(None, &[&root]), 2);
    let error = text(&output.stderr);
    assert!(
        error.contains("--recursive includes its subdirectories"),
        "{error}"
    );
    let asked = ["--format=json", PATTERN, &root];
    assert_eq!(sources(&reports(analyze(None, &asked), &root, 0)), names);
}

#[test]
#[cfg(not(feature = "parquet"))]
fn who_lacks_tables_is_told_so() {
    let trace = support::fixture("1.25.5", "idle").display().to_string();
    let output = with_code(analyze(None, &["--format=parquet=x", &trace]), 2);
    let error = text(&output.stderr);
    assert!(
        error.contains("build it with --features parquet"),
        "{error}"
    );
}

#[test]
fn services_have_thresholds_of_their_own() {
    let (root, _) = directory();
    let config = root.path().join(".gotracer.yml");
    let text = "services: {mutex_contention: {rules: {MutexContention: {enabled: false}}}}";
    fs::write(&config, text).unwrap();
    let config = format!("--config={}", config.display());
    let root = format!("{}/", root.path().display());
    let found = |more: &[&str]| {
        let asked = [&["--recursive", "--format=json", &root][..], more].concat();
        let reports = reports(analyze(None, &asked), &root, 0);
        let of = |name: &str| {
            let mine =
                |r: &&serde_json::Value| r["trace"]["source"].as_str().unwrap().starts_with(name);
            let findings = reports
                .iter()
                .filter(mine)
                .flat_map(|r| r["findings"].as_array().unwrap());
            findings.filter(|f| f["rule"] == "MutexContention").count()
        };
        (of("mutex_contention/"), of("mutex_stuck/"))
    };
    let (own, others) = found(&[]);
    assert!(own > 0 && others > 0);
    assert_eq!(found(&[&config, PATTERN]), (0, others));
}
