//! What TLS needs on both sides: certificates and keys in PEM files, and the
//! names of its versions.

use std::path::Path;
use std::sync::{Arc, OnceLock};

use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{RootCertStore, SupportedProtocolVersion, version};
use serde::{Deserialize, Serialize};

/// A certificate, or a key, that can't be used; or anything else of TLS.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{0}")]
pub struct TlsError(pub String);

/// A version as Go and Prometheus call it.
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

/// Those from `min` to `max` that there are: 1.0 and 1.1 are not.
///
/// # Errors
/// If none is left.
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

/// The cryptography.
pub fn provider() -> CryptoProvider {
    rustls::crypto::ring::default_provider()
}

/// The certificates in a file.
///
/// # Errors
/// If it can't be read or has none.
pub fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let found = CertificateDer::pem_file_iter(path).map_err(|e| in_file(path, &e))?;
    let found = found.collect::<Result<Vec<_>, _>>();
    let found = found.map_err(|e| in_file(path, &e))?;
    match found.is_empty() {
        true => Err(in_file(path, &"there is no certificate in it")),
        false => Ok(found),
    }
}

/// The private key in a file.
///
/// # Errors
/// If it can't be read or has none.
pub fn key(path: &Path) -> Result<PrivateKeyDer<'static>, TlsError> {
    PrivateKeyDer::from_pem_file(path).map_err(|e| in_file(path, &e))
}

/// The authorities in a file.
///
/// # Errors
/// If it can't be read or has none.
pub fn authorities(path: &Path) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(path)? {
        roots.add(certificate).map_err(|e| in_file(path, &e))?;
    }
    Ok(roots)
}

/// The authorities that this system believes, read once.
pub fn system_authorities() -> Arc<RootCertStore> {
    static SYSTEM: OnceLock<Arc<RootCertStore>> = OnceLock::new();
    let read = || {
        let mut roots = RootCertStore::empty();
        // A system has some that can't be parsed, and may have none at all.
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        Arc::new(roots)
    };
    Arc::clone(SYSTEM.get_or_init(read))
}

/// Says of which file something is.
pub fn in_file(path: &Path, error: &dyn std::fmt::Display) -> TlsError {
    let error = error.to_string();
    let error = match error.as_str() {
        "no items found" => "there is no key in it",
        error => error.strip_prefix("I/O error: ").unwrap_or(error),
    };
    TlsError(format!("{}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

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
