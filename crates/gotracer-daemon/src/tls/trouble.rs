//! Explanations of TLS errors, with the option that helps.

use std::error::Error as StdError;
use std::io;

use gotracer_core::causes::chain;
use rustls::{AlertDescription, CertificateError, Error, InvalidMessage};

use super::authorities::is_authority;

/// Names of a client's TLS options.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Option of the trusted authorities.
    pub authorities: &'static str,
    /// Option of the expected server name.
    pub server_name: Option<&'static str>,
    /// Options of the client's certificate and key.
    pub client: &'static str,
}

/// Options of the configuration file.
pub const TLS_CONFIG: Options = Options {
    authorities: "tls_config.ca_file",
    server_name: Some("tls_config.server_name"),
    client: "tls_config.cert_file and key_file",
};

/// Error if a server answers in plain text.
const PLAIN: &str = "it does not speak TLS: use http://";

/// Error if a server requires TLS.
pub const SECURE: &str = "it speaks TLS: use https://";

/// Answers of TLS servers to plain HTTP: net/http, nginx, Apache.
const REFUSALS: [&str; 3] = [
    "Client sent an HTTP request to an HTTPS server",
    "The plain HTTP request was sent to HTTPS port",
    "speaking plain HTTP to an SSL-enabled server port",
];

/// Whether an answer shows that the server requires TLS.
pub fn refuses_plain(answer: &str) -> bool {
    REFUSALS.iter().any(|words| answer.contains(words))
}

