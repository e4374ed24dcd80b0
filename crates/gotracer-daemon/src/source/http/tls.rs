//! `tls_config`: trusted authorities and client certificate.

use std::path::PathBuf;
use std::sync::Arc;

use rustls::client::danger::{ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, Error};
use serde::{Deserialize, Deserializer, Serialize};

use super::FieldError;
use crate::secret::Secret;
use crate::tls::{self, Pem, TlsError, Version, checks_signatures};

/// TLS configuration of a client.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct TlsConfig {
    /// Trusted authorities instead of the system's.
    #[serde(skip_serializing_if = "Option::is_none")]
    ca: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ca_file: Option<PathBuf>,
    /// Client certificate.
    #[serde(skip_serializing_if = "Option::is_none")]
    cert: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cert_file: Option<PathBuf>,
    /// Key of the client certificate.
    #[serde(default, deserialize_with = "key")]
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<Secret>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key_file: Option<PathBuf>,
    /// Server name if it differs from the URL's host.
    #[serde(skip_serializing_if = "Option::is_none")]
    server_name: Option<String>,
    /// Accept any certificate.
    #[serde(default)]
    insecure_skip_verify: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    min_version: Option<Version>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_version: Option<Version>,
}

impl TlsConfig {
    /// Whether all fields have their defaults.
    pub fn is_usual(&self) -> bool {
        *self == Self::default()
    }

    /// Returns the configuration with any certificate accepted.
    #[must_use]
    pub fn believing_everybody(mut self) -> Self {
        self.insecure_skip_verify = true;
        self
    }

    /// Server name if it differs from the URL's host.
    pub(super) fn server_name(&self) -> Result<Option<ServerName<'static>>, TlsError> {
        let Some(name) = &self.server_name else {
            return Ok(None);
        };
        let parsed = ServerName::try_from(name.clone());
        let parsed = parsed.map_err(|_| TlsError(format!("server_name: \"{name}\" is no name")))?;
        Ok(Some(parsed))
    }

    pub(super) fn check(&self) -> Result<(), FieldError> {
        let error = |why: TlsError| FieldError::new("tls_config", why);
        let twice = [
            (
                "ca and ca_file",
                self.ca.is_some() && self.ca_file.is_some(),
            ),
            (
                "cert and cert_file",
                self.cert.is_some() && self.cert_file.is_some(),
            ),
            (
                "key and key_file",
                self.key.is_some() && self.key_file.is_some(),
            ),
        ];
        if let Some((both, _)) = twice.iter().find(|(_, twice)| *twice) {
            return Err(error(TlsError(format!("only one of {both} can be"))));
        }
        let certificate = self.cert.is_some() || self.cert_file.is_some();
        if certificate != (self.key.is_some() || self.key_file.is_some()) {
            return Err(error(TlsError("cert_file and key_file go together".into())));
        }
        tls::versions(self.min_version, self.max_version).map_err(error)?;
        self.server_name().map_err(error)?;
        Ok(())
    }

    /// Reads the files. Blocks.
    pub(super) fn load(&self) -> Result<ClientConfig, TlsError> {
        let versions = tls::versions(self.min_version, self.max_version)?;
        let builder = ClientConfig::builder_with_provider(tls::provider().into())
            .with_protocol_versions(&versions)
            .map_err(|e| TlsError(e.to_string()))?;
        let ca = Pem::either(self.ca_file.as_deref(), ("ca", self.ca.as_deref()))?;
        let trusted = match ca {
            Some(ca) => ca.authorities()?,
            None => tls::system_authorities(),
        };
        let builder = if self.insecure_skip_verify {
            let builder = builder.dangerous();
            builder.with_custom_certificate_verifier(Arc::new(Anybody))
        } else {
            trusted.trusted_by(builder)?
        };
        let certificate = Pem::either(self.cert_file.as_deref(), ("cert", self.cert.as_deref()))?;
        let inline = self.key.as_ref().map(Secret::expose);
        let key = Pem::either(self.key_file.as_deref(), ("key", inline))?;
        match (certificate, key) {
            (Some(certificate), Some(key)) => {
                let chain = certificate.certificates()?;
                let config = builder.with_client_auth_cert(chain, key.key()?);
                config.map_err(|e| certificate.wrong(&e))
            }
            _ => Ok(builder.with_no_client_auth()),
        }
    }
}

fn key<'de, D: Deserializer<'de>>(d: D) -> Result<Option<Secret>, D::Error> {
    Secret::field("key", d)
}

/// Verifier that accepts any certificate but still checks that the server has
/// its key.
#[derive(Debug)]
struct Anybody;

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _certificate: &CertificateDer<'_>,
        _others: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    checks_signatures!();
}
