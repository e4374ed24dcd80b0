//! A trace whose waits are known: of 20 goroutines each 1.5 s to receive from a channel, to send on one, in `select`, for a
//! WaitGroup and a Cond, and asleep; of one as long for the network.

use serde_json::Value;

use crate::support;

const TRACE: &str = "time/waits.trace";

fn goroutines(args: &[&str]) -> String {
    let mut command = support::gotracer();
    command
        .arg("goroutines")
        .arg(support::tests_dir(TRACE))
        .args(args);
    let output = command.output().expect("it runs");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    String::from_utf8(output.stdout).expect("text")
}

fn json(args: &[&str]) -> Value {
    serde_json::from_str(&goroutines(&[args, &["--format", "json"]].concat())).expect("JSON")
}

fn seconds(time: &Value, state: &str) -> f64 {
    time[state].as_f64().expect(state) / 1e9
}

#[test]
fn each_kind_of_wait_has_its_time() {
    let time = &json(&[])["program"]["time"];
    for state in ["chan_receive", "chan_send", "select", "cond"] {
        let waited = seconds(time, state);
        assert!((29.9..30.2).contains(&waited), "{state}: {waited}");
    }
    // main waits for the WaitGroup of all, and sleeps itself.
    assert!((29.9..30.2).contains(&seconds(time, "wait_group")));
    assert!((31.4..31.7).contains(&seconds(time, "sleep")));
    assert!((1.49..1.52).contains(&seconds(time, "network")));
}

#[test]
fn functions_are_chosen_and_sorted() {
    let groups = |args: &[&str]| json(args)["goroutines"].as_array().expect("a list").clone();
    let all = groups(&[]);
    let system = groups(&["--system"]);
    assert!(all.iter().all(|group| group["system"] == false));
    assert!(system.iter().any(|group| group["system"] == true));
    let asleep = groups(&["--sort", "sleep", "--top", "1"]);
    assert_eq!(asleep.len(), 1);
    assert_eq!(asleep[0]["count"], 121);
    assert!(seconds(&asleep[0]["time"], "sleep") > 29.9);
    let worst = &asleep[0]["worst"];
    assert_eq!(worst["life_ns"], asleep[0]["life"]["max"]);
    let main = groups(&["--function", "main.main", "--sort", "count"]);
    assert_eq!(main.len(), 2);
    assert_eq!(main[1]["alive"], 1);
}

#[test]
fn the_states_of_each_function_add_up_to_its_lives() {
    for group in json(&["--system"])["goroutines"]
        .as_array()
        .expect("a list")
    {
        let time = group["time"].as_object().expect("states");
        let states: u64 = time.values().filter_map(Value::as_u64).sum();
        assert_eq!(group["life"]["sum"], states, "{}", group["function"]);
        assert_eq!(group["life"]["count"], group["count"]);
    }
}

#[test]
fn csv_has_a_row_for_each_function() {
    let text = goroutines(&["--format", "csv"]);
    let mut rows = csv::Reader::from_reader(text.as_bytes());
    let rows = rows.records().flatten().count();
    assert_eq!(
        rows,
        json(&[])["goroutines"].as_array().expect("a list").len()
    );
}

#[test]
fn the_report_shows_where_the_time_goes() {
    let mut command = support::gotracer();
    let output = command
        .args(["analyze", "--fail-on", "never"])
        .arg(support::tests_dir(TRACE))
        .output();
    let text = String::from_utf8(output.expect("it runs").stdout).expect("text");
    assert!(
        text.contains("time of goroutines, 183s in all: sleep 17.2%"),
        "{text}"
    );
}
