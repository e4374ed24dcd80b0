//! An authority and certificates by it, made anew for each test.

use std::fs;
use std::path::{Path, PathBuf};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};

/// An authority with its certificate in a file.
pub(crate) struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    directory: PathBuf,
    pub file: String,
}

/// A certificate and its key, each in a file.
pub(crate) struct Certificate {
    pub cert: String,
    pub key: String,
}

/// A certificate of its own for hosts, an authority's (CA:TRUE) as `openssl req
/// -x509` makes it.
pub(crate) fn self_signed(directory: &Path, name: &str, hosts: &[&str]) -> Certificate {
    let hosts: Vec<_> = hosts.iter().map(ToString::to_string).collect();
    let mut params = CertificateParams::new(hosts).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().unwrap();
    let certificate = params.self_signed(&key).unwrap();
    let write = |what: &str, pem: String| write(directory, name, what, pem);
    Certificate {
        cert: write("cert", certificate.pem()),
        key: write("key", key.serialize_pem()),
    }
}

fn write(directory: &Path, name: &str, what: &str, pem: String) -> String {
    let path = directory.join(format!("{name}.{what}.pem"));
    fs::write(&path, pem).unwrap();
    path.display().to_string()
}

impl Authority {
    pub(crate) fn new(directory: &Path, name: &str) -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params
            .distinguished_name
            .push(rcgen::DnType::CommonName, name);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let file = directory.join(format!("{name}.pem"));
        fs::write(&file, issuer.pem()).unwrap();
        Self {
            issuer,
            directory: directory.to_owned(),
            file: file.display().to_string(),
        }
    }

    /// A certificate for hosts, in files with that name.
    pub(crate) fn sign(&self, name: &str, hosts: &[&str]) -> Certificate {
        let hosts: Vec<_> = hosts.iter().map(ToString::to_string).collect();
        let params = CertificateParams::new(hosts).unwrap();
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let write = |what: &str, pem: String| write(&self.directory, name, what, pem);
        Certificate {
            cert: write("cert", certificate.pem()),
            key: write("key", key.serialize_pem()),
        }
    }
}
