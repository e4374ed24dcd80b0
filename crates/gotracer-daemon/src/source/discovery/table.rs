//! Table of the mechanisms of service discovery.
//!
//! A new mechanism is one file with a type that implements [`Mechanism`], one line in the table
//! below, and the field of its section in `Job`.

use super::files::FileSd;
use super::kubernetes::KubernetesSd;
use super::mechanism::Mechanism;
use super::server::HttpSd;

/// Declares the mechanisms: variant, type, key in a job, and name in metrics.
macro_rules! mechanisms {
    ($($(#[$doc:meta])* $variant:ident($section:ty) = $key:literal, $name:literal;)+) => {
        /// Section of a job that discovers targets.
        #[derive(Clone, PartialEq, Eq, Hash, Debug)]
        pub enum Discovery {
            $($(#[$doc])* $variant(Box<$section>),)+
        }

        $(impl From<$section> for Discovery {
            fn from(section: $section) -> Self {
                Self::$variant(Box::new(section))
            }
        })+

        /// Keys of the sections in a job.
        #[cfg(test)]
        pub(super) const KEYS: &[&str] = &[$($key),+];

        impl Discovery {
            /// Name of the mechanism in metrics.
            pub fn mechanism(&self) -> &'static str {
                match self {
                    $(Self::$variant(_) => $name,)+
                }
            }

            /// Returns the implementation.
            pub fn section(&self) -> &dyn Mechanism {
                match self {
                    $(Self::$variant(section) => &**section,)+
                }
            }
        }
    };
}

mechanisms! {
    /// Files.
    Files(FileSd) = "file_sd_configs", "file";
    /// HTTP server.
    Http(HttpSd) = "http_sd_configs", "http";
    /// Kubernetes API server.
    Kubernetes(KubernetesSd) = "kubernetes_sd_configs", "kubernetes";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn docs_and_example_configuration_have_every_key() {
        for file in ["docs/serve.md", "config/gotracer.yml"] {
            let path = format!("{}/../../{file}", env!("CARGO_MANIFEST_DIR"));
            let text = std::fs::read_to_string(path).unwrap();
            for key in KEYS {
                assert!(text.contains(key), "{file}: {key}");
            }
        }
    }

    #[test]
    fn jobs_know_every_key() {
        for key in KEYS {
            let yaml = format!("{{job_name: a, {key}: []}}");
            let job: super::super::Job = serde_saphyr::from_str(&yaml).unwrap();
            assert!(job.discoveries().is_empty(), "{key}");
        }
    }
}
