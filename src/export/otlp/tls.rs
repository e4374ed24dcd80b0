//! Whom to believe, and who we are.

use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};

use super::config::ConfigError;

/// The files that the environment names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Files {
    /// Authorities to believe instead of the system's.
    pub certificate: Option<String>,
    /// Our certificate.
    pub client_certificate: Option<String>,
    /// Its key.
    pub client_key: Option<String>,
}

impl Files {
    /// What they make of TLS.
    pub fn load(&self) -> Result<ClientConfig, ConfigError> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|e| ConfigError::Tls(e.to_string()))?;
        let builder = builder.with_root_certificates(self.roots()?);
        match (&self.client_certificate, &self.client_key) {
            (None, None) => Ok(builder.with_no_client_auth()),
            (Some(certificate), Some(key)) => {
                let chain = certificates(certificate)?;
                let private = PrivateKeyDer::from_pem_file(Path::new(key));
                let private = private.map_err(|e| file(key, &e))?;
                let config = builder.with_client_auth_cert(chain, private);
                config.map_err(|e| file(certificate, &e))
            }
            _ => Err(ConfigError::Tls(
                "a client certificate and its key go together".into(),
            )),
        }
    }

    fn roots(&self) -> Result<RootCertStore, ConfigError> {
        let mut roots = RootCertStore::empty();
        match &self.certificate {
            Some(path) => {
                for authority in certificates(path)? {
                    roots.add(authority).map_err(|e| file(path, &e))?;
                }
            }
            // A system has some that can't be parsed, and may have none at all.
            None => {
                let found = rustls_native_certs::load_native_certs().certs;
                roots.add_parsable_certificates(found);
            }
        }
        Ok(roots)
    }
}

fn certificates(path: &str) -> Result<Vec<CertificateDer<'static>>, ConfigError> {
    let found = CertificateDer::pem_file_iter(Path::new(path)).map_err(|e| file(path, &e))?;
    let found = found.collect::<Result<Vec<_>, _>>();
    let found = found.map_err(|e| file(path, &e))?;
    match found.is_empty() {
        true => Err(ConfigError::Tls(format!("{path}: no certificate in it"))),
        false => Ok(found),
    }
}

fn file(path: &str, error: &dyn std::fmt::Display) -> ConfigError {
    ConfigError::Tls(format!("{path}: {error}"))
}