/// Explains a failed connection if TLS is the cause.
pub fn of(error: &(dyn StdError + 'static), options: &Options) -> Option<String> {
    let mut source = Some(error);
    while let Some(error) = source {
        if let Some(tls) = error.downcast_ref::<Error>() {
            return Some(words(tls, options));
        }
        let io = error.downcast_ref::<io::Error>();
        if io.is_some_and(|io| io.to_string() == "tls handshake eof") {
            return Some(hung_up());
        }
        // The source of an I/O error skips the error that it wraps.
        source = match io.and_then(io::Error::get_ref) {
            Some(inner) => Some(inner),
            None => error.source(),
        };
    }
    None
}

/// Error if the connection ends during the handshake.
pub fn hung_up() -> String {
    "the server hung up during the TLS handshake; if it does not speak TLS, use http://".into()
}

/// Whether the peer closed the connection.
pub fn is_cut(error: &(dyn StdError + 'static)) -> bool {
    let cut = |kind| {
        matches!(
            kind,
            io::ErrorKind::ConnectionReset
                | io::ErrorKind::ConnectionAborted
                | io::ErrorKind::BrokenPipe
                | io::ErrorKind::UnexpectedEof
        )
    };
    chain(error).any(|e| {
        let io = e.downcast_ref::<io::Error>();
        let http = e.downcast_ref::<hyper::Error>();
        io.is_some_and(|io| cut(io.kind()))
            || http.is_some_and(|http| http.is_incomplete_message() || http.is_closed())
    })
}

/// Explains a connection that was closed without an answer.
pub fn silence(error: &(dyn StdError + 'static), https: bool) -> String {
    let hint = if https {
        ""
    } else {
        "; if it speaks TLS, use https://"
    };
    let http = || chain(error).find_map(|e| e.downcast_ref::<hyper::Error>());
    if http().is_some_and(hyper::Error::is_parse_too_large) {
        return "the headers of the answer are too long".into();
    }
    if http().is_some_and(hyper::Error::is_parse) {
        return format!("the answer is not HTTP{hint}");
    }
    match is_cut(error) {
        true => format!("the server hung up without an answer{hint}"),
        false => chain(error).last().unwrap_or(error).to_string(),
    }
}

fn words(error: &Error, options: &Options) -> String {
    let Options {
        authorities,
        client,
        ..
    } = options;
    match error {
        Error::InvalidMessage(
            InvalidMessage::InvalidContentType
            | InvalidMessage::UnknownProtocolVersion
            | InvalidMessage::MessageTooLarge,
        ) => PLAIN.into(),
        error if is_authority(error) => format!(
            "the server shows a certificate that is an authority's (CA:TRUE); set {authorities} to \
             this very certificate, or make one with CA:FALSE"
        ),
        Error::InvalidCertificate(error) => certificate(error, options),
        Error::NoCertificatesPresented => "the server shows no certificate".into(),
        Error::AlertReceived(alert) => match alert {
            AlertDescription::CertificateRequired => {
                format!("the server wants a client certificate; set {client}")
            }
            AlertDescription::BadCertificate
            | AlertDescription::UnsupportedCertificate
            | AlertDescription::CertificateRevoked
            | AlertDescription::CertificateExpired
            | AlertDescription::CertificateUnknown
            | AlertDescription::UnknownCA
            | AlertDescription::AccessDenied => {
                format!(
                    "the server refuses the client certificate, or wants one ({alert:?}); set {client}"
                )
            }
            AlertDescription::ProtocolVersion => {
                "no version of TLS is common: gotracer speaks 1.2 and 1.3".into()
            }
            AlertDescription::HandshakeFailure => format!(
                "the server ended the handshake: no cipher is common, or it wants a client \
                 certificate ({client})"
            ),
            AlertDescription::UnrecognisedName => {
                let name = options.server_name.unwrap_or("the host of the URL");
                format!("the server does not know this name; check {name}")
            }
            alert => format!("the server ended the handshake ({alert:?})"),
        },
        Error::PeerIncompatible(why) => format!("no version or cipher of TLS is common ({why:?})"),
        error => error.to_string(),
    }
}

fn certificate(error: &CertificateError, options: &Options) -> String {
    let authorities = options.authorities;
    match error {
        CertificateError::UnknownIssuer => format!(
            "no trusted authority signed the server's certificate; set {authorities} to a file \
             with the authority's certificate"
        ),
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "the server's certificate has expired".into()
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "the server's certificate is not valid yet; check the clocks".into()
        }
        CertificateError::NotValidForName => {
            format!(
                "the server's certificate is for another name{}",
                or_name(options)
            )
        }
        CertificateError::NotValidForNameContext {
            expected,
            presented,
        } => {
            let names: Vec<_> = presented.iter().take(3).map(|name| bare(name)).collect();
            let names = match names.is_empty() {
                true => "no name".into(),
                false => names.join(", "),
            };
            format!(
                "the server's certificate is for {names}, not for {}{}",
                expected.to_str(),
                or_name(options)
            )
        }
        CertificateError::Revoked => "the server's certificate is revoked".into(),
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
            "the server's certificate is not one for servers".into()
        }
        CertificateError::BadEncoding => "the server's certificate is broken".into(),
        CertificateError::BadSignature => "the server's certificate has a wrong signature".into(),
        error => format!("the server's certificate is not trusted: {error}"),
    }
}

fn or_name(options: &Options) -> String {
    options.server_name.map_or(String::new(), |name| {
        format!("; set {name} to the name in it")
    })
}

/// Returns the name in `DnsName("name")`.
fn bare(presented: &str) -> &str {
    presented.split('"').nth(1).unwrap_or(presented)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_name_the_option() {
        let said = |error: Error| of(&io::Error::other(error), &TLS_CONFIG).unwrap();
        let unknown = CertificateError::UnknownIssuer;
        assert!(said(unknown.into()).contains("set tls_config.ca_file to"));
        let plain = InvalidMessage::InvalidContentType;
        assert_eq!(said(plain.into()), PLAIN);
        let named = CertificateError::NotValidForNameContext {
            expected: "localhost".try_into().unwrap(),
            presented: vec!["DnsName(\"api.internal\")".into()],
        };
        assert_eq!(
            said(named.into()),
            "the server's certificate is for api.internal, not for localhost; \
             set tls_config.server_name to the name in it"
        );
        let wanted = Error::AlertReceived(AlertDescription::CertificateRequired);
        assert!(said(wanted).ends_with("set tls_config.cert_file and key_file"));
        assert_eq!(of(&io::Error::other("x"), &TLS_CONFIG), None);
    }
}
