//! Passes revision, compiler and features to `gotracer --version`.

use std::env;
use std::fs;
use std::path::Path;
use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=GOTRACER_REVISION");
    let revision = revision().unwrap_or_else(|| "unknown".to_owned());
    println!("cargo::rustc-env=GOTRACER_REVISION={revision}");
    let rustc = env::var("RUSTC")
        .ok()
        .and_then(|rustc| run(&rustc, &["--version"]));
    let rustc = rustc
        .as_deref()
        .and_then(|version| version.split(' ').nth(1));
    println!(
        "cargo::rustc-env=GOTRACER_RUSTC={}",
        rustc.unwrap_or("unknown")
    );
    println!("cargo::rustc-env=GOTRACER_FEATURES={}", features());
}

fn features() -> String {
    let names = env::vars().filter_map(|(name, _)| {
        let name = name.strip_prefix("CARGO_FEATURE_")?.to_lowercase();
        (name != "default").then_some(name)
    });
    let mut names: Vec<_> = names.collect();
    names.sort();
    names.join(",")
}

/// Returns the Git revision: from the environment, a published crate, or the work tree. Debug builds have none, because
/// every commit would relink all tests.
fn revision() -> Option<String> {
    if let Ok(given) = env::var("GOTRACER_REVISION")
        && !given.is_empty()
    {
        return Some(given);
    }
    if let Ok(published) = fs::read_to_string(".cargo_vcs_info.json") {
        let (_, sha) = published.split_once("\"sha1\": \"")?;
        return Some(sha.split('"').next()?.to_owned());
    }
    // A work tree that contains an unpacked source archive belongs to another project.
    if env::var("PROFILE").is_ok_and(|profile| profile == "debug") || !Path::new(".git").exists() {
        return None;
    }
    for changes in ["HEAD", "logs/HEAD"] {
        if let Some(path) = run("git", &["rev-parse", "--git-path", changes])
            && Path::new(&path).exists()
        {
            println!("cargo::rerun-if-changed={path}");
        }
    }
    run("git", &["rev-parse", "HEAD"])
}

fn run(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim().to_owned())
}
