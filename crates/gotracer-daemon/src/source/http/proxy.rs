//! `proxy_url`, `no_proxy`, `proxy_from_environment` and `proxy_connect_header`: proxies of
//! requests, as in Prometheus.

use std::collections::BTreeMap;
use std::{env, fmt};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hyper::Uri;
use hyper::header::{HeaderMap, HeaderName, HeaderValue, PROXY_AUTHORIZATION};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::FieldError;
use super::no_proxy::NoProxy;
use crate::secret::Secret;

/// URL of a proxy. Its user name and password are sent to the proxy; logs and pages mask the
/// password.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct ProxyUrl {
    /// URL without user name and password.
    url: Uri,
    /// User name and password.
    user: Option<(String, Secret)>,
}

/// Headers of CONNECT requests, as in Prometheus.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default, Serialize)]
#[serde(transparent)]
pub struct ConnectHeaders(BTreeMap<String, Vec<Secret>>);

/// Proxies of a client.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct Proxy {
    which: Which,
    connect: ConnectHeaders,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
enum Which {
    #[default]
    None,
    /// This proxy, except for the hosts of a list. Without a list, also for this machine.
    One(ProxyUrl, Option<NoProxy>),
    /// The proxies of `HTTP_PROXY` and `HTTPS_PROXY`.
    Environment,
}

/// Proxy of one request.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Hop {
    pub(super) url: Uri,
    /// Content of Proxy-Authorization.
    pub(super) access: Option<HeaderValue>,
    /// Further headers of CONNECT.
    pub(super) headers: HeaderMap,
}

impl ProxyUrl {
    /// Parses a URL. Errors do not contain it, because it may have a password.
    fn parse(text: &str) -> Result<Self, String> {
        let (scheme, rest) = text.split_once("://").unwrap_or(("http", text));
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at(end);
        let (user, host) = match authority.rsplit_once('@') {
            Some((user, host)) => (Some(user), host),
            None => (None, authority),
        };
        match scheme {
            "http" | "https" => {}
            "socks5" | "socks5h" => return Err("SOCKS is not supported".into()),
            _ => return Err("a proxy's URL starts with http:// or https://".into()),
        }
        let url = format!("{scheme}://{host}{path}").parse::<Uri>();
        let url = url
            .ok()
            .filter(|url| url.host().is_some_and(|h| !h.is_empty()));
        let url = url.ok_or("this is no URL such as http://proxy.internal:3128")?;
        let user = user.map(|user| {
            let (name, password) = user.split_once(':').unwrap_or((user, ""));
            (unescape(name), Secret::literal(unescape(password)))
        });
        Ok(Self { url, user })
    }

    fn access(&self) -> Option<HeaderValue> {
        let (name, password) = self.user.as_ref()?;
        let both = STANDARD.encode(format!("{name}:{}", password.expose()));
        let mut value = HeaderValue::try_from(format!("Basic {both}")).ok()?;
        value.set_sensitive(true);
        Some(value)
    }
}

impl fmt::Display for ProxyUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some((name, password)) = &self.user else {
            return self.url.fmt(f);
        };
        let scheme = self.url.scheme_str().unwrap_or_default();
        let host = self.url.authority().map_or("", |a| a.as_str());
        write!(f, "{scheme}://{name}:{password:?}@{host}")
    }
}

impl fmt::Debug for ProxyUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for ProxyUrl {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ProxyUrl {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let error = |why: &dyn fmt::Display| D::Error::custom(format_args!("proxy_url: {why}"));
        let text = String::deserialize(d)?;
        let text = Secret::expand(&text).map_err(|e| error(&e))?;
        Self::parse(text.expose()).map_err(|e| error(&e))
    }
}

impl ConnectHeaders {
    /// Whether there are no headers.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn map(&self) -> Result<HeaderMap, String> {
        let mut map = HeaderMap::new();
        let all = self.0.iter();
        for (name, value) in all.flat_map(|(n, values)| values.iter().map(move |v| (n, v))) {
            let key = HeaderName::try_from(name);
            let key = key.map_err(|_| format!("{name}: this is no name of a header"))?;
            let value = HeaderValue::try_from(value.expose());
            let mut value =
                value.map_err(|_| format!("{name}: the value is invalid in a header"))?;
            value.set_sensitive(true);
            map.append(key, value);
        }
        Ok(map)
    }
}

