//! The commands in README.md and docs/ run and print what the pages show.
//!
//! A `console` block is run: `$ gotracer …`, its exit code as `? 1`, its output. Commands that need a service, a network or
//! another program are in `sh` blocks or indented, and are not run. `TRYCMD=overwrite cargo test --test docs` writes the
//! output of today into the pages.

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
    ] {
        cases.case(page(directory.path(), Path::new(path)));
    }
    cases.run();
}
