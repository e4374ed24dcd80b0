//! Mapping from source paths in a trace to paths in the program's repository.
//!
//! The compiler records the path on the build machine or, with `-trimpath`, the path of the package. GitHub, GitLab
//! and editors need paths relative to the repository's root.

use super::{Finding, Frame};

/// Prefixes of paths, and their replacements in the repository.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct PathMap {
    prefixes: Vec<(String, String)>,
}

impl PathMap {
    /// Maps files below `from` to `to` in the repository; empty is its root. Earlier entries take precedence.
    pub fn add(&mut self, from: &str, to: &str) {
        let plain = |path: &str| path.replace('\\', "/").trim_end_matches('/').to_owned();
        let to = plain(to);
        let to = to.trim_start_matches("./").trim_start_matches('/');
        self.prefixes.push((plain(from), to.to_owned()));
    }

    /// Returns a file's path in the repository; `None` if no prefix matches.
    pub fn in_repository(&self, file: &str) -> Option<String> {
        let file = file.replace('\\', "/");
        self.prefixes.iter().find_map(|(from, to)| {
            let rest = file.strip_prefix(from.as_str())?.strip_prefix('/')?;
            let leads_out = rest.split('/').any(|part| matches!(part, ".." | "." | ""));
            (!leads_out).then(|| match to.as_str() {
                "" => rest.to_owned(),
                to => format!("{to}/{rest}"),
            })
        })
    }

    /// Returns the location at which to show a finding: its place, or the innermost frame in the repository.
    pub fn location<'a>(&self, finding: &'a Finding) -> Location<'a> {
        let candidates = std::iter::once(&finding.place).chain(&finding.stack);
        let ours = candidates.filter(|frame| frame.line > 0).find_map(|frame| {
            let path = self.in_repository(&frame.file)?;
            Some(Location {
                frame,
                path,
                in_repository: true,
            })
        });
        ours.unwrap_or_else(|| Location {
            frame: &finding.place,
            path: finding.place.file.replace('\\', "/"),
            in_repository: false,
        })
    }
}

/// Location at which to show a finding.
#[derive(Debug)]
pub struct Location<'a> {
    /// Frame at the location.
    pub frame: &'a Frame,
    /// File of the frame, with `/` as the separator; empty if unknown.
    pub path: String,
    /// Whether the path is relative to the repository's root.
    pub in_repository: bool,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{Severity, sample};

    fn map(pairs: &[(&str, &str)]) -> PathMap {
        let mut map = PathMap::default();
        pairs.iter().for_each(|(from, to)| map.add(from, to));
        map
    }

    #[test]
    fn paths_are_mapped_part_by_part() {
        let map = map(&[
            ("/src/app/", ""),
            ("example.com/shop", "./services/shop/"),
            ("C:\\work\\app", ""),
        ]);
        for (file, expected) in [
            ("/src/app/cart/store.go", Some("cart/store.go")),
            ("/src/apple/store.go", None),
            ("example.com/shop/x.go", Some("services/shop/x.go")),
            ("example.com/shop@v1.2.3/x.go", None),
            ("C:\\work\\app\\a\\b.go", Some("a/b.go")),
            ("C:/work/app/a/b.go", Some("a/b.go")),
            ("/src/app/../../etc/passwd", None),
            ("/src/app", None),
            ("", None),
        ] {
            assert_eq!(map.in_repository(file).as_deref(), expected, "{file}");
        }
    }

    #[test]
    fn a_finding_outside_is_shown_where_the_repository_called_it() {
        let mut finding = sample::finding("MutexContention", Severity::Warn);
        finding.place = Frame {
            function: "net/http.(*Server).Shutdown".into(),
            file: "/usr/local/go/src/net/http/server.go".into(),
            line: 3000,
        };
        finding.stack = vec![
            finding.place.clone(),
            sample::frame("main.main", "main.go", 7),
        ];
        let ours = map(&[("example.com/shop", "")]);
        let location = ours.location(&finding);
        assert_eq!(
            (location.path.as_str(), location.frame.line),
            ("main.go", 7)
        );
        let location = PathMap::default();
        let location = location.location(&finding);
        assert!(!location.in_repository);
        assert_eq!(location.path, "/usr/local/go/src/net/http/server.go");
    }
}