impl<'de> Deserialize<'de> for ConnectHeaders {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let texts = BTreeMap::<String, Vec<String>>::deserialize(d)?;
        let expand = |(name, values): (String, Vec<String>)| {
            let values = values.iter().map(|v| Secret::expand(v));
            let values = values.collect::<Result<_, _>>();
            let error = |e| D::Error::custom(format_args!("proxy_connect_header: {name}: {e}"));
            Ok((name.clone(), values.map_err(error)?))
        };
        texts
            .into_iter()
            .map(expand)
            .collect::<Result<_, _>>()
            .map(Self)
    }
}

impl Proxy {
    /// Creates the proxies from the fields of a configuration.
    ///
    /// # Errors
    /// If fields contradict each other.
    pub fn new(
        url: Option<&ProxyUrl>,
        no_proxy: Option<&str>,
        from_environment: bool,
        connect: &ConnectHeaders,
    ) -> Result<Self, FieldError> {
        let error = |field, why: &str| Err(FieldError::new(field, why));
        let which = match (url, no_proxy, from_environment) {
            (Some(_), _, true) => {
                return error(
                    "proxy_url",
                    "only one of proxy_url and proxy_from_environment can be set",
                );
            }
            (None, Some(_), true) => {
                let why = "only one of no_proxy and proxy_from_environment can be set";
                return error("no_proxy", why);
            }
            (None, Some(_), false) => return error("no_proxy", "it needs proxy_url"),
            (Some(url), list, false) => Which::One(url.clone(), list.map(NoProxy::parse)),
            (None, None, true) => Which::Environment,
            (None, None, false) => Which::None,
        };
        if which == Which::None && !connect.is_empty() {
            let why = "it needs proxy_url or proxy_from_environment";
            return error("proxy_connect_header", why);
        }
        let headers = connect.map();
        headers.map_err(|why| FieldError::new("proxy_connect_header", why))?;
        Ok(Self {
            which,
            connect: connect.clone(),
        })
    }

    /// Returns the proxy of a request, or `None` if it is sent to its host.
    ///
    /// # Errors
    /// If the proxy of the environment is invalid.
    pub(super) fn of(&self, target: &Uri) -> Result<Option<Hop>, String> {
        self.chosen(target, &|name| env::var(name).ok())
    }

