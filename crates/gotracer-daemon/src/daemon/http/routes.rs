//! Routes of the HTTP server: one table of paths, methods, limits, access and handlers.
//!
//! A new path is one entry. A test compares the table with the one in docs/serve.md.

use std::future::ready;

use hyper::Method;

use super::call::Handler;
use super::connections::Kind;
use super::{
    alerts, api, evidence, metrics, operations, page, probe, profiles, push, releases, targets,
    upload,
};
use crate::daemon::exposure::Gate;

/// Path of the server, and how it is answered.
pub(super) struct Route {
    /// Path. A last segment in capitals is a placeholder: `N` for a number, others for any text.
    pub path: &'static str,
    /// Methods that the path accepts.
    pub methods: &'static [Method],
    /// Kind of the requests, which selects their limits.
    pub kind: Kind,
    /// Access for clients that are neither local nor authenticated.
    pub gate: Gate,
    /// Handler.
    pub handler: Handler,
}

/// Route of a path, and the text of its placeholder.
pub(super) struct Found {
    /// Route.
    pub route: &'static Route,
    /// Text of the placeholder, if the path has one.
    pub below: String,
}

const READ: &[Method] = &[Method::GET, Method::HEAD];
const POST: &[Method] = &[Method::POST];
const PUSH: &[Method] = &[Method::POST, Method::PUT];

/// Declares a route; `await` marks an async handler.
macro_rules! route {
    ($methods:ident $path:literal, $kind:ident, $gate:ident, await $handler:path) => {
        route!(@ $methods, $path, $kind, $gate, |call| Box::pin($handler(call)))
    };
    ($methods:ident $path:literal, $kind:ident, $gate:ident, $handler:path) => {
        route!(@ $methods, $path, $kind, $gate, |call| Box::pin(ready($handler(&call))))
    };
    (@ $methods:ident, $path:literal, $kind:ident, $gate:ident, $handler:expr) => {
        Route {
            path: $path,
            methods: $methods,
            kind: Kind::$kind,
            gate: Gate::$gate,
            handler: $handler,
        }
    };
}

/// All routes.
const ROUTES: &[Route] = &[
    route!(READ "/", Page, Open, page::answer::landing),
    route!(READ "/reports/N", Page, Open, await page::answer::report),
    route!(READ "/releases", Page, Open, page::answer::releases),
    route!(READ "/config", Page, Open, page::answer::configuration),
    route!(READ "/metrics", Scrape, Open, metrics::metrics),
    route!(READ "/probe", Probe, Open, await probe::probe),
    route!(READ "/api/v1/targets", Page, Open, targets::list),
    route!(READ "/api/v1/reports", Page, Open, await api::all),
    route!(READ "/api/v1/reports/N", Page, Open, await api::one),
    route!(READ "/api/v1/profiles/TYPE", Page, Open, await profiles::one),
    route!(READ "/api/v1/releases", Page, Open, releases::list),
    route!(POST "/api/v1/analyze", Upload, Uploads, await upload::analyze),
    route!(PUSH "/api/v1/traces", Upload, Uploads, await push::receive),
    route!(READ "/api/v1/evidence", Page, Evidence, evidence::list),
    route!(READ "/api/v1/evidence/ID", Page, Evidence, await evidence::one),
    route!(POST "/api/v1/alertmanager", Upload, AlertWebhook, await alerts::webhook),
    route!(READ "/-/healthy", Essential, Open, operations::healthy),
    route!(READ "/-/ready", Essential, Open, operations::ready),
    route!(POST "/-/reload", Page, Open, await operations::reload),
];

/// Finds the route of a path.
pub(super) fn find(path: &str) -> Option<Found> {
    ROUTES.iter().find_map(|route| {
        let below = route.matches(path)?.to_owned();
        Some(Found { route, below })
    })
}

