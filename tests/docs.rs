//! The commands in README.md and docs/ run and print what the pages show.
//!
//! A `console` block is run and its output compared: `$ gotracer …`, its exit code as `? 1`, its output.
//! `TRYCMD=overwrite cargo test --test docs` writes today's output into the pages. All other commands are run too, through
//! a shell, unless they need a service: `serve`, `capture`, an address. Of those, the options must exist.

use std::fs;
use std::path::{Path, PathBuf};

/// Makes a directory with the page and, beside it, the files its commands name.
fn page(directory: &Path, path: &Path) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let name = path.file_stem().expect("a name").to_string_lossy();
    let page = directory.join(format!("{name}.md"));
    symlink(&root.join(path), &page);
    let files = directory.join(format!("{name}.in"));
    fs::create_dir_all(&files).expect("a directory");
    let demo = root.join("docs/demo");
    fs::copy(demo.join("checkout.trace"), files.join("trace.out")).expect("a trace");
    fs::copy(
        demo.join("custom-rules.yml"),
        files.join("custom-rules.yml"),
    )
    .expect("a file");
    for side in ["main", "branch"] {
        fs::create_dir_all(files.join(side)).expect("a directory");
        for run in ["1.trace.gz", "2.trace.gz", "3.trace.gz"] {
            fs::copy(demo.join(side).join(run), files.join(side).join(run)).expect("a trace");
        }
    }
    page
}

/// Links the page, so that `TRYCMD=overwrite` changes the original.
#[cfg(unix)]
fn symlink(original: &Path, link: &Path) {
    std::os::unix::fs::symlink(original, link).expect("a link");
}

#[cfg(not(unix))]
fn symlink(original: &Path, link: &Path) {
    fs::copy(original, link).expect("a copy");
}

#[test]
fn commands_in_the_documentation_print_what_it_shows() {
    let directory = tempfile::tempdir().expect("a directory");
    let cases = trycmd::TestCases::new();
    for path in [
        "README.md",
        "docs/tutorial.md",
        "docs/analyze.md",
        "docs/explain.md",
        "docs/custom-rules.md",
    ] {
        cases.case(page(directory.path(), Path::new(path)));
    }
    cases.run();
}

/// A command in an indented or fenced block.
struct Command {
    page: PathBuf,
    line: String,
}

impl Command {
    /// Whether the command needs a service or a program of the reader.
    fn needs_a_service(&self) -> bool {
        let words = ["serve", "capture", "http://", "unix://", "s3://", "…"];
        words.iter().any(|word| self.line.contains(word))
    }
}

/// Finds the commands of all pages. A line that ends in `\` or `|` continues.
fn commands() -> Vec<Command> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut pages = vec![root.join("README.md")];
    for directory in ["docs", "docs/runbooks"] {
        let entries = fs::read_dir(root.join(directory)).expect("a directory");
        let paths = entries.map(|entry| entry.expect("an entry").path());
        pages.extend(paths.filter(|path| path.extension().is_some_and(|e| e == "md")));
    }
    let mut all = Vec::new();
    for page in pages {
        let text = fs::read_to_string(&page).expect("a page");
        let mut lines = text.lines();
        while let Some(line) = lines.next() {
            // Console blocks have a test of their own.
            let Some(line) = line.strip_prefix("    ") else {
                continue;
            };
            if !line.starts_with("gotracer ") {
                continue;
            }
            let mut line = line.to_owned();
            while line.ends_with(['\\', '|']) {
                line.truncate(line.trim_end_matches('\\').len());
                line += lines.next().unwrap_or_default();
            }
            let page = page.clone();
            all.push(Command { page, line });
        }
    }
    all
}

/// Makes the files that the pages name.
#[cfg(unix)]
fn files(directory: &Path) {
    let demo = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/demo");
    fs::copy(demo.join("checkout.trace"), directory.join("trace.out")).expect("a trace");
    for (side, name) in [("main", "before"), ("branch", "after")] {
        let traces = directory.join(name);
        fs::create_dir_all(&traces).expect("a directory");
        for run in 1..=3 {
            let from = demo.join(side).join(format!("{run}.trace.gz"));
            fs::copy(from, traces.join(format!("{run}.trace"))).expect("a trace");
        }
        let one = directory.join(format!("{name}.trace"));
        fs::copy(traces.join("1.trace"), one).expect("a trace");
    }
    std::os::unix::fs::symlink("after", directory.join("traces")).expect("a link");
}

#[cfg(unix)]
#[test]
fn commands_without_a_service_succeed() {
    let directory = tempfile::tempdir().expect("a directory");
    files(directory.path());
    let binary = Path::new(env!("CARGO_BIN_EXE_gotracer"));
    let programs = binary.parent().expect("a directory").display();
    let others = std::env::var("PATH").unwrap_or_default();
    let run = |line: &str| {
        std::process::Command::new("sh")
            .args(["-c", line])
            .current_dir(directory.path())
            .env("PATH", format!("{programs}:{others}"))
            .env_remove("GITHUB_STEP_SUMMARY")
            .output()
            .expect("a shell")
    };
    let saved = run("gotracer analyze --fail-on never --format json -o main.json before/");
    assert!(saved.status.success());
    let all = commands();
    let local: Vec<_> = all.iter().filter(|c| !c.needs_a_service()).collect();
    assert!(local.len() > 15, "{}", local.len());
    for Command { page, line } in local {
        let output = run(line);
        let said = String::from_utf8_lossy(&output.stderr);
        // 1 means that there are findings.
        let fine = matches!(output.status.code(), Some(0 | 1));
        assert!(fine, "{}: {line}: {said}", page.display());
    }
}

#[test]
fn options_in_the_documentation_exist() {
    let help = |commands: &[&str]| {
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_gotracer"))
            .args(commands)
            .arg("--help")
            .output()
            .expect("gotracer");
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let mut checked = 0;
    for Command { page, line } in commands() {
        let words: Vec<_> = line.split_whitespace().collect();
        let command = words.get(1).copied().unwrap_or_default();
        // `gotracer TRACE` is short for `gotracer analyze TRACE`.
        let command = match command.contains(['.', '-']) {
            true => "analyze",
            false => command,
        };
        let mut text = help(&[command]);
        if text.contains("\nCommands:") {
            let below = words.get(2).copied().unwrap_or_default();
            text = help(&[command, below]);
        }
        for word in words
            .iter()
            .take_while(|word| **word != "#" && **word != "|")
        {
            let Some(option) = word.strip_prefix("--") else {
                continue;
            };
            let option = option.split('=').next().unwrap_or_default();
            let known = text
                .split(|c: char| c.is_whitespace() || ",[]=".contains(c))
                .any(|known| known == format!("--{option}"));
            assert!(known, "{}: {line}: no --{option}", page.display());
            checked += 1;
        }
    }
    assert!(checked > 30, "{checked}");
}
