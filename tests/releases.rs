//! How often a release is taken for a worse one that is not, and how often one
//! that is worse is found: over many releases, simulated from the captures of
//! hundreds of real programs (tests/compare).
#![cfg(feature = "daemon")]

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use gotracer::labels::Labels;
use gotracer::releases::{Releases, Settings};
use gotracer::report::{Report, saved};
use gotracer::rules;

/// Releases of each program.
const DRAWS: usize = 40;
/// For how many looks in a row, a minute apart, a version has to be worse until
/// somebody is told: fewer than the alerts want, which the captures at hand
/// would hardly reach.
const LOOKS: usize = 5;
/// As many as the alerts want.
const FOR: usize = 15;

const LEAK: &str = "GoroutineLeakGrowth";

/// The reports of a file, by what stands before the first dot of their names.
fn captures(name: &str) -> BTreeMap<String, Vec<Report>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/compare")
        .join(name);
    let text = zstd::decode_all(std::fs::File::open(path).unwrap()).unwrap();
    let mut all = BTreeMap::new();
    for report in saved::read(&text).unwrap() {
        let (program, _) = report.trace.source.split_once('.').unwrap();
        let program: &mut Vec<_> = all.entry(program.to_owned()).or_default();
        program.push(report);
    }
    all
}

/// The captures of each of several programs that run on.
fn instances(reports: &[Report]) -> Vec<Vec<Report>> {
    let mut all: BTreeMap<&str, Vec<Report>> = BTreeMap::new();
    for report in reports {
        let instance = report.trace.source.split('.').nth(1).unwrap();
        all.entry(instance).or_default().push(report.clone());
    }
    all.into_values().collect()
}

/// Numbers that look random, the same in every run.
struct Dice(u64);

impl Dice {
    fn shuffle<T>(&mut self, all: &mut [T]) {
        for i in (1..all.len()).rev() {
            // Knuth's MMIX.
            self.0 = self
                .0
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            all.swap(i, (self.0 >> 33) as usize % (i + 1));
        }
    }
}

/// What was said of a release.
#[derive(Debug, Default)]
struct Told {
    /// By which rules it was worse at each look, once it was looked at.
    looks: Vec<Vec<&'static str>>,
}

impl Told {
    fn at_the_end(&self, wanted: impl Fn(&str) -> bool) -> bool {
        let last = self.looks.last();
        last.is_some_and(|rules| rules.iter().any(|r| wanted(r)))
    }

    fn ever(&self, wanted: impl Fn(&str) -> bool + Copy) -> bool {
        self.looks
            .iter()
            .any(|rules| rules.iter().any(|r| wanted(r)))
    }

    /// By the same rule for so long that an alert fires.
    fn alerts(&self, looks: usize, wanted: impl Fn(&str) -> bool) -> bool {
        let rules = rules::RULES.iter().map(|rule| rule.name);
        rules.filter(|r| wanted(r)).any(|rule| {
            let worse: Vec<_> = self.looks.iter().map(|l| l.contains(&rule)).collect();
            worse.windows(looks).any(|w| w.iter().all(|w| *w))
        })
    }
}

/// A version runs, and then another one takes its place: each of their programs
/// is captured every minute.
fn release(base: &[Vec<Report>], new: &[Vec<Report>]) -> Told {
    release_after(Duration::ZERO, base, new)
}

/// The same, with a time for which programs are new.
fn release_after(warmup: Duration, base: &[Vec<Report>], new: &[Vec<Report>]) -> Told {
    let releases = Releases::default();
    releases.configure(Settings {
        warmup,
        min_observed: Duration::from_secs(10),
        current_for: Duration::from_secs(86_400),
        ..Settings::default()
    });
    let settings = |_: &str| rules::Settings::default();
    let minutes = |side: &[Vec<Report>]| side.iter().map(Vec::len).max().unwrap();
    let all = (minutes(base) + minutes(new)) as u32;
    let start = SystemTime::now() - all * Duration::from_secs(60);
    let mut told = Told::default();
    let mut minute = 0;
    for (version, side) in [("1", base), ("2", new)] {
        for n in 0..minutes(side) {
            let at = start + minute * Duration::from_secs(60);
            minute += 1;
            for (i, captures) in side.iter().enumerate() {
                let Some(report) = captures.get(n) else {
                    continue;
                };
                let mut report = report.clone();
                report.trace.start_time = at.try_into().ok();
                let target = [
                    ("service", "s"),
                    ("version", version),
                    ("instance", &i.to_string()),
                ];
                releases.record(&Labels::from_iter(target), &report, at);
            }
            if version == "2" {
                releases.settle(settings);
                let all = releases.all();
                let new = all.iter().find(|r| r.version == "2").unwrap();
                if let Some(comparison) = &new.comparison {
                    told.looks.push(comparison.worse().collect());
                }
            }
        }
    }
    told
}

