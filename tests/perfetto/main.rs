//! What `gotracer export perfetto` writes, as Perfetto's own trace processor
//! reads it.

#[path = "../support/mod.rs"]
mod support;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use serde_json::{Value, json};
use support::{fixture, gotracer, tests_dir, tools};
use tempfile::TempDir;

/// Returns the path of the trace processor.
fn processor() -> Option<&'static Path> {
    static INSTALLED: OnceLock<Option<PathBuf>> = OnceLock::new();
    let installed = INSTALLED.get_or_init(|| tools::built_by("perfetto/install.sh"));
    installed.as_deref()
}

/// A trace in Perfetto's form, and the processor to ask about it.
struct Export {
    processor: &'static Path,
    file: PathBuf,
    _directory: TempDir,
}

impl Export {
    fn of(processor: &'static Path, trace: &Path, args: &[&str]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("trace.pftrace");
        let mut command = gotracer();
        command.args(["export", "perfetto", "--output"]).arg(&file);
        let output = command.arg(trace).args(args).output().unwrap();
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{}: {error}", trace.display());
        Self {
            processor,
            file,
            _directory: directory,
        }
    }

    /// The rows that each query gives.
    fn ask(&self, queries: &Value) -> Value {
        let mut node = Command::new("node")
            .arg(tests_dir("perfetto/query.mjs"))
            .args([self.processor, &self.file])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("node");
        let text = queries.to_string();
        let mut input = node.stdin.take().unwrap();
        input.write_all(text.as_bytes()).unwrap();
        drop(input);
        let output = node.wait_with_output().unwrap();
        assert!(output.status.success(), "{queries}");
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// The rows of one query.
    fn rows(&self, query: &str) -> Vec<Value> {
        let mut answer = self.ask(&json!({ "rows": query }));
        serde_json::from_value(answer["rows"].take()).unwrap()
    }
}

/// The report of a trace.
fn report(trace: &Path) -> Value {
    let output = gotracer()
        .args(["analyze", "--fail-on=never", "--format=json"])
        .arg(trace)
        .output()
        .unwrap();
    let mut report: Value = serde_json::from_slice(&output.stdout).unwrap();
    report["reports"][0].take()
}

/// States of the program's goroutines.
const OF_PROGRAM: &str = "slice s join track t on t.id = s.track_id \
    join track f on f.id = t.parent_id join track g on g.id = f.parent_id \
    where g.name = 'Goroutines of the program'";

#[test]
fn the_numbers_are_those_of_the_analysis() {
    let Some(processor) = processor() else {
        return;
    };
    let (mut stops, mut waits, mut found) = (0, 0, 0);
    for (version, name) in [
        ("1.19", "mutex_contention"),
        ("1.19", "annotations"),
        ("1.21.13", "sched_latency"),
        ("1.22.10", "other_stw"),
        ("1.23.9", "gc_pause"),
        ("1.25.5", "gc_assist"),
        ("1.25.5", "http"),
        ("1.27.3", "proc_starvation"),
        ("1.27.3", "cgo_callback"),
        ("1.27.3", "heap_spike"),
    ] {
        let trace = fixture(version, name);
        let report = report(&trace);
        let export = Export::of(processor, &trace, &[]);
        let sum = "count(*) count, coalesce(sum(s.dur), 0) sum";
        let on = "from slice s join track t on t.id = s.track_id where";
        let answer = export.ask(&json!({
            "complaints": "select name from stats where value > 0 and severity != 'info'",
            "open": "select name from slice where dur < 0",
            "overlaps": format!("select t.name {on} depth > 0 and s.dur > 0 and t.name not glob '*regions'"),
            "HighSchedulingLatency": format!("select {sum} from slice s where name = 'runnable'"),
            "MutexContention": format!("select {sum} from slice s where name = 'waiting: lock'"),
            "BlockedOnSyscall": format!("select {sum} from {OF_PROGRAM} and s.name = 'syscall'"),
            "ProcessorStarvation": format!("select {sum} from slice s where name = 'starvation'"),
            "GCPauseSpike": format!("select {sum} {on} t.name = 'World stopped' and s.name glob 'GC *'"),
            "findings": "select s.name from slice s join track t on t.id = s.track_id \
                where t.parent_id = (select id from track where name = 'Findings')",
            "heap": "select max(value) max from counter c join track t on t.id = c.track_id \
                where t.name = 'Heap'",
            "live": "select value from counter c join track t on t.id = c.track_id \
                where t.name = 'Live heap' order by ts desc limit 1",
        }));
        let of = format!("Go {version} {name}");
        for nothing in ["complaints", "open", "overlaps"] {
            assert_eq!(answer[nothing], json!([]), "{of}: {nothing}");
        }
        let rules = report["rules"].as_array().unwrap();
        let collected = rules
            .iter()
            .any(|r| r["rule"] == "GCPauseSpike" && r["measurement"]["count"] != 0);
        for rule in rules {
            let (rule, measured) = (rule["rule"].as_str().unwrap(), &rule["measurement"]);
            // The rule leaves out the collector's goroutines.
            let unsure = rule == "HighSchedulingLatency" && collected;
            if answer[rule].is_null() || unsure {
                continue;
            }
            let drawn = &answer[rule][0];
            for part in ["count", "sum"] {
                assert_eq!(drawn[part], measured[part], "{of}: {rule} {part}");
            }
            waits += measured["count"].as_u64().unwrap();
            stops += u64::from(rule == "GCPauseSpike" && measured["count"] != 0);
        }
        let texts = |list: &Value, key: &str| {
            let list = list.as_array().unwrap().iter();
            let mut texts: Vec<_> = list.map(|f| f[key].to_string()).collect();
            texts.sort();
            texts
        };
        let findings = texts(&report["findings"], "message");
        assert_eq!(texts(&answer["findings"], "name"), findings, "{of}");
        found += findings.len();
        let program = &report["program"];
        let same = |drawn: &Value, told: &Value| drawn.as_f64() == told.as_f64();
        let heap = (&answer["heap"][0]["max"], &program["heap_peak_bytes"]);
        assert!(same(heap.0, heap.1), "{of}: {heap:?}");
        let live = (&answer["live"][0]["value"], &program["heap_live_bytes"]);
        assert!(same(live.0, live.1), "{of}: {live:?}");
    }
    assert!(
        stops > 2 && waits > 1000 && found > 10,
        "{stops} {waits} {found}"
    );
}

#[test]
fn arrows_lead_from_who_woke_to_where_it_ran() {
    let Some(processor) = processor() else {
        return;
    };
    for version in ["1.19", "1.27.3"] {
        let export = Export::of(processor, &fixture(version, "mutex_contention"), &[]);
        let from = "from flow f join slice a on a.id = f.slice_out \
            join slice b on b.id = f.slice_in";
        let answer = export.ask(&json!({
            "all": format!("select count(*) n {from}"),
            "right": format!("select count(*) n {from} where \
                (a.name in ('wakes', 'creates') and b.name = 'runnable' and a.ts = b.ts) or \
                (a.name = 'runnable' and b.name glob 'g[0-9]*' and a.ts + a.dur = b.ts) or \
                (a.name in ('wakes', 'creates') and b.name glob 'g[0-9]* runtime*' and a.ts < b.ts)"),
            "woken": "select count(*) n from slice where name in ('wakes', 'creates')",
            "who": format!("select extract_arg(a.arg_set_id, 'debug.goroutine') woken, t.name \
                {from} join track t on t.id = b.track_id \
                where a.name = 'wakes' and b.name = 'runnable'"),
        }));
        let n = |name: &str| answer[name][0]["n"].as_u64().unwrap();
        assert!(n("woken") > 50 && n("all") > n("woken"), "{answer}");
        // The tracer's goroutines have no states.
        assert_eq!(n("right"), n("all"));
        for row in answer["who"].as_array().unwrap() {
            assert_eq!(row["name"], format!("Goroutine {}", row["woken"]));
        }
    }
}

#[test]
fn a_wait_has_its_stack_and_who_ended_it() {
    let Some(processor) = processor() else {
        return;
    };
    let trace = fixture("1.25.5", "mutex_contention");
    let export = Export::of(processor, &trace, &[]);
    let waits = export.rows(
        "select t.name whose, f.name start, extract_arg(arg_set_id, 'debug.stack') stack, \
            extract_arg(arg_set_id, 'debug.by') place, dur \
        from slice s join track t on t.id = s.track_id join track f on f.id = t.parent_id \
        where s.name = 'waiting: lock' order by dur desc limit 1",
    );
    let worst = &report(&trace)["findings"][0];
    let wait = &waits[0];
    assert_eq!(wait["dur"], worst["worst"]);
    assert_eq!(
        wait["whose"],
        format!("Goroutine {}", worst["goroutines"][0])
    );
    let stack = wait["stack"].as_str().unwrap();
    assert!(stack.starts_with("sync.(*Mutex).Lock "), "{stack}");
    let frames = worst["stack"].as_array().unwrap();
    assert_eq!(stack.lines().count(), frames.len());
    let place = wait["place"].as_str().unwrap();
    assert!(place.starts_with("main.holdMutex locks.go:"), "{place}");
    assert!(
        wait["start"].as_str().unwrap().starts_with("main."),
        "{wait}"
    );
    let start = export.rows("select to_realtime(min(ts)) ns from slice");
    let start = start[0]["ns"].as_i64().unwrap();
    let told = report(&trace)["trace"]["start_time"]
        .as_str()
        .unwrap()
        .to_owned();
    let told: jiff::Timestamp = told.parse().unwrap();
    let apart = i128::from(start) - told.as_nanosecond();
    assert!(apart.abs() < 100_000, "{apart} ns");
}

#[test]
fn tasks_regions_and_messages_are_those_of_the_program() {
    let Some(processor) = processor() else {
        return;
    };
    let trace = fixture("1.27.3", "annotations");
    let export = Export::of(processor, &trace, &[]);
    let answer = export.ask(&json!({
        "tasks": "select count(*) n from slice s join track t on t.id = s.track_id \
            where t.name glob 'Task [0-9]*'",
        "regions": "select count(*) n from slice s join track t on t.id = s.track_id \
            where t.name glob '*regions' and s.dur > 0",
        "messages": "select count(*) n from slice s join track t on t.id = s.track_id \
            where t.name glob '*regions' and s.dur = 0",
    }));
    let events = |kind: &str| {
        let mut command = gotracer();
        command.args(["events", "--kind", kind]).arg(&trace);
        let output = command.output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let own = |line: &&str| line.split('\t').nth(4) == Some(kind);
        text.lines().filter(own).count() as u64
    };
    let n = |name: &str| answer[name][0]["n"].as_u64().unwrap();
    assert_eq!(n("messages"), events("Log"));
    // Those that never end are drawn, too, and so is what began before.
    for (what, begin, end) in [
        ("tasks", "TaskBegin", "TaskEnd"),
        ("regions", "RegionBegin", "RegionEnd"),
    ] {
        let (begun, ended) = (events(begin), events(end));
        let drawn = n(what);
        assert!(
            drawn >= begun.max(ended) && drawn <= begun + 2,
            "{what}: {drawn}"
        );
    }
}

#[test]
fn a_window_is_cut_out() {
    let Some(processor) = processor() else {
        return;
    };
    let trace = fixture("1.27.3", "mutex_contention");
    let bounds = "select min(ts) start, max(ts + dur) end from slice";
    let whole = Export::of(processor, &trace, &[]);
    let start = whole.rows(bounds)[0]["start"].as_i64().unwrap();
    let window = ["--at=300ms", "--window=60ms"];
    let part = Export::of(processor, &trace, &window);
    let of = &part.rows(bounds)[0];
    let since = |name: &str| of[name].as_i64().unwrap() - start;
    assert_eq!((since("start"), since("end")), (270_000_000, 330_000_000));
    // Counters stand from the window's start on.
    let counted = "select min(ts) start from counter group by track_id";
    for counter in part.rows(counted) {
        assert_eq!(counter["start"], of["start"]);
    }
    // What is cut says how long it really was.
    let longest = format!(
        "select max(coalesce(extract_arg(arg_set_id, 'debug.lasted_ns'), dur)) n from slice \
        where name = 'waiting: lock' and ts < {} and ts + dur > {}",
        start + 330_000_000,
        start + 270_000_000
    );
    assert_eq!(whole.rows(&longest), part.rows(&longest));
    let complaints = "select name from stats where value > 0 and severity != 'info'";
    assert_eq!(part.rows(complaints), Vec::<Value>::new());

    let around = Export::of(processor, &trace, &["--finding=1"]);
    let first = &report(&trace)["findings"][0];
    let found = "select s.name, s.ts from slice s join track t on t.id = s.track_id \
        where t.name = 'MutexContention'";
    let found = around.rows(found);
    let named = |row: &&Value| row["name"] == first["message"];
    let it = found.iter().find(named);
    assert_eq!(
        it.unwrap()["ts"].as_i64().unwrap() - start,
        first["first_ns"].as_i64().unwrap()
    );
}

#[test]
fn hostile_names_are_text() {
    let Some(processor) = processor() else {
        return;
    };
    let trace = std::fs::read(fixture("1.27.3", "mutex_contention")).unwrap();
    let (name, hostile) = (b"main.holdMutex", b"\x1b[2J<b>\xff\0\n\"'&\xe2");
    assert_eq!(name.len(), hostile.len());
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("<b>\x1b.trace");
    let mut changed = trace.clone();
    let places = trace.windows(name.len()).enumerate();
    let places: Vec<_> = places.filter(|(_, bytes)| bytes == name).collect();
    assert!(!places.is_empty());
    for (at, _) in places {
        changed[at..at + name.len()].copy_from_slice(hostile);
    }
    std::fs::write(&file, changed).unwrap();
    let export = Export::of(processor, &file, &[]);
    let answer = export.ask(&json!({
        "complaints": "select name from stats where value > 0 and severity != 'info'",
        "stacks": "select distinct extract_arg(arg_set_id, 'debug.stack') text from slice \
            where name = 'waiting: lock'",
        "root": "select name from track where parent_id is null and name glob '*Go 1.*'",
    }));
    assert_eq!(answer["complaints"], json!([]));
    assert_eq!(
        answer["root"][0]["name"],
        "<b>\\u{1b}.trace, Go 1.26 format"
    );
    let stacks = answer["stacks"].to_string();
    assert!(
        stacks.contains("<b>") && !stacks.contains("\\u001b"),
        "{stacks}"
    );
}
