//! Development tasks. `cargo xtask generate` writes the files that are generated from the registry of rules;
//! `cargo xtask pictures` renders README's pictures; `cargo xtask circles` lists circles of modules.

mod chromium;
mod circles;
mod modules;
mod perfetto;
mod pictures;

use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use anyhow::{Context, bail};
use gotracer_core::rules::{Document, RULES};

const USAGE: &str = "usage: cargo xtask generate [DIR]
       cargo xtask pictures GOTRACER [DIR]
       cargo xtask circles ROOT...

Writes alerts, dashboards, runbook heads, and the lists of rules in the documentation,
the configuration and the Helm chart, from the rules in crates/gotracer-core/src/rules.
generate: with DIR, writes the files there instead of in place. Needs Python 3.10 or newer.
pictures: runs the binary GOTRACER on the traces in docs/demo; writes to docs/pictures or DIR. Needs Chromium, and
Python and pip for Perfetto.
circles: lists modules that use each other in the crates with these root files, such as src/main.rs.";

fn main() -> ExitCode {
    let arguments: Vec<_> = env::args().skip(1).collect();
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    let result = match arguments[..] {
        ["generate"] => generate(&repository()),
        ["generate", directory] => generate(Path::new(directory)),
        ["pictures", gotracer] => {
            pictures::make(Path::new(gotracer), &repository().join("docs/pictures"))
        }
        ["pictures", gotracer, directory] => {
            pictures::make(Path::new(gotracer), Path::new(directory))
        }
        ["circles", ref roots @ ..] if !roots.is_empty() => list_circles(roots),
        _ => {
            eprintln!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("cargo xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn list_circles(roots: &[&str]) -> anyhow::Result<()> {
    for root in roots {
        let circles = circles::of("crate", Path::new(root))?;
        circles.iter().for_each(|circle| print!("{circle}"));
    }
    Ok(())
}

/// Runs the generator with the registry on its standard input.
fn generate(directory: &Path) -> anyhow::Result<()> {
    let mut python = Command::new("python3")
        .arg("-B")
        .arg(repository().join("generator"))
        .arg(directory)
        .stdin(Stdio::piped())
        .spawn()
        .context("cannot run python3: install Python 3.10 or newer")?;
    if let Some(stdin) = python.stdin.take() {
        serde_json::to_writer(stdin, &Document::new(&RULES))
            .context("cannot write the registry to the generator")?;
    }
    let status = python.wait().context("cannot wait for the generator")?;
    if !status.success() {
        bail!("the generator failed: {status}");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// Compares every generated file with the one in the repository.
    fn compare(generated: &Path, kept: &Path, stale: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(generated).unwrap() {
            let path = entry.unwrap().path();
            let other = kept.join(path.file_name().unwrap());
            if path.is_dir() {
                compare(&path, &other, stale);
            } else if fs::read(&path).unwrap() != fs::read(&other).unwrap_or_default() {
                stale.push(other);
            }
        }
    }

    #[test]
    fn generated_files_are_fresh() {
        if Command::new("python3").arg("--version").output().is_err() {
            assert!(env::var_os("CI").is_none(), "CI needs python3");
            eprintln!("SKIPPED: no python3");
            return;
        }
        let scratch = tempfile::tempdir().unwrap();
        generate(scratch.path()).unwrap();
        let mut stale = Vec::new();
        compare(scratch.path(), &repository(), &mut stale);
        assert_eq!(stale, Vec::<PathBuf>::new(), "run cargo xtask generate");
        // Guards against an empty comparison above.
        assert!(scratch.path().join("config/prometheus/alerts.yml").exists());
    }
}