/// Shares of releases.
#[derive(Debug, Default)]
struct Tally {
    releases: usize,
    end: usize,
    ever: usize,
    alerts: usize,
}

impl Tally {
    fn add(&mut self, told: &Told, wanted: impl Fn(&str) -> bool + Copy) {
        self.releases += 1;
        self.end += usize::from(told.at_the_end(wanted));
        self.ever += usize::from(told.ever(wanted));
        self.alerts += usize::from(told.alerts(LOOKS, wanted));
    }

    fn say(&self, what: &str) -> f64 {
        let share = |n: usize| 100.0 * n as f64 / self.releases as f64;
        println!(
            "{what}: {} releases; worse at the end {:.2} %, at any look {:.2} %, for {LOOKS} looks {:.2} %",
            self.releases,
            share(self.end),
            share(self.ever),
            share(self.alerts)
        );
        self.alerts as f64 / self.releases as f64
    }
}

/// Two sides of so many programs each, drawn from all that there are.
fn sides<'a>(
    all: &'a mut [Vec<Report>],
    n: usize,
    dice: &mut Dice,
) -> (&'a [Vec<Report>], &'a [Vec<Report>]) {
    dice.shuffle(all);
    all[..2 * n].split_at(n)
}

/// Runs that are no longer programs, shared out among programs.
fn dealt(runs: &[Report], programs: usize, dice: &mut Dice) -> Vec<Vec<Report>> {
    let mut runs = runs.to_vec();
    dice.shuffle(&mut runs);
    let each = runs.len() / programs;
    runs.chunks_exact(each).map(<[_]>::to_vec).collect()
}

/// The same programs, each with so many goroutines more in each minute.
fn with_more(programs: &[Vec<Report>], more: impl Fn(usize) -> f64) -> Vec<Vec<Report>> {
    let mut all = programs.to_vec();
    for captures in &mut all {
        for (minute, report) in captures.iter_mut().enumerate() {
            report.program.goroutines.start += more(minute) as u64;
            report.program.goroutines.end += more(minute) as u64;
        }
    }
    all
}

#[test]
fn the_same_release_under_another_name_is_no_worse() {
    let mut dice = Dice(1);
    let (mut leaks, mut others) = (Tally::default(), Tally::default());
    let mut add = |program: &str, told: &Told| {
        leaks.add(told, |rule| rule == LEAK);
        others.add(told, |rule| rule != LEAK);
        if told.alerts(LOOKS, |_| true) {
            println!("{program}: {:?}", told.looks.last());
        }
    };
    // Programs that run on.
    for (program, reports) in captures("fleet.json.zst") {
        let mut all = instances(&reports);
        for _ in 0..DRAWS {
            for n in [1, 3] {
                let (base, new) = sides(&mut all, n, &mut dice);
                add(&program, &release(base, new));
            }
        }
    }
    // Each capture a run of its own.
    for (program, runs) in captures("same.json.zst") {
        for _ in 0..DRAWS {
            let mut all = dealt(&runs, 4, &mut dice);
            let (base, new) = sides(&mut all, 2, &mut dice);
            add(&program, &release(base, new));
        }
    }
    let leaks = leaks.say("goroutines");
    let others = others.say("all else");
    assert!(leaks < 0.005 && others < 0.04, "{leaks} {others}");
}

#[test]
fn a_release_that_leaks_is_found() {
    let mut dice = Dice(2);
    let fleet = captures("fleet.json.zst");
    let (mut sane, mut leak) = (instances(&fleet["jobs"]), instances(&fleet["leak"]));
    for n in [1, 3] {
        let mut tally = Tally::default();
        for _ in 0..DRAWS {
            let (base, _) = sides(&mut sane, n, &mut dice);
            let (new, _) = sides(&mut leak, n, &mut dice);
            tally.add(&release(base, new), |rule| rule == LEAK);
        }
        let found = tally.say(&format!("a real leak of 20 each second, {n} programs"));
        assert!(found > 0.95, "{found}");
    }
    let same = captures("same.json.zst");
    for (n, an_hour, least) in [
        (1, 300.0, 0.0),
        (1, 1_000.0, 0.9),
        (1, 3_000.0, 0.9),
        (3, 100.0, 0.0),
        (3, 300.0, 0.9),
        (3, 1_000.0, 0.9),
    ] {
        let mut tally = Tally::default();
        for program in ["server", "locks", "jobs"] {
            let mut all = instances(&fleet[program]);
            for _ in 0..DRAWS / 4 {
                let (base, new) = sides(&mut all, n, &mut dice);
                let told = release(
                    base,
                    &with_more(new, |minute| an_hour * minute as f64 / 60.0),
                );
                tally.add(&told, |rule| rule == LEAK);
            }
        }
        for runs in same.values() {
            for _ in 0..DRAWS / 20 {
                let mut all = dealt(runs, 2 * n, &mut dice);
                let (base, new) = sides(&mut all, n, &mut dice);
                let told = release(
                    base,
                    &with_more(new, |minute| an_hour * minute as f64 / 60.0),
                );
                tally.add(&told, |rule| rule == LEAK);
            }
        }
        tally.say(&format!("{an_hour} an hour more, {n} programs"));
        let found = tally.end as f64 / tally.releases as f64;
        assert!(found >= least, "{an_hour}: {found}");
    }
}