    fn chosen(
        &self,
        target: &Uri,
        variable: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Option<Hop>, String> {
        let https = target.scheme_str() == Some("https");
        let usual = if https { 443 } else { 80 };
        let (host, port) = (target.host().unwrap_or_default(), target.port_u16());
        let direct = |list: &NoProxy| list.contains(host, port.unwrap_or(usual));
        let url = match &self.which {
            Which::None => return Ok(None),
            Which::One(_, Some(list)) if direct(list) => return Ok(None),
            Which::One(url, _) => url.clone(),
            Which::Environment => {
                let either = |names: [&str; 2]| {
                    let found = names.into_iter().filter_map(variable);
                    found.into_iter().find(|value| !value.is_empty())
                };
                let names = match https {
                    true => ["HTTPS_PROXY", "https_proxy"],
                    false => ["HTTP_PROXY", "http_proxy"],
                };
                let list = either(["NO_PROXY", "no_proxy"]).unwrap_or_default();
                match either(names) {
                    Some(url) if !direct(&NoProxy::parse(&list)) => ProxyUrl::parse(&url)
                        .map_err(|why| format!("environment variable {}: {why}", names[0]))?,
                    _ => return Ok(None),
                }
            }
        };
        Ok(Some(Hop {
            access: url.access(),
            url: url.url,
            headers: self.connect.map()?,
        }))
    }
}

impl Hop {
    /// Returns the headers of a CONNECT request.
    pub(super) fn connect_headers(&self) -> HeaderMap {
        let mut headers = self.headers.clone();
        if let Some(access) = &self.access {
            headers.insert(PROXY_AUTHORIZATION, access.clone());
        }
        headers
    }
}

/// Decodes `%40` and the like in user names and passwords.
fn unescape(text: &str) -> String {
    // `+` stands for itself here, and for a space in forms.
    let query = format!("x={}", text.replace('+', "%2B").replace('&', "%26"));
    let pair = form_urlencoded::parse(query.as_bytes()).next();
    pair.map(|(_, value)| value.into_owned())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> ProxyUrl {
        serde_saphyr::from_str(&format!("\"{text}\"")).unwrap()
    }

    fn hop(proxy: &Proxy, target: &str) -> Option<String> {
        let variable = |name: &str| match name {
            "http_proxy" => Some("proxy:1".into()),
            "HTTPS_PROXY" => Some("https://u:p@secure:2".into()),
            "NO_PROXY" => Some("near".into()),
            _ => None,
        };
        let hop = proxy.chosen(&target.parse().unwrap(), &variable).unwrap();
        hop.map(|hop| hop.url.to_string())
    }

    #[test]
    fn a_proxys_password_is_sent_and_never_shown() {
        let url = url("http://jo%40x:a+b%2Fses&ame@proxy:3128");
        let access = url.access().unwrap();
        assert_eq!(
            access,
            format!("Basic {}", STANDARD.encode("jo@x:a+b/ses&ame"))
        );
        for shown in [
            format!("{url} {url:?} {access:?}"),
            serde_json::to_string(&url).unwrap(),
        ] {
            assert!(shown.contains("http://jo@x:<secret>@proxy:3128"), "{shown}");
            assert!(!shown.contains("ame"), "{shown}");
        }
        for wrong in [
            "socks5://u:sesame@p",
            "ftp://u:sesame@p",
            "http://u:sesame@",
            "http://u:sesame@a b",
        ] {
            let error = serde_saphyr::from_str::<ProxyUrl>(&format!("'{wrong}'")).unwrap_err();
            let error = error.to_string();
            assert!(
                error.contains("proxy_url") && !error.contains("sesame"),
                "{error}"
            );
        }
    }

    #[test]
    fn proxies_are_chosen_by_host() {
        let none = ConnectHeaders::default();
        let proxy = url("http://proxy:3128");
        let all = Proxy::new(Some(&proxy), None, false, &none).unwrap();
        let most = Proxy::new(Some(&proxy), Some("a,b:80"), false, &none).unwrap();
        let environment = Proxy::new(None, None, true, &none).unwrap();
        let at = Some("http://proxy:3128/".to_owned());
        // As in Prometheus, this machine is exempt only beside no_proxy.
        for (target, one, other, third) in [
            ("http://far/", &at, &at, Some("http://proxy:1/")),
            ("https://far/", &at, &at, Some("https://secure:2/")),
            ("http://localhost:6060/", &at, &None, None),
            ("http://b/", &at, &None, Some("http://proxy:1/")),
            ("https://b/", &at, &at, Some("https://secure:2/")),
            ("http://near/", &at, &at, None),
        ] {
            assert_eq!(hop(&all, target), *one, "{target}");
            assert_eq!(hop(&most, target), *other, "{target}");
            assert_eq!(hop(&environment, target).as_deref(), third, "{target}");
        }
    }

    #[test]
    fn contradictions_are_refused() {
        let none = ConnectHeaders::default();
        let some: ConnectHeaders = serde_saphyr::from_str("{X-Team: [a]}").unwrap();
        let proxy = url("http://proxy:3128");
        for (url, list, environment, headers, error) in [
            (Some(&proxy), None, true, &none, "proxy_url: only one"),
            (None, Some("a"), true, &none, "no_proxy: only one"),
            (None, Some("a"), false, &none, "no_proxy: it needs"),
            (None, None, false, &some, "proxy_connect_header: it needs"),
        ] {
            let found = Proxy::new(url, list, environment, headers).unwrap_err();
            assert!(found.to_string().starts_with(error), "{found}");
        }
    }
}
