//! The repository's address has one place: `repository` in Cargo.toml.

use std::fs;
use std::path::Path;

use crate::repository;

/// Files and directories with links to the repository. `cargo xtask generate` writes the address into them.
const LINKED: [&str; 13] = [
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "README.md",
    "RELEASING.md",
    "action.yml",
    "config",
    "dashboards",
    "docs",
    "helm",
    "mixin",
    "packaging",
    "templates",
    "tests/bundle/alerts",
];
/// Files and directories that take the address from Cargo.toml.
const DERIVED: [&str; 9] = [
    ".ci",
    "Dockerfile",
    "SECURITY.md",
    "benches",
    "crates",
    "generator",
    "fuzz/run",
    "src",
    "xtask",
];

#[test]
fn links_to_the_repository_have_the_address_in_cargo_toml() {
    let address = env!("CARGO_PKG_REPOSITORY");
    let path = address.strip_prefix("https://").unwrap();
    let host = path.split('/').next().unwrap();
    let mut found = 0;
    for place in LINKED {
        each_file(&repository(place), &mut |file, text| {
            for (at, _) in text.match_indices(&format!("{host}/")) {
                let ends = |c: char| !c.is_ascii_alphanumeric() && !"./-_".contains(c);
                let link = text[at..].split(ends).next().unwrap_or_default();
                let name = link.split('/').nth(2).unwrap_or_default();
                if name.trim_end_matches(".git") == "gotracer" {
                    assert!(link.starts_with(path), "{}: {link}", file.display());
                    found += 1;
                }
            }
        });
    }
    assert!(found > 24, "{found}");
}

#[test]
fn sources_and_the_generator_have_no_address() {
    let address = env!("CARGO_PKG_REPOSITORY").trim_start_matches("https://");
    for place in DERIVED {
        assert!(repository(place).exists(), "{place}");
        each_file(&repository(place), &mut |file, text| {
            assert!(!text.contains(address), "{}", file.display());
        });
    }
}

fn each_file(path: &Path, with: &mut impl FnMut(&Path, &str)) {
    if path.is_dir() {
        for entry in fs::read_dir(path).unwrap() {
            each_file(&entry.unwrap().path(), with);
        }
    } else if let Ok(text) = fs::read_to_string(path) {
        with(path, &text);
    }
}
