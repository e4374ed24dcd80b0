//! TLS settings of the server: `tls_server_config` with Go's names, as far as rustls supports them.

use std::sync::Arc;

use rustls::crypto::CryptoProvider;
use rustls::crypto::ring::kx_group::{SECP256R1, SECP384R1, X25519};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::version::TLS13;
use rustls::{CertificateError, DistinguishedName, Error, ServerConfig, SupportedCipherSuite};
use webpki::EndEntityCert;

use super::file::{ClientAuth, Curve, TlsYaml};
use crate::tls::{self, Pem, TlsError, checks_signatures};

/// Weak cipher suites of Go that rustls does not support; they are ignored.
const WEAK: [&str; 4] = [
    "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA",
    "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA",
    "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA",
];

/// Builds the TLS settings; `None` if TLS is disabled.
pub(super) fn server(yaml: &TlsYaml, http2: bool) -> Result<Option<ServerConfig>, TlsError> {
    if !yaml.is_enabled() {
        return Ok(None);
    }
    let certificate = Pem::either(yaml.cert_file.as_deref(), ("cert", yaml.cert.as_deref()))?;
    let missing = || TlsError("cert_file is missing".into());
    let certificate = certificate.ok_or_else(missing)?;
    let key = Pem::either(yaml.key_file.as_deref(), ("key", yaml.key.as_deref()))?;
    let key = key.ok_or_else(|| TlsError("key_file is missing".into()))?;
    let mut provider = tls::provider();
    provider.cipher_suites = suites(&yaml.cipher_suites, provider.cipher_suites)?;
    if !yaml.curve_preferences.is_empty() {
        let known = yaml
            .curve_preferences
            .iter()
            .filter_map(|curve| match curve {
                Curve::CurveP256 => Some(SECP256R1),
                Curve::CurveP384 => Some(SECP384R1),
                Curve::X25519 => Some(X25519),
                Curve::CurveP521 => None,
            });
        provider.kx_groups = known.collect();
        if provider.kx_groups.is_empty() {
            let why = "curve_preferences: there are X25519, CurveP256 and CurveP384";
            return Err(TlsError(why.into()));
        }
    }
    let provider = Arc::new(provider);
    let versions = tls::versions(yaml.min_version, yaml.max_version)?;
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(&versions)
        .map_err(|e| TlsError(e.to_string()))?;
    let builder = match verifier(yaml, &provider)? {
        Some(verifier) => builder.with_client_cert_verifier(verifier),
        None => builder.with_no_client_auth(),
    };
    let config = builder.with_single_cert(certificate.certificates()?, key.key()?);
    let mut config = config.map_err(|e| certificate.wrong(&e))?;
    config.ignore_client_order = yaml.prefer_server_cipher_suites.unwrap_or(true);
    let protocols: &[&str] = match http2 {
        true => &["h2", "http/1.1"],
        false => &["http/1.1"],
    };
    config.alpn_protocols = protocols.iter().map(|p| p.as_bytes().to_vec()).collect();
    Ok(Some(config))
}

/// Returns the named suites in their order. As in Go, the suites of TLS 1.3 are always enabled.
fn suites(
    names: &[String],
    all: Vec<SupportedCipherSuite>,
) -> Result<Vec<SupportedCipherSuite>, TlsError> {
    if names.is_empty() {
        return Ok(all);
    }
    let name = |suite: &SupportedCipherSuite| {
        let name = suite.suite().as_str().unwrap_or_default();
        name.replace("TLS13_", "TLS_")
    };
    let newest = |suite: &&SupportedCipherSuite| suite.version() == &TLS13;
    let mut chosen: Vec<_> = all.iter().filter(newest).copied().collect();
    for wanted in names {
        match all.iter().find(|suite| name(suite) == *wanted) {
            Some(suite) if !chosen.contains(suite) => chosen.push(*suite),
            Some(_) => {}
            None if WEAK.contains(&wanted.as_str()) => {}
            None => {
                let known: Vec<_> = all.iter().map(name).collect();
                let known = known.join(", ");
                return Err(TlsError(format!(
                    "cipher_suites: there is no \"{wanted}\"; there are {known}"
                )));
            }
        }
    }
    Ok(chosen)
}

/// Returns the verifier of client certificates, if the policy requests them.
fn verifier(
    yaml: &TlsYaml,
    provider: &Arc<CryptoProvider>,
) -> Result<Option<Arc<dyn ClientCertVerifier>>, TlsError> {
    let authority = Pem::either(
        yaml.client_ca_file.as_deref(),
        ("client_ca", yaml.client_ca.as_deref()),
    )?;
    let kind = yaml.client_auth_type.unwrap_or(ClientAuth::NoClientCert);
    if kind == ClientAuth::NoClientCert {
        return match authority {
            Some(_) => Err(TlsError(
                "client_ca_file needs a client_auth_type, such as RequireAndVerifyClientCert"
                    .into(),
            )),
            None => Ok(None),
        };
    }
    let chain = match kind.verifies() {
        true => Some(chain(authority, provider)?),
        false => None,
    };
    Ok(Some(Arc::new(Clients {
        required: matches!(
            kind,
            ClientAuth::RequireAnyClientCert | ClientAuth::RequireAndVerifyClientCert
        ),
        chain,
        names: yaml.client_allowed_sans.clone(),
    })))
}

/// Returns a verifier for chains to the given authorities; by default, to those of the system.
fn chain(
    authority: Option<Pem>,
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<dyn ClientCertVerifier>, TlsError> {
    let roots = match authority {
        Some(authority) => authority.authorities()?.roots(),
        None => tls::system_authorities().roots(),
    };
    if roots.is_empty() {
        return Err(TlsError("client_ca_file is missing".into()));
    }
    let builder = WebPkiClientVerifier::builder_with_provider(roots, Arc::clone(provider));
    builder.build().map_err(|e| TlsError(e.to_string()))
}

/// Verifier of client certificates.
#[derive(Debug)]
struct Clients {
    /// Whether a certificate is mandatory.
    required: bool,
    /// Verifier of the chain, if the policy verifies it.
    chain: Option<Arc<dyn ClientCertVerifier>>,
    /// Permitted subject alternative names, if restricted.
    names: Option<Vec<String>>,
}

impl Clients {
    fn allows(&self, certificate: &CertificateDer<'_>) -> bool {
        let Some(names) = &self.names else {
            return true;
        };
        let Ok(certificate) = EndEntityCert::try_from(certificate) else {
            return false;
        };
        let has = |name: &String| {
            let mut texts = certificate
                .valid_dns_names()
                .chain(certificate.valid_uri_names());
            // Names are compared as text, wildcards included, as Prometheus' exporter toolkit does.
            texts.any(|text| text == name)
                || name.parse().is_ok_and(|ip: std::net::IpAddr| {
                    let name = ServerName::from(ip);
                    certificate.verify_is_valid_for_subject_name(&name).is_ok()
                })
        };
        names.iter().any(has)
    }
}

impl ClientCertVerifier for Clients {
    fn client_auth_mandatory(&self) -> bool {
        self.required
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        let chain = self.chain.as_ref();
        chain.map_or(&[], |chain| chain.root_hint_subjects())
    }

    fn verify_client_cert(
        &self,
        certificate: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        if let Some(chain) = &self.chain {
            chain.verify_client_cert(certificate, others, now)?;
        }
        match self.allows(certificate) {
            true => Ok(ClientCertVerified::assertion()),
            false => Err(CertificateError::NotValidForName.into()),
        }
    }

    checks_signatures!();
}
