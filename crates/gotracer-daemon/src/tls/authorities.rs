//! Certificate authorities that a client trusts.

use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{ServerCertVerified, ServerCertVerifier};
use rustls::client::{WantsClientCert, verify_server_name};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, ClientConfig, ConfigBuilder, Error, RootCertStore, WantsVerifier};

use super::{TlsError, checks_signatures, provider};

/// Trusted certificates: as authorities, and as the certificate of a server itself.
#[derive(Clone, Debug)]
pub struct Authorities {
    roots: Arc<RootCertStore>,
    certificates: Arc<Vec<CertificateDer<'static>>>,
}

impl Authorities {
    /// Trusts `roots`, and servers whose own certificate is one of `certificates`.
    pub fn new(roots: RootCertStore, certificates: Vec<CertificateDer<'static>>) -> Self {
        Self {
            roots: Arc::new(roots),
            certificates: Arc::new(certificates),
        }
    }

    /// Returns the certificates as authorities only.
    pub fn roots(&self) -> Arc<RootCertStore> {
        Arc::clone(&self.roots)
    }

    /// Configures a client to trust them.
    ///
    /// # Errors
    /// If no verifier can be built from them.
    pub fn trusted_by(
        &self,
        builder: ConfigBuilder<ClientConfig, WantsVerifier>,
    ) -> Result<ConfigBuilder<ClientConfig, WantsClientCert>, TlsError> {
        if self.roots.is_empty() {
            return Ok(builder.with_root_certificates(self.roots()));
        }
        let chains = WebPkiServerVerifier::builder_with_provider(self.roots(), provider().into());
        let verifier = Verifier {
            chains: chains.build().map_err(|e| TlsError(e.to_string()))?,
            certificates: Arc::clone(&self.certificates),
        };
        let builder = builder.dangerous();
        Ok(builder.with_custom_certificate_verifier(Arc::new(verifier)))
    }
}

/// Verifier that accepts chains to an authority, and certificates that are trusted themselves.
///
/// `openssl req -x509` creates certificates with CA:TRUE by default, which webpki refuses as a
/// server's own. Go and curl accept a certificate that is byte for byte among the trusted ones.
#[derive(Debug)]
struct Verifier {
    chains: Arc<WebPkiServerVerifier>,
    certificates: Arc<Vec<CertificateDer<'static>>>,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let verified = self
            .chains
            .verify_server_cert(certificate, others, name, ocsp, now);
        match verified {
            // webpki reports both only after it has checked the dates.
            Err(error)
                if (is_authority(&error) || is_unknown(&error))
                    && self.certificates.iter().any(|c| c == certificate) =>
            {
                verify_server_name(&ParsedCertificate::try_from(certificate)?, name)?;
                Ok(ServerCertVerified::assertion())
            }
            verified => verified,
        }
    }

    checks_signatures!();
}

fn is_unknown(error: &Error) -> bool {
    matches!(
        error,
        Error::InvalidCertificate(CertificateError::UnknownIssuer)
    )
}

/// Whether a server's own certificate has CA:TRUE.
pub(super) fn is_authority(error: &Error) -> bool {
    let Error::InvalidCertificate(CertificateError::Other(other)) = error else {
        return false;
    };
    let error = other.0.downcast_ref::<webpki::Error>();
    matches!(error, Some(webpki::Error::CaUsedAsEndEntity))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use rcgen::{BasicConstraints, CertificateParams, IsCa, KeyPair, date_time_ymd};

    use super::*;

    fn made(ca: IsCa, until: i32) -> CertificateDer<'static> {
        let mut params = CertificateParams::new(["api.internal".into()]).unwrap();
        params.is_ca = ca;
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(until, 1, 1);
        let key = KeyPair::generate().unwrap();
        params.self_signed(&key).unwrap().der().clone()
    }

    /// Verifies in 2030 a server with certificate `shown` for a client that trusts `trusted`.
    fn verify(
        trusted: &CertificateDer<'static>,
        shown: &CertificateDer<'static>,
        name: &str,
    ) -> Result<(), Error> {
        let mut roots = RootCertStore::empty();
        roots.add(trusted.clone()).unwrap();
        let chains =
            WebPkiServerVerifier::builder_with_provider(roots.into(), provider().into()).build();
        let verifier = Verifier {
            chains: chains.unwrap(),
            certificates: Arc::new(vec![trusted.clone()]),
        };
        let now = UnixTime::since_unix_epoch(Duration::from_secs(1_893_456_000));
        let name = ServerName::try_from(name).unwrap();
        verifier
            .verify_server_cert(shown, &[], &name, &[], now)
            .map(drop)
    }

    #[test]
    fn a_certificate_is_trusted_that_is_among_the_trusted_ones() {
        let authority = || IsCa::Ca(BasicConstraints::Unconstrained);
        for ca in [authority, || IsCa::ExplicitNoCa, || IsCa::NoCa] {
            let (own, other, old) = (made(ca(), 2040), made(ca(), 2040), made(ca(), 2025));
            assert_eq!(verify(&own, &own, "api.internal"), Ok(()));
            assert!(verify(&own, &other, "api.internal").is_err());
            assert!(matches!(
                verify(&own, &own, "localhost"),
                Err(Error::InvalidCertificate(
                    CertificateError::NotValidForNameContext { .. }
                ))
            ));
            assert!(matches!(
                verify(&old, &old, "api.internal"),
                Err(Error::InvalidCertificate(
                    CertificateError::ExpiredContext { .. }
                ))
            ));
        }
    }
}