#[test]
fn a_release_that_takes_over_the_load_is_no_leak() {
    let mut dice = Dice(4);
    let (mut releases, mut alerts) = (0, 0);
    for (program, reports) in captures("fleet.json.zst") {
        if program == "leak" {
            continue;
        }
        let mut all = instances(&reports);
        all.iter_mut()
            .for_each(|captures| captures.extend_from_within(..));
        for _ in 0..DRAWS / 4 {
            let (base, new) = sides(&mut all, 3, &mut dice);
            let new = with_more(new, |minute| 30.0 * minute.min(10) as f64);
            let told = release_after(Settings::default().warmup, base, &new);
            assert!(!told.at_the_end(|rule| rule == LEAK), "{program}");
            releases += 1;
            alerts += usize::from(told.alerts(FOR, |rule| rule == LEAK));
        }
    }
    println!("300 goroutines more in ten minutes, and no more: {alerts} alerts of {releases}");
    assert_eq!(alerts, 0);
}

#[test]
fn what_is_kept_is_bounded_however_much_there_is() {
    let directory = tempfile::tempdir().unwrap();
    let releases = Releases::kept_in(directory.path(), Arc::default()).unwrap();
    releases.configure(Settings {
        warmup: Duration::ZERO,
        ..Settings::default()
    });
    let reports = &captures("fleet.json.zst")["server"];
    let file = directory.path().join("releases.redb");
    let start = SystemTime::now() - Duration::from_secs(3_600);
    let mut sizes = Vec::new();
    for round in 0..3 {
        for (n, report) in reports.iter().cycle().take(500).enumerate() {
            for version in ["1", "2", "3"] {
                let instance = format!("10.0.0.{}:6060", n % 20);
                let target = [
                    ("service", "s"),
                    ("version", version),
                    ("instance", &instance),
                ];
                let at = start + Duration::from_secs(500 * round + n as u64);
                releases.record(&Labels::from_iter(target), report, at);
            }
            if n % 50 == 0 {
                releases.settle(|_| rules::Settings::default());
            }
        }
        sizes.push(file.metadata().unwrap().len());
    }
    println!("three versions with all that they may have: {sizes:?} bytes");
    assert!(sizes[2] < 3_000_000 && sizes[2] <= sizes[1], "{sizes:?}");
    releases.settle(|_| rules::Settings::default());
    let before = format!("{:?}", releases.all());
    drop(releases);
    let again = Releases::kept_in(directory.path(), Arc::default()).unwrap();
    again.settle(|_| rules::Settings::default());
    assert_eq!(format!("{:?}", again.all()), before);
}

#[test]
fn a_release_that_is_worse_otherwise_is_found() {
    let mut dice = Dice(3);
    let (same, worse) = (captures("same.json.zst"), captures("worse.json.zst"));
    for (fault, rule) in [
        ("pause", "GCPauseSpike"),
        ("sched", "HighSchedulingLatency"),
        ("lock", "MutexContention"),
        ("syscall", "BlockedOnSyscall"),
        ("leak", LEAK),
        ("heap", "HeapGrowthSpike"),
        ("assist", "GCAssist"),
    ] {
        for n in [1, 2] {
            let mut tally = Tally::default();
            for _ in 0..DRAWS / 4 {
                let base = dealt(&same["service"], n, &mut dice);
                let new = dealt(&worse[fault], n, &mut dice);
                tally.add(&release(&base, &new), |r| r == rule);
            }
            tally.say(&format!("{fault}, {n} programs"));
            assert!(
                tally.end * 10 >= tally.releases * 9,
                "{fault} {n}: {tally:?}"
            );
        }
    }
}
