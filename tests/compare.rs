//! How often chance is taken for change, and whether change is found: over
//! reports of hundreds of real runs (tests/compare).

use std::collections::BTreeMap;
use std::path::Path;

use gotracer::compare::{Baseline, Comparison, Options, Verdict, compare};
use gotracer::report::{Report, Severity, saved};

/// The reports of a file, by program.
fn runs(name: &str) -> BTreeMap<String, Vec<Report>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/compare")
        .join(name);
    let file = std::fs::File::open(path).unwrap();
    let text = zstd::decode_all(file).unwrap();
    let mut runs = BTreeMap::new();
    for report in saved::read(&text).unwrap() {
        let (program, _) = report.trace.source.split_once('.').unwrap();
        let program: &mut Vec<_> = runs.entry(program.to_owned()).or_default();
        program.push(report);
    }
    runs
}

/// The `i`th of a row of samples of `n` runs each, disjoint as far as they go.
fn sample(runs: &[Report], i: usize, n: usize) -> Vec<Report> {
    // Coprime to the number of runs: neighbours in time are far apart.
    let at = |k: usize| (i * n + k) * 29 % runs.len();
    (0..n).map(|k| runs[at(k)].clone()).collect()
}

#[derive(Default, Debug)]
struct Tally {
    pairs: u32,
    changed: u32,
    worse: u32,
}

impl Tally {
    fn add(&mut self, c: &Comparison) {
        let (worse, better) = (c.count(Verdict::Regression), c.count(Verdict::Improvement));
        self.pairs += 1;
        self.worse += u32::from(worse > 0);
        self.changed += u32::from(worse + better > 0);
    }

    fn share(&self, of: u32) -> f64 {
        f64::from(of) / f64::from(self.pairs)
    }
}

#[test]
fn runs_of_the_same_program_compare_as_no_change() {
    let same = runs("same.json.zst");
    assert_eq!(same.len(), 12);
    let options = Options::default();
    for n in [1, 3, 5] {
        let mut all = Tally::default();
        for (program, runs) in &same {
            assert_eq!(runs.len(), 64, "{program}");
            let mut tally = Tally::default();
            let samples: Vec<_> = (0..64 / n).map(|i| sample(runs, i, n)).collect();
            for (i, base) in samples.iter().enumerate() {
                for new in &samples[i + 1..] {
                    tally.add(&compare(base, new, &options));
                }
            }
            println!("{n} of {program}: {tally:?}");
            all.pairs += tally.pairs;
            all.changed += tally.changed;
            all.worse += tally.worse;
        }
        let (changed, worse) = (all.share(all.changed), all.share(all.worse));
        println!(
            "{n}: {all:?}: {:.2} % differ, {:.2} % are worse",
            100.0 * changed,
            100.0 * worse
        );
        assert!(changed < 0.05 && worse < 0.025, "{n}: {all:?}");
    }
}

#[test]
fn what_was_made_worse_on_purpose_is_found() {
    let (same, worse) = (runs("same.json.zst"), runs("worse.json.zst"));
    let options = Options::default();
    for (fault, rule, sizes) in [
        ("pause", "GCPauseSpike", &[1, 3][..]),
        ("sched", "HighSchedulingLatency", &[1, 3]),
        ("lock", "MutexContention", &[1, 3]),
        ("syscall", "BlockedOnSyscall", &[1, 3]),
        ("leak", "GoroutineLeakGrowth", &[1, 3]),
        ("heap", "HeapGrowthSpike", &[1, 3]),
        ("assist", "GCAssist", &[1, 3]),
        // How long processors stand idle beside work differs so much from run
        // to run that a single pair can't tell.
        ("starve", "ProcessorStarvation", &[3]),
    ] {
        for &n in sizes {
            for i in 0..16 / n {
                let base = sample(&same["service"], i, n);
                let c = compare(&base, &sample(&worse[fault], i, n), &options);
                let signal = c.signals.iter().find(|s| s.rule.name == rule).unwrap();
                let found = |v| signal.changes.iter().any(|c| c.verdict == v);
                assert!(found(Verdict::Regression), "{fault} {n} {i}: {signal:?}");
                assert!(!found(Verdict::Improvement), "{fault} {n} {i}");
            }
        }
    }
}

#[test]
fn what_leaks_is_shown_where_it_is_created() {
    let (same, worse) = (runs("same.json.zst"), runs("worse.json.zst"));
    let c = compare(
        &same["service"][..1],
        &worse["leak"][..1],
        &Options::default(),
    );
    let [site] = &c.sites[..] else {
        panic!("{:?}", c.sites);
    };
    assert_eq!(site.place.function, "main.(*job).do");
    assert!(site.growth() > 500.0, "{site:?}");
    let back = compare(
        &worse["leak"][..1],
        &same["service"][..1],
        &Options::default(),
    );
    assert!(back.sites[0].growth() < -500.0);
}

/// A run may have a finding that no earlier run had. The baseline knows most of the others, and one of several runs knows
/// more than one of a single run.
#[test]
fn a_baseline_of_a_few_runs_knows_what_the_next_one_finds() {
    for (n, known) in [(1, 0.5), (5, 0.75)] {
        let (mut new, mut failed) = (0, 0);
        for runs in runs("same.json.zst").into_values() {
            for i in 0..(64 / n) - 1 {
                let baseline = Baseline::new(&sample(&runs, i, n));
                let mut next = sample(&runs, i + 1, n).remove(0);
                failed += u32::from(next.worst() >= Some(Severity::Warn));
                baseline.apply(&mut next);
                new += u32::from(next.worst() >= Some(Severity::Warn));
            }
        }
        assert!(failed > 40, "too few runs with findings to tell: {failed}");
        let share = 1.0 - f64::from(new) / f64::from(failed);
        assert!(
            share > known,
            "a baseline of {n} knows {share} of {failed} runs"
        );
    }
}
