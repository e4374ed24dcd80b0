//! Access control: cross-site requests are refused, and some paths only answer local and
//! authenticated clients unless an option opens them.

use std::net::IpAddr;

use hyper::header::{HOST, HeaderMap, HeaderName, HeaderValue, ORIGIN};
use hyper::http::uri::Authority;
use hyper::{Method, Request, Uri};

/// Headers that proxies add. If one of them is present, the address of the connection is not that
/// of the client.
const FORWARDED: [HeaderName; 5] = [
    HeaderName::from_static("forwarded"),
    HeaderName::from_static("via"),
    HeaderName::from_static("x-forwarded-for"),
    HeaderName::from_static("x-forwarded-host"),
    HeaderName::from_static("x-real-ip"),
];

/// Whether a request comes from this machine, without a proxy and without DNS rebinding.
///
/// A web page can make its own name resolve to 127.0.0.1 (DNS rebinding), but then `Host` has that
/// name and not an address or `localhost`.
pub(super) fn is_local<B>(client: IpAddr, request: &Request<B>) -> bool {
    let headers = request.headers();
    let forwarded = FORWARDED.iter().any(|name| headers.contains_key(name));
    let mut hosts = hosts(request.uri(), headers).peekable();
    let named = hosts.peek().is_some();
    client.is_loopback() && !forwarded && named && hosts.all(|h| h.is_some_and(is_own))
}

/// Returns all hosts that a request names; `None` for one that is not valid.
fn hosts<'r>(uri: &'r Uri, headers: &'r HeaderMap) -> impl Iterator<Item = Option<Authority>> + 'r {
    let header = headers.get_all(HOST).iter().map(authority);
    header.chain(uri.authority().cloned().map(Some))
}

fn authority(value: &HeaderValue) -> Option<Authority> {
    value.to_str().ok()?.parse().ok()
}

fn is_own(host: Authority) -> bool {
    let host = host.host();
    let address = host.strip_prefix('[').and_then(|h| h.strip_suffix(']'));
    host.eq_ignore_ascii_case("localhost") || address.unwrap_or(host).parse::<IpAddr>().is_ok()
}

/// Whether a web page of another site makes a request with side effects. `read_has_effect` marks a
/// path on which GET has side effects; a link may open it.
///
/// As in Go's `http.CrossOriginProtection`: browsers send the origin in `Sec-Fetch-Site`, older ones
/// in `Origin`; other programs send neither.
pub(super) fn is_cross_site<B>(request: &Request<B>, read_has_effect: bool) -> bool {
    let headers = request.headers();
    let header = |name: &str| headers.get(name).map(HeaderValue::as_bytes);
    let site = header("sec-fetch-site");
    let foreign = site.is_some_and(|site| site != b"same-origin" && site != b"none");
    if matches!(*request.method(), Method::GET | Method::HEAD) {
        let opened = header("sec-fetch-mode") == Some(b"navigate");
        return read_has_effect && foreign && !opened;
    }
    match (site, headers.get(ORIGIN)) {
        (Some(_), _) => foreign,
        (None, None) => false,
        (None, Some(origin)) => {
            let origin = origin.to_str().ok().and_then(|o| o.parse::<Uri>().ok());
            let origin = origin.and_then(|origin| origin.authority().cloned());
            let mut hosts = hosts(request.uri(), headers).peekable();
            origin.is_none() || hosts.peek().is_none() || hosts.any(|host| host != origin)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(method: Method, uri: &str, headers: &[(&str, &str)]) -> Request<()> {
        let mut builder = Request::builder().method(method).uri(uri);
        for (name, value) in headers {
            builder = builder.header(*name, *value);
        }
        builder.body(()).unwrap()
    }

    #[test]
    fn local_clients_name_this_machine_and_come_from_it() {
        let local = |client: &str, uri: &str, headers: &[(&str, &str)]| {
            is_local(client.parse().unwrap(), &request(Method::GET, uri, headers))
        };
        for host in [
            "localhost",
            "LocalHost:16060",
            "127.0.0.1",
            "127.0.0.1:16060",
            "[::1]:16060",
            "192.0.2.7:1",
        ] {
            assert!(local("127.0.0.1", "/x", &[("host", host)]), "{host}");
            assert!(local("::1", &format!("https://{host}/x"), &[]), "{host}");
            assert!(!local("192.0.2.1", "/x", &[("host", host)]), "{host}");
            let rebound = format!("http://evil.example:{}/", 1);
            assert!(!local("127.0.0.1", &rebound, &[("host", host)]), "{host}");
            for header in FORWARDED {
                let both = [("host", host), (header.as_str(), "192.0.2.1")];
                assert!(!local("127.0.0.1", "/x", &both), "{header}");
            }
        }
        for host in [
            "evil.example",
            "localhost.evil.example",
            "127.0.0.1.evil.example",
            "gotracer:16060",
            "0x7f.1",
            "",
            "a b",
        ] {
            assert!(!local("127.0.0.1", "/x", &[("host", host)]), "{host}");
        }
        assert!(!local("127.0.0.1", "/x", &[]));
        let two = [("host", "localhost"), ("host", "evil.example")];
        assert!(!local("127.0.0.1", "/x", &two));
    }

    #[test]
    fn pages_of_other_sites_have_no_effect() {
        let cross = |method, uri: &str, headers: &[(&str, &str)]| {
            let mut all = vec![("host", "localhost:16060")];
            all.extend(headers);
            is_cross_site(&request(method, uri, &all), uri.starts_with("/probe"))
        };
        for (header, value, foreign) in [
            ("sec-fetch-site", "same-origin", false),
            ("sec-fetch-site", "none", false),
            ("sec-fetch-site", "same-site", true),
            ("sec-fetch-site", "cross-site", true),
            ("origin", "http://localhost:16060", false),
            ("origin", "http://localhost:3000", true),
            ("origin", "http://evil.example", true),
            ("origin", "null", true),
            ("accept", "*/*", false),
        ] {
            let found = cross(Method::POST, "/-/reload", &[(header, value)]);
            assert_eq!(found, foreign, "{header}: {value}");
            let read = cross(Method::GET, "/metrics", &[(header, value)]);
            assert!(!read, "{header}: {value}");
        }
        let image = [
            ("sec-fetch-site", "cross-site"),
            ("sec-fetch-mode", "no-cors"),
        ];
        assert!(cross(Method::GET, "/probe?target=a", &image));
        let link = [
            ("sec-fetch-site", "cross-site"),
            ("sec-fetch-mode", "navigate"),
        ];
        assert!(!cross(Method::GET, "/probe?target=a", &link));
    }
}
