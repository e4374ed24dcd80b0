//! Certificates of receivers and of this client, as the files are now.

use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use rustls::ClientConfig;

use crate::tls::{self, Pem, TlsError};

/// Files that the environment names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Files {
    /// Authorities to trust instead of the system's.
    pub certificate: Option<String>,
    /// Certificate of this client.
    pub client_certificate: Option<String>,
    /// Its key.
    pub client_key: Option<String>,
}

impl Files {
    /// When each file was last modified. Blocks.
    pub fn stamps(&self) -> [Option<SystemTime>; 3] {
        let files = [
            &self.certificate,
            &self.client_certificate,
            &self.client_key,
        ];
        files.map(|file| std::fs::metadata(file.as_ref()?).ok()?.modified().ok())
    }

    /// Reads the files. Blocks.
    ///
    /// # Errors
    /// If a file can't be used.
    pub fn load(&self) -> Result<ClientConfig, TlsError> {
        let trusted = match &self.certificate {
            Some(path) => Pem::read(Path::new(path))?.authorities()?,
            None => tls::system_authorities(),
        };
        let builder = ClientConfig::builder_with_provider(Arc::new(tls::provider()))
            .with_safe_default_protocol_versions()
            .map_err(|e| TlsError(e.to_string()))?;
        let builder = trusted.trusted_by(builder)?;
        match (&self.client_certificate, &self.client_key) {
            (None, None) => Ok(builder.with_no_client_auth()),
            (Some(certificate), Some(key)) => {
                let certificate = Pem::read(Path::new(certificate))?;
                let key = Pem::read(Path::new(key))?.key()?;
                builder
                    .with_client_auth_cert(certificate.certificates()?, key)
                    .map_err(|e| certificate.wrong(&e))
            }
            _ => Err(TlsError(
                "a client certificate and its key go together".into(),
            )),
        }
    }
}
