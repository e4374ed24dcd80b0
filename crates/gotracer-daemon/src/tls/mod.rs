//! TLS of clients and server: certificates and keys in PEM files, and protocol versions.

mod authorities;
pub mod trouble;

use std::path::Path;
use std::sync::OnceLock;

use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{RootCertStore, SupportedProtocolVersion, version};
use serde::{Deserialize, Serialize};

pub use authorities::Authorities;

/// Error in a certificate, a key or another TLS setting.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{0}")]
pub struct TlsError(pub String);

/// Protocol version, as Go and Prometheus name it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Deserialize, Serialize)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Version {
    #[serde(rename = "TLS10")]
    Tls10,
    #[serde(rename = "TLS11")]
    Tls11,
    #[serde(rename = "TLS12")]
    Tls12,
    #[serde(rename = "TLS13")]
    Tls13,
}

/// Returns the supported versions from `min` to `max`; 1.0 and 1.1 are not supported.
///
/// # Errors
/// If no supported version is left.
pub fn versions(
    min: Option<Version>,
    max: Option<Version>,
) -> Result<Vec<&'static SupportedProtocolVersion>, TlsError> {
    let known = [
        (Version::Tls12, &version::TLS12),
        (Version::Tls13, &version::TLS13),
    ];
    let wanted = |v: Version| min.is_none_or(|min| v >= min) && max.is_none_or(|max| v <= max);
    let left = known.into_iter().filter(|(name, _)| wanted(*name));
    let left: Vec<_> = left.map(|(_, version)| version).collect();
    match left.is_empty() {
        true => Err(TlsError(
            "min_version and max_version leave neither TLS12 nor TLS13".into(),
        )),
        false => Ok(left),
    }
}

/// Returns the cryptography provider.
pub fn provider() -> CryptoProvider {
    rustls::crypto::ring::default_provider()
}

/// Methods of a verifier that prove that the peer has the key of its certificate. They accept the signatures of
/// [`provider`].
macro_rules! checks_signatures {
    () => {
        $crate::tls::checks_signatures!(verify_tls12_signature verify_tls13_signature);

        fn supported_verify_schemes(&self) -> Vec<rustls::SignatureScheme> {
            let known = $crate::tls::provider().signature_verification_algorithms;
            known.supported_schemes()
        }
    };
    ($($verify:ident)+) => {
        $(fn $verify(
            &self,
            message: &[u8],
            certificate: &rustls::pki_types::CertificateDer<'_>,
            signature: &rustls::DigitallySignedStruct,
        ) -> Result<rustls::client::danger::HandshakeSignatureValid, rustls::Error> {
            let known = $crate::tls::provider().signature_verification_algorithms;
            rustls::crypto::$verify(message, certificate, signature, &known)
        })+
    };
}
pub(crate) use checks_signatures;

/// PEM text, and its name in errors.
#[derive(Clone, Debug)]
pub struct Pem {
    text: Vec<u8>,
    name: String,
}

impl Pem {
    /// Reads a PEM file.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn read(path: &Path) -> Result<Self, TlsError> {
        let name = path.display().to_string();
        match std::fs::read(path) {
            Ok(text) => Ok(Self { text, name }),
            Err(error) => Err(TlsError(format!("cannot read {name}: {error}"))),
        }
    }

    /// Reads a PEM file, or the text of a field if no file is given; `None` if neither is.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn either(
        file: Option<&Path>,
        (field, text): (&str, Option<&str>),
    ) -> Result<Option<Self>, TlsError> {
        match file {
            Some(path) => Self::read(path).map(Some),
            None => Ok(text.map(|text| Self::inline(field, text))),
        }
    }

    /// Uses the text of a field.
    fn inline(field: &str, text: &str) -> Self {
        Self {
            text: text.into(),
            name: field.into(),
        }
    }

    /// Parses the certificates.
    ///
    /// # Errors
    /// If there is none, or one is invalid.
    pub fn certificates(&self) -> Result<Vec<CertificateDer<'static>>, TlsError> {
        let found = CertificateDer::pem_slice_iter(&self.text).collect::<Result<Vec<_>, _>>();
        let found = found.map_err(|e| self.wrong(&e))?;
        match found.is_empty() {
            true => Err(self.wrong(&"there is no certificate in it")),
            false => Ok(found),
        }
    }

    /// Parses the private key.
    ///
    /// # Errors
    /// If there is none, or it is invalid.
    pub fn key(&self) -> Result<PrivateKeyDer<'static>, TlsError> {
        PrivateKeyDer::from_pem_slice(&self.text).map_err(|e| match e {
            pem::Error::NoItemsFound => self.wrong(&"there is no private key in it"),
            e => self.wrong(&e),
        })
    }

    /// Parses the certificates as authorities.
    ///
    /// # Errors
    /// If there is none, or one is invalid.
    pub fn authorities(&self) -> Result<Authorities, TlsError> {
        let mut roots = RootCertStore::empty();
        let certificates = self.certificates()?;
        for certificate in &certificates {
            let added = roots.add(certificate.clone());
            added.map_err(|e| self.wrong(&e))?;
        }
        Ok(Authorities::new(roots, certificates))
    }

    /// Adds the name of the file or field to an error.
    pub fn wrong(&self, error: &dyn std::fmt::Display) -> TlsError {
        TlsError(format!("{}: {error}", self.name))
    }
}

/// Returns the authorities that the system trusts, which are read once.
pub fn system_authorities() -> Authorities {
    static SYSTEM: OnceLock<Authorities> = OnceLock::new();
    let read = || {
        let mut roots = RootCertStore::empty();
        // Systems have certificates that cannot be parsed, and may have none at all.
        let certificates = rustls_native_certs::load_native_certs().certs;
        roots.add_parsable_certificates(certificates.iter().cloned());
        Authorities::new(roots, certificates)
    };
    SYSTEM.get_or_init(read).clone()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_said() {
        let pem = Pem::inline("cert", "nothing");
        let error = |e: TlsError| e.to_string();
        assert_eq!(
            pem.certificates().map_err(error),
            Err("cert: there is no certificate in it".into())
        );
        assert_eq!(
            pem.key().map(drop).map_err(error),
            Err("cert: there is no private key in it".into())
        );
    }

    #[test]
    fn versions_are_bounded_on_both_sides() {
        use Version::{Tls10, Tls12, Tls13};
        let count = |min, max| versions(min, max).map(|v| v.len());
        assert_eq!(count(None, None), Ok(2));
        assert_eq!(count(Some(Tls10), Some(Tls12)), Ok(1));
        assert_eq!(count(Some(Tls13), None), Ok(1));
        assert!(count(None, Some(Tls10)).is_err());
        assert!(count(Some(Tls13), Some(Tls12)).is_err());
    }
}
