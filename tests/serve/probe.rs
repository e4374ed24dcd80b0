//! `/probe`: captures on request.

use std::fs;

use crate::scrape::scraping;
use crate::support::daemon::{Scratch, fixture, free_address, says};

#[test]
fn a_probe_answers_with_its_own_capture_and_reaches_only_known_targets() {
    let scratch = Scratch::new();
    let good = says("200 OK", fs::read(fixture("go1.25.5/http.trace")).unwrap());
    let nobody = free_address();
    let urls = [&good, &nobody].map(|address| format!("http://{address}"));
    let urls = [urls[0].as_str(), urls[1].as_str()];
    // They are not captured but for the probe.
    let gotracer = scraping(&urls, &scratch, &["--scrape.interval=60m"]);
    let probe = |target: &str| {
        let target = target.replace(':', "%3A");
        gotracer.get(&format!("/probe?target={target}"), "text/plain")
    };
    let answer = probe(&good).text();
    for line in ["probe_success 1", "gotrace_probe_gomaxprocs_threads 2"] {
        assert!(answer.contains(&format!("{line}\n")), "{answer}");
    }
    // Its metrics are gauges, and none has the name of one of /metrics.
    for line in answer.lines().filter(|line| !line.starts_with("# HELP")) {
        let name = line.strip_prefix("# TYPE ").unwrap_or(line);
        assert!(
            name.split('_').take(2).any(|part| part == "probe"),
            "{line}"
        );
        assert!(
            line.starts_with("# TYPE ") == line.ends_with(" gauge"),
            "{line}"
        );
    }
    let answer = probe(&nobody).text();
    let refused = "gotracer_probe_trace_failures{reason=\"refused\"} 1";
    for line in ["probe_success 0", refused] {
        assert!(answer.contains(&format!("{line}\n")), "{answer}");
    }
    assert_eq!(probe("169.254.169.254").status, 400);
}
