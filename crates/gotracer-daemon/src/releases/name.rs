//! Identity of a service.

use std::fmt;

/// A service's name, with its namespace if it has one: the same service runs in
/// staging and in production, and is not a release of itself.
///
/// In one string, since it is the key of everything: the namespace, which may be
/// empty, a slash, and the service.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct ServiceName(String);

impl ServiceName {
    /// The name of a service in a namespace, or in none.
    pub fn new(namespace: &str, service: &str) -> Self {
        Self(format!("{}/{service}", namespace.replace('/', "_")))
    }

    /// The one that is stored as this text.
    pub fn stored(text: &str) -> Self {
        Self(text.into())
    }

    /// As it is stored.
    pub fn key(&self) -> &str {
        &self.0
    }

    /// Its namespace, empty if it has none.
    pub fn namespace(&self) -> &str {
        self.0
            .split_once('/')
            .map_or("", |(namespace, _)| namespace)
    }

    /// Its name within that.
    pub fn service(&self) -> &str {
        self.0
            .split_once('/')
            .map_or(&self.0, |(_, service)| service)
    }
}

impl fmt::Display for ServiceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.strip_prefix('/').unwrap_or(&self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_namespace_is_told_from_a_service_with_a_slash() {
        for (namespace, service, shown) in [
            ("", "shop", "shop"),
            ("", "team/shop", "team/shop"),
            ("prod", "a/b", "prod/a/b"),
        ] {
            let name = ServiceName::new(namespace, service);
            assert_eq!((name.namespace(), name.service()), (namespace, service));
            assert_eq!(name.to_string(), shown);
            assert_eq!(ServiceName::stored(name.key()), name);
        }
    }
}
