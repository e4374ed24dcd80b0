//! Circles of modules: siblings of which each uses, directly or not, all others.
//!
//! A module with all of its children is one node among its siblings. What a module uses of its parent's file is no use
//! of a sibling, but what the parent re-exports counts where it is defined. Tests may use anything. Paths in macros are
//! not seen.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::Path;

use crate::modules::Modules;

/// Siblings in a circle.
pub(crate) struct Circle {
    /// Path of their parent, with the crate's name.
    pub parent: String,
    /// Names of the siblings.
    pub siblings: Vec<String>,
    /// Uses of one by another, as "module: path".
    uses: BTreeSet<String>,
}

impl fmt::Display for Circle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}: {}", self.parent, self.siblings.join(", "))?;
        self.uses
            .iter()
            .try_for_each(|used| writeln!(f, "    {used}"))
    }
}

/// Finds the circles of a crate with a name and a root file.
pub(crate) fn of(name: &str, root: &Path) -> anyhow::Result<Vec<Circle>> {
    let mut parents: BTreeMap<Vec<String>, Siblings> = BTreeMap::new();
    for (from, to, path) in Modules::read(root)?.uses() {
        let common = from.iter().zip(&to).take_while(|(a, b)| a == b).count();
        if let (Some(one), Some(other)) = (from.get(common), to.get(common)) {
            let siblings = parents.entry(from[..common].to_vec()).or_default();
            let uses = siblings.0.entry(one.clone()).or_default();
            let text = format!("{}: {path}", from.join("::"));
            uses.entry(other.clone()).or_default().insert(text);
        }
    }
    let circles = parents.iter().flat_map(|(parent, siblings)| {
        let parent = [&[name.to_owned()], parent.as_slice()].concat().join("::");
        siblings.circles(&parent)
    });
    Ok(circles.collect())
}

/// Siblings by name, with those that each uses, and how.
#[derive(Default)]
struct Siblings(BTreeMap<String, BTreeMap<String, BTreeSet<String>>>);

impl Siblings {
    /// Returns all that a sibling uses, directly or not.
    fn reached<'a>(&'a self, from: &'a str) -> BTreeSet<&'a str> {
        let mut reached = BTreeSet::new();
        let mut left = vec![from];
        while let Some(next) = left.pop() {
            let used = self.0.get(next).into_iter().flat_map(BTreeMap::keys);
            left.extend(
                used.map(String::as_str)
                    .filter(|used| reached.insert(*used)),
            );
        }
        reached
    }

    fn circles(&self, parent: &str) -> Vec<Circle> {
        let reached: BTreeMap<_, _> = self
            .0
            .keys()
            .map(|name| (name, self.reached(name)))
            .collect();
        let mut circles: Vec<Circle> = Vec::new();
        for (name, others) in &reached {
            let back = |other: &&&String| {
                let reached = reached.get(*other);
                others.contains(other.as_str())
                    && reached.is_some_and(|r| r.contains(name.as_str()))
            };
            let siblings: Vec<String> = self
                .0
                .keys()
                .filter(|other| back(&other))
                .cloned()
                .collect();
            if siblings.first() != Some(*name) {
                continue;
            }
            let uses = siblings.iter().filter_map(|one| self.0.get(one)).flatten();
            let uses = uses.filter(|(other, _)| siblings.contains(other));
            circles.push(Circle {
                parent: parent.to_owned(),
                uses: uses.flat_map(|(_, paths)| paths.clone()).collect(),
                siblings,
            });
        }
        circles
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::repository;

    /// Circles that are known. The list may only become shorter.
    const KNOWN: [&str; 1] = ["gotracer-core::rules: custom, detector, settings"];

    #[test]
    fn no_circle_of_modules_is_new() {
        let crates = fs::read_dir(repository().join("crates")).unwrap();
        let crates = crates.map(|entry| entry.unwrap().path());
        let mut roots: Vec<_> = crates.map(|path| path.join("src/lib.rs")).collect();
        roots.sort();
        assert_eq!(roots.len(), 3);
        roots.extend(["src/main.rs", "xtask/src/main.rs"].map(|root| repository().join(root)));
        let mut found = Vec::new();
        for root in roots {
            let directory = root.ancestors().nth(2).unwrap().canonicalize().unwrap();
            let name = directory
                .file_name()
                .unwrap()
                .to_string_lossy()
                .into_owned();
            let circles = of(&name, &root).unwrap();
            found.extend(circles.iter().map(ToString::to_string));
        }
        let heads: Vec<_> = found
            .iter()
            .filter_map(|circle| circle.lines().next())
            .collect();
        assert_eq!(heads, KNOWN, "{}", found.concat());
    }

    fn circles(files: &[(&str, &str)]) -> Vec<String> {
        let directory = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = directory.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let circles = of("c", &directory.path().join("lib.rs")).unwrap();
        circles.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn re_exports_count_where_they_are_defined() {
        let found = circles(&[
            ("lib.rs", "mod a; mod b; mod c; pub use a::One;"),
            ("a.rs", "use crate::b::inner::Two; pub struct One(Two);"),
            ("b/mod.rs", "pub mod inner;"),
            (
                "b/inner.rs",
                "pub struct Two; fn f() -> super::super::One { todo!() }",
            ),
            (
                "c.rs",
                "use crate::{a, b::inner as other}; fn f(_: a::One, _: other::Two) {}",
            ),
        ]);
        let expected = "c: a, b\n    a: crate::b::inner::Two\n    b::inner: super::super::One\n";
        assert_eq!(found, [expected]);
    }

    #[test]
    fn tests_parents_and_other_crates_are_in_no_circle() {
        let found = circles(&[
            ("lib.rs", "mod a; mod b; pub struct Root; #[cfg(test)] mod tests;"),
            (
                "a.rs",
                "use super::Root; use b::Other; pub struct A; #[cfg(all(test, unix))] use crate::b::B;
                 #[cfg(test)] mod tests { use crate::b::B; }",
            ),
            ("b.rs", "use crate::*; use std::fmt; pub struct B(crate::a::A);"),
        ]);
        assert_eq!(found, Vec::<String>::new());
    }
}
