use super::*;
use crate::report::sample;
use jiff::SignedDuration;
use std::time::Duration;

fn settings() -> Settings {
    Settings {
        warmup: Duration::ZERO,
        min_captures: 5,
        min_observed: Duration::from_secs(5),
        max_services: 3,
        max_versions: 5,
        ..Settings::default()
    }
}

fn service(name: &str) -> ServiceName {
    ServiceName::new("", name)
}

fn minute(n: i64) -> Timestamp {
    Timestamp::UNIX_EPOCH + SignedDuration::from_mins(n)
}

/// Captures every minute of three instances, whose goroutines grow.
fn roll_out(registry: &mut Registry, version: &str, (from, minutes): (i64, i64), growth: u64) {
    for n in 0..minutes {
        for i in ["a", "b", "c"] {
            let mut report = sample::report(i);
            report.trace.start_time = None;
            report.program.goroutines.end = 100 + growth * n as u64;
            registry.add(
                (&service("shop"), version, i),
                &report,
                minute(from + n),
                &settings(),
            );
        }
    }
}

fn judge(registry: &mut Registry, at: i64) -> Vec<News> {
    registry.judge(minute(at), &settings(), |_| rules::Settings::default())
}

fn comparison<'a>(registry: &'a Registry, version: &str) -> Option<&'a Comparison> {
    registry.services[&service("shop")][version]
        .comparison
        .as_deref()
}

#[test]
fn a_release_that_grows_goroutines_is_news_once() {
    let mut registry = Registry::default();
    roll_out(&mut registry, "1", (0, 20), 0);
    assert_eq!(judge(&mut registry, 20), []);
    assert!(comparison(&registry, "1").is_none());
    // Too slow for a single trace: six goroutines a minute.
    roll_out(&mut registry, "2", (10, 20), 6);
    let news = judge(&mut registry, 30);
    assert_eq!(news.len(), 1, "{news:?}");
    assert_eq!((&*news[0].version, &*news[0].previous), ("2", "1"));
    assert_eq!(news[0].rules, ["GoroutineLeakGrowth"]);
    registry.reconsider();
    assert_eq!(judge(&mut registry, 30), []);
    // The next version returns to the old level.
    roll_out(&mut registry, "3", (30, 20), 0);
    assert_eq!(judge(&mut registry, 50), []);
    let now = comparison(&registry, "3").unwrap();
    assert_eq!((now.previous.as_str(), now.worse().count()), ("2", 0));
    // A version that no longer runs has no verdict.
    registry.reconsider();
    judge(&mut registry, 30 + 65);
    assert!(comparison(&registry, "2").is_none() && comparison(&registry, "3").is_some());
}

#[test]
fn the_same_again_is_no_news() {
    let mut registry = Registry::default();
    for (n, version) in ["1", "2", "3"].into_iter().enumerate() {
        roll_out(&mut registry, version, (20 * n as i64, 20), 0);
        assert_eq!(judge(&mut registry, 20 * n as i64 + 20), []);
    }
    let told: Vec<_> = comparison(&registry, "3").unwrap().verdicts().collect();
    assert!(!told.is_empty() && told.iter().all(|(_, worse)| !worse));
}

#[test]
fn services_and_versions_are_bounded_and_what_goes_is_deleted() {
    let mut registry = Registry::default();
    let mut stored = BTreeSet::new();
    let mut keep = |registry: &mut Registry| {
        for Op { record, value } in registry.take_ops() {
            match value {
                Some(_) => stored.insert(record),
                None => stored.remove(&record),
            };
        }
        stored.len()
    };
    for n in 0..12 {
        roll_out(&mut registry, &format!("1.{n}"), (20 * n, 9), 0);
        keep(&mut registry);
    }
    let shop = &registry.services[&service("shop")];
    let names: Vec<_> = shop.keys().map(String::as_str).collect();
    assert_eq!(names, ["1.10", "1.11", "1.7", "1.8", "1.9"]);
    assert_eq!(shop["1.8"].version.evidence().0, 0);
    assert_eq!(shop["1.9"].version.evidence().0, 27);
    assert_eq!(keep(&mut registry), 5 + COMPARED * 27);
    let all = registry.all_ops().len();
    assert_eq!(all, 5 + COMPARED * 27);
    for n in 0..9 {
        let name = service(&format!("s{n}"));
        registry.add(
            (&name, "1", ""),
            &sample::report("a"),
            minute(1_000 + n),
            &settings(),
        );
    }
    let names: Vec<_> = registry.services.keys().map(ServiceName::service).collect();
    assert_eq!(names, ["s6", "s7", "s8"]);
    assert_eq!(keep(&mut registry), 3 * 2);
}
