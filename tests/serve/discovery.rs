//! Targets that stand in files and on servers.

use std::fs;
use std::io::Write;
use std::sync::{Arc, Mutex};

use crate::support::daemon::{Running, Scratch, eventually_or, free_address, impostor};

/// A server that answers everything with what stands in it.
fn server(says: Arc<Mutex<String>>) -> String {
    impostor(move |mut stream| {
        let body = says.lock().unwrap().clone();
        let status = if body.is_empty() { "500 No" } else { "200 OK" };
        let head = format!("HTTP/1.1 {status}\r\nConnection: close\r\n");
        let _ = write!(stream, "{head}Content-Length: {}\r\n\r\n{body}", body.len());
    })
}

#[test]
fn lists_are_followed_and_bad_ones_change_nothing() {
    let scratch = Scratch::new();
    let list = scratch.path().join("targets.json");
    let target = |name: &str| {
        format!(
            r#"[{{"targets": ["{}"], "labels": {{"instance": "{name}"}}}}]"#,
            free_address()
        )
    };
    fs::write(&list, target("file1")).unwrap();
    let says = Arc::new(Mutex::new(target("http1")));
    let url = format!("http://{}/targets", server(Arc::clone(&says)));
    let config = scratch.path().join("gotracer.yml");
    let yaml = format!(
        "
scrape_configs:
- job_name: a
  scrape_interval: 1s
  file_sd_configs:
  - files: ['{}']
    refresh_interval: 60m
  http_sd_configs:
  - {{url: '{url}', refresh_interval: 200ms}}
  relabel_configs:
  - {{source_labels: [__meta_url], target_label: from}}
",
        list.display()
    );
    fs::write(&config, yaml).unwrap();
    let flag = format!("--config={}", config.display());
    let gotracer = Running::gotracer(&scratch.directory("in"), scratch.path(), &[&flag]);
    let traces = |instance: &str| {
        let from = match instance.starts_with("http") {
            true => format!("from=\"{url}\","),
            false => String::new(),
        };
        format!("gotracer_traces_total{{{from}instance=\"{instance}\",job=\"a\"}}")
    };
    let wait = |instance: &str, wanted: bool| {
        let holds = || (gotracer.sample(&traces(instance)).is_some() == wanted).then_some(());
        eventually_or(instance, || gotracer.log(), holds);
    };
    wait("file1", true);
    wait("http1", true);
    let refreshes = |family: &str, mechanism: &str| {
        gotracer.sample(&format!(
            "gotracer_sd_{family}{{mechanism=\"{mechanism}\",config=\"a\"}}"
        ))
    };
    let success = "last_refresh_success_timestamp_seconds";
    for mechanism in ["file", "http"] {
        assert_eq!(refreshes("refresh_failures_total", mechanism), Some(0.0));
        assert!(refreshes(success, mechanism) > Some(1e9));
    }
    // Lists that can't be read leave everything as it is.
    fs::write(&list, "[{\"targets\":").unwrap();
    *says.lock().unwrap() = String::new();
    let told = || (gotracer.log().matches("the previous targets stay").count() >= 2).then_some(());
    eventually_or("both failures are said", || gotracer.log(), told);
    for mechanism in ["file", "http"] {
        assert!(refreshes("refresh_failures_total", mechanism) > Some(0.0));
    }
    wait("file1", true);
    wait("http1", true);
    // Others replace them.
    fs::write(&list, target("file2")).unwrap();
    *says.lock().unwrap() = target("http2");
    wait("file2", true);
    wait("http2", true);
    wait("file1", false);
    wait("http1", false);
    // They are shown with what became of them.
    let last = |instance: &str| {
        let body = gotracer.get("/api/v1/targets", "").body;
        let document: serde_json::Value = serde_json::from_slice(&body).unwrap();
        let mut targets = document["data"]["activeTargets"].as_array().unwrap().iter();
        let found = targets.find(|t| t["labels"]["instance"] == instance);
        found.filter(|t| t["health"] == "down").cloned()
    };
    let last = eventually_or("file2 was asked", || gotracer.log(), || last("file2"));
    assert_eq!(last["reason"], "refused");
    assert!(last["lastScrape"].is_string(), "{last}");
    let page = gotracer.get("/", "").text();
    assert!(page.contains("refused: ") && page.contains("file2"));
    // A file that is moved into place is seen, too.
    let other = list.with_extension("new");
    fs::write(&other, target("file3")).unwrap();
    fs::rename(other, &list).unwrap();
    wait("file3", true);
    wait("file2", false);
    // A file that is deleted takes its targets along.
    fs::remove_file(&list).unwrap();
    wait("file3", false);
    wait("http2", true);
}

#[cfg(unix)]
#[test]
fn a_volume_of_kubernetes_is_swapped_as_a_whole() {
    use std::os::unix::fs::symlink;
    let scratch = Scratch::new();
    let volume = scratch.directory("volume");
    let write = |version: &str| {
        let directory = volume.join(version);
        fs::create_dir(&directory).unwrap();
        let list = format!(
            r#"[{{"targets": ["{}"], "labels": {{"instance": "{version}"}}}}]"#,
            free_address()
        );
        fs::write(directory.join("list.json"), list).unwrap();
        // As kubelet does: what the link leads to changes in one step.
        symlink(version, volume.join("..new")).unwrap();
        fs::rename(volume.join("..new"), volume.join("..data")).unwrap();
    };
    write("..one");
    symlink("..data/list.json", volume.join("list.json")).unwrap();
    let config = scratch.path().join("gotracer.yml");
    let files = format!(
        "file_sd_configs: [{{files: ['{}/*.json']}}]",
        volume.display()
    );
    fs::write(
        &config,
        format!("scrape_configs: [{{job_name: a, {files}}}]"),
    )
    .unwrap();
    let flag = format!("--config={}", config.display());
    let gotracer = Running::gotracer_with(scratch.path(), &[&flag], &[]);
    let wait = |instance: &str| {
        let series = format!("gotracer_traces_total{{instance=\"{instance}\",job=\"a\"}}");
        let known = || gotracer.sample(&series);
        eventually_or(instance, || gotracer.log(), known);
    };
    wait("..one");
    write("..two");
    wait("..two");
}
