//! A real Go service is rolled out anew: the build that leaks goroutines is
//! found, and the one that does not is not.
#![cfg(unix)]

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::prometheus::{configured, query};
use crate::support::daemon::{Running, Scratch, eventually_or, program};
use crate::support::endpoint::{Endpoint, build};

/// Programs of a version.
const REPLICAS: usize = 2;

/// Services with the programs that run.
struct Fleet {
    list: PathBuf,
    running: Vec<(&'static str, &'static str, Endpoint)>,
}

impl Fleet {
    fn start(&mut self, service: &'static str, version: &'static str, binary: &Path) {
        let program = Endpoint::run(binary, &["-jobs", "25"]);
        self.running.push((service, version, program));
        self.publish();
    }

    /// Program for program, a version takes the place of another one.
    fn roll_out(
        &mut self,
        service: &'static str,
        [from, to]: [&'static str; 2],
        binary: &Path,
        healthy: impl Fn(usize),
    ) {
        for n in 1..=REPLICAS {
            self.start(service, to, binary);
            healthy(n);
            let old = |(s, v, _): &(&str, &str, Endpoint)| (*s, *v) == (service, from);
            let old = self.running.iter().position(old).unwrap();
            self.running.remove(old);
            self.publish();
        }
    }

    /// Says who runs, as a discovery would.
    fn publish(&self) {
        let groups = self.running.iter().map(|(service, version, program)| {
            json!({
                "targets": [program.address],
                "labels": {"service": service, "version": version},
            })
        });
        let new = self.list.with_extension("new");
        fs::write(&new, groups.collect::<Value>().to_string()).unwrap();
        fs::rename(new, &self.list).unwrap();
    }
}

fn gotracer(scratch: &Scratch, list: &Path) -> Running {
    let yaml = format!(
        "
releases: {{warmup: 0s, min_captures: 12, min_observed: 5s}}
scrape_configs:
- job_name: fleet
  scrape_interval: 1500ms
  seconds: 1
  file_sd_configs: [{{files: ['{}'], refresh_interval: 1s}}]
",
        list.display()
    );
    let config = scratch.config(yaml);
    let storage = format!("--storage.path={}", scratch.path().join("state").display());
    Running::gotracer_with(scratch.path(), &[&config, &storage, "--jobs=2"], &[])
}

/// The rules as they are, but that nothing has to hold for long.
fn prometheus(binary: &Path, gotracer: &Running, scratch: &Scratch) -> Running {
    let rules = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/prometheus/alerts.yml");
    let rules = fs::read_to_string(rules).unwrap();
    let own = scratch.path().join("alerts.yml");
    fs::write(&own, rules.replace("for: 15m", "for: 2s")).unwrap();
    let yaml = format!(
        "
global: {{scrape_interval: 500ms, scrape_timeout: 500ms, evaluation_interval: 500ms}}
rule_files: ['{}']
scrape_configs:
- job_name: gotracer
  honor_labels: true
  static_configs: [{{targets: ['{}']}}]
",
        own.display(),
        gotracer.address
    );
    configured(binary, &yaml, scratch, &[])
}

fn series(family: &str, service: &str, version: &str, more: &str) -> String {
    format!("{family}{{service=\"{service}\",version=\"{version}\"{more}}}")
}

const LEAK: &str = ",rule=\"GoroutineLeakGrowth\"";

/// Waits until a sample is what it is to be.
fn wait(gotracer: &Running, series: &str, good: impl Fn(f64) -> bool) -> f64 {
    let log = || format!("{:?}\n{}", gotracer.sample(series), gotracer.log());
    eventually_or(series, log, || gotracer.sample(series).filter(|v| good(*v)))
}

/// Which versions the alert on goroutines was about, ever.
fn alerted(prometheus: &Running) -> Vec<String> {
    let alert = "ALERTS{alertname='ReleaseGrowsGoroutines',alertstate='firing'}";
    let ever = query(prometheus, &format!("max_over_time({alert}[1h])"));
    let text = |v: &Value| v.as_str().unwrap_or_default().to_owned();
    let version = |v: &Value| {
        let labels = &v["metric"];
        format!("{} {}", text(&labels["service"]), text(&labels["version"]))
    };
    ever.iter().map(version).collect()
}

#[test]
fn a_release_that_leaks_goroutines_is_found_and_the_same_again_is_not() {
    let (Some(go), Some(binary)) = (program("go"), program("prometheus")) else {
        return;
    };
    let scratch = Scratch::new();
    let sane = build(&go, &scratch, "sane", &[]);
    let leaking = build(&go, &scratch, "leaking", &["-tags", "leak"]);
    let mut fleet = Fleet {
        list: scratch.path().join("targets.json"),
        running: Vec::new(),
    };
    for _ in 0..REPLICAS {
        fleet.start("shop", "1.0", &sane);
        fleet.start("cart", "1.0", &sane);
    }
    let mut gotracer = gotracer(&scratch, &fleet.list);
    let prometheus_of = |gotracer: &Running| prometheus(&binary, gotracer, &scratch);
    let prometheus = prometheus_of(&gotracer);
    let captures = |s: &str, v: &str| series("gotrace_release_captures_total", s, v, "");
    for service in ["shop", "cart"] {
        wait(&gotracer, &captures(service, "1.0"), |n| n >= 12.0);
    }

    // The same build under another name, and one that leaks.
    let healthy = |service: &'static str, version: &'static str| {
        let (gotracer, captures) = (&gotracer, captures(service, version));
        move |n: usize| {
            wait(gotracer, &captures, |all| all >= 3.0 * n as f64);
        }
    };
    fleet.roll_out("cart", ["1.0", "1.1"], &sane, healthy("cart", "1.1"));
    fleet.roll_out("shop", ["1.0", "2.0"], &leaking, healthy("shop", "2.0"));
    let regression = |s, v| series("gotrace_release_regression", s, v, LEAK);
    wait(&gotracer, &regression("shop", "2.0"), |v| v == 1.0);
    let fires = || format!("{:?}\n{}", alerted(&prometheus), prometheus.log());
    eventually_or("the alert fires", fires, || {
        (alerted(&prometheus) == ["shop 2.0"]).then_some(())
    });
    // There is as much evidence on the same build, and nothing was found.
    wait(&gotracer, &captures("cart", "1.1"), |n| n >= 20.0);
    assert_eq!(wait(&gotracer, &regression("cart", "1.1"), |_| true), 0.0);
    assert_eq!(alerted(&prometheus), ["shop 2.0"]);
    assert!(gotracer.log().contains("this release is worse"));

    // Who is told sees where.
    let told = gotracer.get("/api/v1/releases", "").text();
    let told: Value = serde_json::from_str(&told).unwrap();
    let all = told["data"].as_array().unwrap();
    let is = |v: &&Value| v["service"] == "shop" && v["version"] == "2.0";
    let shop = &all.iter().find(is).unwrap()["comparison"];
    assert_eq!(shop["previous_version"], "1.0");
    let worst = &shop["goroutines"][0];
    assert_eq!(worst["place"]["function"], "main.handle", "{shop:#}");
    assert!(worst["new"]["left_per_second"].as_f64().unwrap() > 5.0);
    let page = gotracer.get("/releases", "").text();
    assert!(page.contains("main.handle work.go:"), "{page}");

    // Killed, it still knows all of it, down to the verdict.
    let known = |gotracer: &Running| {
        let all = [("shop", "1.0"), ("shop", "2.0"), ("cart", "1.1")];
        all.map(|(s, v)| gotracer.sample(&captures(s, v)).unwrap_or_default())
    };
    let before = known(&gotracer);
    // What is older than a second is stored.
    wait(&gotracer, &captures("shop", "2.0"), |n| {
        n >= before[1] + 3.0
    });
    gotracer.signal("-KILL");
    gotracer.wait();
    fleet.running.clear();
    fleet.publish();
    let again = self::gotracer(&scratch, &fleet.list);
    wait(&again, &regression("shop", "2.0"), |v| v == 1.0);
    let after = known(&again);
    let kept = before
        .iter()
        .zip(after)
        .all(|(before, after)| after >= *before);
    assert!(kept, "{before:?} {after:?}");
}
