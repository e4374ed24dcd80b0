//! Identity of a service.

use std::fmt;

/// Name of a service with its namespace, if it has one. A service in staging and one in production
/// are different services.
///
/// The string is the key of all maps: namespace (may be empty), slash, service.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct ServiceName(String);

impl ServiceName {
    /// Creates the name of a service in a namespace, or in none.
    pub fn new(namespace: &str, service: &str) -> Self {
        Self(format!("{}/{service}", namespace.replace('/', "_")))
    }

    /// Creates the name from its stored form.
    pub fn stored(text: &str) -> Self {
        Self(text.into())
    }

    /// Returns the stored form.
    pub fn key(&self) -> &str {
        &self.0
    }

    /// Returns the namespace, empty if there is none.
    pub fn namespace(&self) -> &str {
        self.0
            .split_once('/')
            .map_or("", |(namespace, _)| namespace)
    }

    /// Returns the name within the namespace.
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
