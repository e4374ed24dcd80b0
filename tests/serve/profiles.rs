//! Profiles that the daemon serves: equal to those of the command line, and readable for `go tool pprof`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support;
use crate::support::daemon::{Response, Running, Scratch, eventually_or, free_address, toolchain};
use crate::support::endpoint::{Endpoint, build};
use crate::support::pprof::{OURS, REFERENCE, Records, decode};

/// The daemon with a configuration.
fn daemon(scratch: &Scratch, config: &str) -> Running {
    let flag = scratch.config(config);
    Running::gotracer_with(scratch.path(), &[&flag], &[])
}

fn exported(kind: &str, trace: &Path) -> Records {
    let mut command = support::gotracer();
    command.args(["export", "pprof", "--type", kind, "-o", "-"]);
    let output = command.arg(trace).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    decode(&output.stdout)
}

/// Sums up the profiles of the command line.
fn sum(kind: &str, traces: &[PathBuf]) -> Records {
    let mut sum = Records::new();
    for trace in traces {
        for (stack, (count, time)) in exported(kind, trace) {
            let known = sum.entry(stack).or_default();
            *known = (known.0 + count, known.1 + time);
        }
    }
    sum
}

fn top(go: &Path, scratch: &Scratch, profile: &Response) -> String {
    let file = scratch.path().join("profile.pb.gz");
    fs::write(&file, &profile.body).unwrap();
    let mut tool = Command::new(go);
    let output = tool.args(["tool", "pprof", "-top"]).arg(&file).output();
    let output = output.unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn sums_are_those_of_the_command_line() {
    let scratch = Scratch::new();
    let names = ["gc_assist", "cpu_profile", "channel_backpressure", "http"];
    let traces = names.map(|name| support::fixture("1.25.5", name));
    let watched = scratch.path().join("traces");
    fs::create_dir(&watched).unwrap();
    for (name, trace) in names.iter().zip(&traces) {
        fs::copy(trace, watched.join(format!("{name}.trace"))).unwrap();
    }
    let config = format!(
        "profiles: {{enabled: true}}\nwatch_configs:\n\
         - {{directory: {watched:?}, settle: 300ms, labels: {{instance: shop, service: web}}}}\n"
    );
    let gotracer = daemon(&scratch, &config);
    gotracer.wait_sample("gotracer_traces_total{service=\"web\"}", 4.0);
    let mut stacks = 0;
    for kind in REFERENCE.into_iter().chain(OURS) {
        let expected = sum(kind, &traces);
        for query in [
            "target=shop",
            "service=web",
            "job=watch&seconds=3600",
            "debug=0",
        ] {
            let path = format!("/api/v1/profiles/{kind}?{query}");
            let answer = gotracer.get(&path, "*/*");
            assert_eq!(answer.status, 200, "{path}: {answer:?}");
            assert!(
                answer.head.contains("application/octet-stream"),
                "{}",
                answer.head
            );
            assert_eq!(decode(&answer.body), expected, "{path}");
        }
        stacks += expected.len();
    }
    assert!(stacks > 200, "{stacks} stacks were compared");
    let Some(go) = toolchain("1.27.3") else {
        return;
    };
    let profile = gotracer.get("/api/v1/profiles/wait?target=shop", "*/*");
    let text = top(&go, &scratch, &profile);
    assert!(
        text.contains("Type: delay") && text.contains("main."),
        "{text}"
    );
}

#[test]
fn what_does_not_exist_is_answered_with_what_does() {
    let scratch = Scratch::new();
    let config = "scrape_configs: [{job_name: a, static_configs: [{targets: ['localhost:1']}]}]\n";
    let off = daemon(&scratch, config);
    let answer = off.get("/api/v1/profiles/wait?target=localhost:1", "*/*");
    assert_eq!(answer.status, 404);
    assert!(
        answer.text().contains("profiles: {enabled: true}"),
        "{answer:?}"
    );
    drop(off);
    let gotracer = daemon(&scratch, &format!("{config}profiles: {{enabled: true}}\n"));
    for (path, status, text) in [
        ("nothing?target=localhost:1", 404, "wait, runnable, lock"),
        ("wait?target=other:1", 404, "localhost:1"),
        ("wait?target=localhost:1&seconds=0", 400, "from 1 to 3600"),
        ("wait?target=localhost:1&debug=1", 400, "pprof's format"),
    ] {
        let answer = gotracer.get(&format!("/api/v1/profiles/{path}"), "*/*");
        assert_eq!(answer.status, status, "{path}: {answer:?}");
        assert!(answer.text().contains(text), "{path}: {}", answer.text());
    }
    // The target has no trace yet.
    let answer = gotracer.get("/api/v1/profiles/wait?target=localhost:1", "*/*");
    assert_eq!(answer.status, 200);
    assert_eq!(decode(&answer.body), Records::new());
}

#[test]
fn running_programs_have_profiles_of_captures_and_streams() {
    let scratch = Scratch::new();
    let Some(go) = toolchain("1.27.3") else {
        return;
    };
    let (captured, streamed) = (
        Endpoint::built_with(&go, &scratch, &[]),
        Endpoint::built_with(&go, &scratch, &[]),
    );
    let config = format!(
        "profiles: {{enabled: true}}\nscrape_configs:\n\
         - {{job_name: a, scrape_interval: 2s, seconds: 1, static_configs: [{{targets: ['{}']}}]}}\n\
         - {{job_name: b, mode: stream, static_configs: [{{targets: ['{}']}}]}}\n",
        captured.address, streamed.address
    );
    let gotracer = daemon(&scratch, &config);
    for target in [&captured, &streamed] {
        for query in ["", "&seconds=3600"] {
            let path = format!("/api/v1/profiles/lock?target={}{query}", target.address);
            eventually_or(
                &path,
                || gotracer.log(),
                || {
                    let answer = gotracer.get(&path, "*/*");
                    assert_eq!(answer.status, 200, "{answer:?}");
                    let text = top(&go, &scratch, &answer);
                    // The endpoint's goroutines wait for a mutex.
                    text.contains("Unlock").then_some(())
                },
            );
        }
    }
    // Another target has none of it.
    let other = format!("/api/v1/profiles/lock?target={}", free_address());
    assert_eq!(gotracer.get(&other, "*/*").status, 404);
}

#[test]
fn go_1_27_proves_leaks_and_older_programs_do_not_fail() {
    let scratch = Scratch::new();
    let (Some(new), Some(old)) = (toolchain("1.27.3"), toolchain("1.22.10")) else {
        return;
    };
    let leaking = build(&new, &scratch, "new", &["-tags=leak"]);
    let older = build(&old, &scratch, "old", &["-tags=leak"]);
    let leaking = Endpoint::run(&leaking, &["-jobs=50"]);
    let older = Endpoint::run(&older, &["-jobs=50"]);
    let config = format!(
        "scrape_configs:\n- {{job_name: go, scrape_interval: 2s, seconds: 1, leak_profile: true, \
         static_configs: [{{targets: ['{}', '{}']}}]}}\n",
        leaking.address, older.address
    );
    let gotracer = daemon(&scratch, &config);
    let sample = |name: &str, of: &Endpoint, more: &str| {
        let labels = format!("instance=\"{}\",job=\"go\"{more}", of.address);
        gotracer.sample(&format!("{name}{{{labels}}}"))
    };
    let count = |of: &Endpoint, result: &str| {
        let result = format!(",result=\"{result}\"");
        sample("gotracer_leak_profiles_total", of, &result)
    };
    eventually_or(
        "both are asked",
        || gotracer.log(),
        || {
            let asked =
                count(&leaking, "ok") == Some(1.0) && count(&older, "unsupported") == Some(1.0);
            asked.then_some(())
        },
    );
    let proved = sample("gotrace_leaked_goroutines", &leaking, "");
    assert!(proved >= Some(1.0), "{proved:?}\n{}", gotracer.log());
    assert_eq!(sample("gotrace_leaked_goroutines", &older, ""), None);
    assert_eq!(count(&older, "failed"), Some(0.0));
    let targets = gotracer.get("/api/v1/targets", "*/*").text();
    let targets: serde_json::Value = serde_json::from_str(&targets).unwrap();
    let targets = targets["data"]["activeTargets"].as_array().unwrap();
    let of = |endpoint: &Endpoint| {
        let is = |row: &&serde_json::Value| row["labels"]["instance"] == *endpoint.address;
        targets.iter().find(is).unwrap()
    };
    let place = &of(&leaking)["leaks"]["places"][0]["function"];
    assert!(place.as_str().unwrap().starts_with("main."), "{place}");
    assert!(of(&older).get("leaks").is_none());
    assert!(of(&older)["lastError"] == "", "{}", of(&older));
    let page = gotracer.get("/", "text/html").text();
    let leaked = format!("{} leaked goroutine", proved.unwrap());
    assert!(page.contains(&leaked), "{page}");
    // It is told once, and the next profiles come an hour later.
    let captures = || sample("gotracer_traces_total", &older, "") >= Some(3.0);
    eventually_or(
        "captures go on",
        || gotracer.log(),
        || captures().then_some(()),
    );
    assert_eq!(count(&leaking, "ok"), Some(1.0));
    let told = gotracer.log().matches("leak profile not supported").count();
    assert_eq!(told, 1, "{}", gotracer.log());
}