impl Route {
    /// Returns the text of the placeholder if the path is this route's; empty without a placeholder.
    fn matches<'p>(&self, path: &'p str) -> Option<&'p str> {
        if let Some(prefix) = self.path.strip_suffix('N').filter(|p| p.ends_with('/')) {
            let number = path.strip_prefix(prefix)?;
            return number.parse::<u64>().is_ok().then_some(number);
        }
        let placeholder = self
            .path
            .rsplit('/')
            .next()
            .filter(|last| !last.is_empty() && last.bytes().all(|b| b.is_ascii_uppercase()));
        match placeholder {
            Some(name) => path.strip_prefix(self.path.strip_suffix(name)?),
            None => (path == self.path).then_some(""),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::daemon::exposure::Exposure;

    #[test]
    fn placeholders_match_numbers_or_any_text() {
        let find = |path: &str| find(path).map(|found| (found.route.path, found.below));
        for (path, route, below) in [
            ("/", "/", ""),
            ("/reports/7", "/reports/N", "7"),
            ("/api/v1/reports/18", "/api/v1/reports/N", "18"),
            ("/api/v1/reports", "/api/v1/reports", ""),
            ("/api/v1/evidence", "/api/v1/evidence", ""),
            (
                "/api/v1/evidence/a1/report",
                "/api/v1/evidence/ID",
                "a1/report",
            ),
        ] {
            assert_eq!(find(path), Some((route, below.to_owned())), "{path}");
        }
        for path in [
            "",
            "/reports/",
            "/reports/x",
            "/reports/-1",
            "/reports/N/7",
            "/metrics/",
        ] {
            assert_eq!(find(path), None, "{path}");
        }
    }

    #[test]
    fn a_closed_path_names_its_option() {
        let closed = Exposure::default();
        let option = |path: &str| closed.closed_by(find(path).unwrap().route.gate);
        for (path, expected) in [
            ("/api/v1/analyze", Some("--web.enable-uploads")),
            ("/api/v1/traces", Some("--web.enable-uploads")),
            ("/api/v1/alertmanager", Some("--web.enable-alert-webhook")),
            ("/api/v1/evidence", Some("--web.enable-evidence")),
            (
                "/api/v1/evidence/5d1c/report",
                Some("--web.enable-evidence"),
            ),
            ("/api/v1/reports", None),
            ("/", None),
        ] {
            assert_eq!(option(path), expected, "{path}");
        }
    }

    /// Rows of the table of paths in docs/serve.md: the paths of the first column, and the text.
    fn documented() -> Vec<(Vec<String>, String)> {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/serve.md");
        let text = std::fs::read_to_string(file).unwrap();
        let (_, section) = text.split_once("\n## Paths\n").unwrap();
        let section = section.split("\n## ").next().unwrap();
        let rows = section.lines().filter(|line| line.starts_with("| `/"));
        let row = |line: &str| {
            let mut cells = line.split(" | ");
            let paths = cells.next().unwrap().split('`').skip(1).step_by(2);
            let paths = paths.map(|path| path.split('?').next().unwrap().to_owned());
            (paths.collect(), line.to_owned())
        };
        rows.map(row).collect()
    }

    #[test]
    fn docs_list_every_route_with_methods_and_option() {
        let rows = documented();
        let listed: BTreeSet<_> = rows
            .iter()
            .flat_map(|(paths, _)| paths.as_slice())
            .collect();
        let known: BTreeSet<_> = ROUTES.iter().map(|route| route.path.to_owned()).collect();
        assert_eq!(
            listed,
            known.iter().collect(),
            "paths of docs/serve.md and of ROUTES"
        );
        for route in ROUTES {
            let own = rows
                .iter()
                .filter(|(paths, _)| paths.iter().any(|p| p == route.path));
            let text: String = own.map(|(_, text)| text.as_str()).collect();
            for method in route.methods.iter().filter(|m| !READ.contains(m)) {
                assert!(text.contains(method.as_str()), "{}: {method}", route.path);
            }
            if let Some(option) = Exposure::default().closed_by(route.gate) {
                assert!(text.contains(option), "{}: {option}", route.path);
            }
        }
    }
}
