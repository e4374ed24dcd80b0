//! What of the metrics is wanted, and that targets that go take theirs along.

use std::fs;

use crate::support::{Running, Scratch, eventually_or, fixture};

#[test]
fn families_places_and_the_whole_endpoint_are_a_matter_of_configuration() {
    let scratch = Scratch::new();
    let directory = scratch.directory("in");
    let leak = "go1.27.3/goroutine_leak.trace";
    fs::copy(fixture(leak), directory.join("a.trace")).unwrap();
    let config = scratch.path().join("gotracer.yml");
    let write = |text: &str| fs::write(&config, text).unwrap();
    write(
        "prometheus: {disabled_families: ['process_*', gotrace_syscall_seconds], goroutine_places: 1}\n",
    );
    let flag = format!("--config={}", config.display());
    let gotracer = Running::gotracer(&directory, scratch.path(), &[&flag]);
    gotracer.wait_sample("gotracer_traces_total", 1.0);
    let text = gotracer.get("/metrics", "").text();
    assert!(!text.contains("process_") && !text.contains("gotrace_syscall"));
    for (series, value) in [
        ("gotrace_goroutines", 301.0),
        ("gotrace_goroutines_peak", 301.0),
        ("gotrace_goroutine_creations_total", 300.0),
        ("gotrace_goroutine_exits_total", 0.0),
        ("gotrace_gomaxprocs_threads", 2.0),
        (
            "gotrace_goroutine_creations_by_place_total{place=\"other\"}",
            50.0,
        ),
        (
            "gotrace_goroutine_exits_by_place_total{place=\"other\"}",
            0.0,
        ),
    ] {
        assert_eq!(gotracer.sample(series), Some(value), "{series}\n{text}");
    }
    let place =
        "gotrace_goroutine_creations_by_place_total{place=\"main.leakReceive goroutines.go:";
    assert!(text.contains(place), "{text}");

    let shown = gotracer.get("/config", "").text();
    assert!(shown.contains("goroutine_places: 1"), "{shown}");
    #[cfg(unix)]
    {
        // A bad file changes nothing.
        write("prometheus: {disabled_families: [gotrace_nothing]}\n");
        gotracer.signal("-HUP");
        gotracer.wait_sample("gotracer_config_last_reload_successful", 0.0);
        assert_eq!(gotracer.sample("process_threads"), None);
        write("prometheus: {enabled: false}\n");
        gotracer.signal("-HUP");
        let gone = || (gotracer.get("/metrics", "").status == 404).then_some(());
        eventually_or("there are no metrics", || gotracer.log(), gone);
        assert_eq!(gotracer.get("/-/healthy", "").status, 200);
    }
}

#[test]
fn exemplars_name_the_finding_and_its_place() {
    let scratch = Scratch::new();
    let directory = scratch.directory("in");
    fs::copy(
        fixture("go1.27.3/mutex_long.trace"),
        directory.join("a.trace"),
    )
    .unwrap();
    let gotracer = Running::gotracer(&directory, scratch.path(), &[]);
    gotracer.wait_sample("gotracer_traces_total", 1.0);
    let text = gotracer.get("/metrics", "application/openmetrics-text;version=1.0.0");
    let text = text.text();
    let found = text.lines().find(|l| {
        l.starts_with("gotrace_findings_total{rule=\"MutexContention\"") && l.contains(" # {")
    });
    let found = found.unwrap_or_else(|| panic!("{text}"));
    assert!(
        found.contains("finding=\"") && found.contains("function=\"main."),
        "{found}"
    );
}
