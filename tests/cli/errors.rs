//! What is said when something can't be done: by all subcommands in one form.

use std::net::TcpListener;

use super::*;

/// Every kind of call that fails, with a part of what it has to say.
fn failing(scratch: &Path) -> Vec<(Vec<String>, &'static str)> {
    let path = |name: &str| scratch.join(name).to_str().unwrap().to_owned();
    fs::write(path("text.trace"), "404 page not found\n").unwrap();
    fs::write(path("empty.trace"), "").unwrap();
    fs::write(path("old.trace"), b"go 1.5 trace\0\0\0\0").unwrap();
    fs::write(path("broken.trace"), b"go 1.26 trace\0\0\0garbage").unwrap();
    fs::write(path("broken.yml"), "a: [").unwrap();
    fs::write(path("bad.yml"), "rules: {GCPause: {}}").unwrap();
    fs::write(path("bad.json"), "[1]").unwrap();
    fs::create_dir(path("empty")).unwrap();
    let (no, nowhere) = (path("no"), path("no/such/file"));
    let mut calls: Vec<(Vec<String>, &str)> = Vec::new();
    let mut call = |args: &[&str], wanted| {
        calls.push((args.iter().map(ToString::to_string).collect(), wanted));
    };
    for name in [
        "text.trace",
        "empty.trace",
        "old.trace",
        "broken.trace",
        "no.trace",
        "empty",
    ] {
        let (trace, out) = (&*path(name), &*path("out"));
        call(&["analyze", trace], name);
        call(&[trace], name);
        call(&["diff", trace, FOUND], name);
        call(&["events", trace], name);
        call(&["explain", trace, "--at", "1s"], name);
        call(&["explain", trace, "--finding", "1"], name);
        call(&["export", "perfetto", trace, "-o", out], name);
        call(&["anonymize", trace, out], name);
        call(&["cut", trace, "--to", "1s", "-o", out], name);
    }
    for flag in ["--config", "--baseline"] {
        for name in ["no.yml", "broken.yml", "bad.json", "bad.yml"] {
            call(&["analyze", flag, &path(name), FOUND], name);
        }
    }
    call(&["check-config", &path("no.yml")], "no.yml");
    call(&["check-config", &path("bad.yml")], "GCPause");
    call(&["check-config", "--web.config.file", &no], "no");
    call(&["analyze", "--top", "few", FOUND], "whole number");
    call(&["analyze", "--top=-1", FOUND], "whole number");
    call(&["analyze", "--jobs", "0", FOUND], "whole number from 1");
    call(
        &["capture", "--seconds", "0", "localhost"],
        "whole number from 1",
    );
    call(
        &["diff", "--jobs", "x", FOUND, FOUND],
        "whole number from 1",
    );
    call(
        &["serve", "--scrape.seconds=x"],
        "whole number from 1 to 86400",
    );
    call(&["serve", "--jobs=x"], "whole number from 1");
    call(&["serve", "--watch", &no], "no");
    call(&["serve", "--watch", &path("text.trace")], "text.trace");
    call(
        &["serve", "--watch=src", "--storage.path", &path("bad.yml")],
        "bad.yml",
    );
    call(
        &["serve", "--watch=src", "--evidence.path", &path("bad.yml")],
        "bad.yml",
    );
    call(
        &["serve", "--watch=src", "--web.config.file", &nowhere],
        "such/file",
    );
    call(&["serve", "--config", &nowhere], "such/file");
    call(&["capture", "127.0.0.1:1"], "refused");
    call(
        &["capture", "--http.config.file", &nowhere, "127.0.0.1:1"],
        "such/file",
    );
    call(&["capture", "no such host"], "URL");
    call(&["healthcheck", "--url=http://127.0.0.1:1"], "refused");
    call(
        &["healthcheck", "--http.config.file", &nowhere],
        "such/file",
    );
    call(&["man", "--dir", &path("bad.yml/x")], "bad.yml/x");
    call(&["frobnicate"], "frobnicate");
    calls
}

/// A part of a sentence that says the same as another.
fn repeated(line: &str) -> Option<&str> {
    let parts: Vec<_> = line.split(": ").filter(|part| part.len() > 6).collect();
    let twice = |(i, part): (usize, &&str)| parts[..i].iter().any(|p| p.contains(*part));
    let found = parts.iter().enumerate().find(|&(i, part)| twice((i, part)));
    found.map(|(_, part)| *part)
}

/// What is wrong with how a call failed.
fn fault(args: &[String], wanted: &str) -> Option<String> {
    let output = gotracer().args(args).output().unwrap();
    let said = stderr(&output);
    let code = if args[0] == "healthcheck" { 1 } else { 2 };
    let errors: Vec<_> = said.lines().filter(|l| l.contains("error:")).collect();
    let foreign = ["at byte 0", "non-zero type", "found in string", "\x1b"];
    let why = if output.status.code() != Some(code) {
        format!("exit code {:?}", output.status.code())
    } else if !said.contains(wanted) {
        format!("{wanted:?} is missing")
    } else if errors.len() != 1 || !errors[0].starts_with("error: ") {
        "not one line that begins with error:".into()
    } else if let Some(part) = repeated(errors[0]) {
        format!("{part:?} is said twice")
    } else {
        let found = foreign.iter().find(|word| said.contains(*word))?;
        format!("{found:?} stands in it")
    };
    Some(format!("{args:?}: {why}: {said}"))
}

#[test]
fn every_failure_names_its_cause_once() {
    let dir = tempfile::tempdir().unwrap();
    let mut calls = failing(dir.path());
    if cfg!(not(feature = "daemon")) {
        let daemon = ["serve", "capture", "healthcheck"];
        calls.retain(|(args, _)| {
            !daemon.contains(&args[0].as_str()) && !args.iter().any(|a| a.starts_with("--web."))
        });
    }
    let faults = calls
        .iter()
        .filter_map(|(args, wanted)| fault(args, wanted));
    let faults: Vec<_> = faults.collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn a_port_that_is_taken_is_named_once() {
    if cfg!(not(feature = "daemon")) {
        return;
    }
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let output = run(&["serve", "--watch=src", "--web.listen-address", &address]);
    assert_exit(&output, 2);
    let said = stderr(&output);
    let line = said.lines().find(|l| l.starts_with("error: ")).unwrap();
    assert!(line.contains(&address), "{said}");
    assert_eq!(repeated(line), None, "{said}");
}

#[test]
fn errors_have_one_color() {
    let red = "\x1b[1m\x1b[31merror:\x1b[0m ";
    for args in [
        &["analyze", "no.trace"][..],
        &["analyze", "--no"],
        &["explain"],
    ] {
        let colored = gotracer().args(args).env("CLICOLOR_FORCE", "1").output();
        let said = stderr(&colored.unwrap());
        assert!(said.starts_with(red), "{args:?}: {said:?}");
        let never = [("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")];
        let plain = gotracer().args(args).envs(never).output();
        let said = stderr(&plain.unwrap());
        assert!(said.starts_with("error: "), "{args:?}: {said:?}");
        assert!(!said.contains('\x1b'), "{args:?}: {said:?}");
    }
    let always = run(&["analyze", "--color=always", "no.trace"]);
    assert!(stderr(&always).starts_with(red), "{:?}", stderr(&always));
}
