//! The repository's address has one place: `repository` in Cargo.toml.

use std::fs;
use std::path::Path;

use crate::repository;

/// Where people and programs find links to the repository.
const LINKS: [&str; 10] = [
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "README.md",
    "action.yml",
    "config",
    "dashboards",
    "docs",
    "helm",
    "packaging",
    "tests/bundle/alerts",
];

#[test]
fn links_to_the_repository_have_the_address_in_cargo_toml() {
    let address = env!("CARGO_PKG_REPOSITORY");
    let (host, path) = address.split_at(address.find("github.com").unwrap());
    assert_eq!(host, "https://");
    let mut found = 0;
    for place in LINKS {
        each_file(&repository(place), &mut |file, text| {
            for (at, _) in text.match_indices("github.com/") {
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

fn each_file(path: &Path, with: &mut impl FnMut(&Path, &str)) {
    if path.is_dir() {
        for entry in fs::read_dir(path).unwrap() {
            each_file(&entry.unwrap().path(), with);
        }
    } else if let Ok(text) = fs::read_to_string(path) {
        with(path, &text);
    }
}
