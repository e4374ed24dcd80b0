//! Hosts that are reached without a proxy, in the format of Go's `NO_PROXY`.

use std::net::IpAddr;

/// List of hosts that are reached without a proxy.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub(super) struct NoProxy(Vec<Entry>);

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
enum Entry {
    All,
    /// Address and the length of its prefix.
    Network(IpAddr, u32),
    Address(IpAddr, Option<u16>),
    Domain {
        /// Suffix with a leading dot.
        suffix: String,
        /// Whether the domain itself is meant beside its subdomains.
        itself: bool,
        port: Option<u16>,
    },
}

impl NoProxy {
    /// Parses a list such as `localhost,.internal,10.0.0.0/8,api:6060`. Like Go, entries that mean
    /// nothing are skipped.
    pub(super) fn parse(list: &str) -> Self {
        let entries = list.split(',').map(|e| e.trim().to_lowercase());
        Self(entries.filter_map(|e| Entry::parse(&e)).collect())
    }

    /// Whether a host is reached without a proxy. This machine always is.
    pub(super) fn contains(&self, host: &str, port: u16) -> bool {
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let host = host.to_lowercase();
        let address: Option<IpAddr> = host.parse().ok();
        if host == "localhost" || address.is_some_and(|a| a.is_loopback()) {
            return true;
        }
        self.0.iter().any(|e| e.matches(&host, address, port))
    }
}

impl Entry {
    fn parse(text: &str) -> Option<Self> {
        match text {
            "" => return None,
            "*" => return Some(Self::All),
            _ => {}
        }
        if let Some((address, bits)) = text.split_once('/') {
            let (address, bits) = (address.parse().ok()?, bits.parse().ok()?);
            return Some(Self::Network(address, bits));
        }
        let (host, port) = match text.rsplit_once(':') {
            // An IPv6 address without brackets has no port.
            Some((host, port)) if !host.contains(':') || host.ends_with(']') => {
                (host, Some(port.parse().ok()?))
            }
            _ => (text, None),
        };
        let host = host.trim_start_matches('[').trim_end_matches(']');
        if let Ok(address) = host.parse() {
            return Some(Self::Address(address, port));
        }
        let host = host.strip_prefix('*').unwrap_or(host);
        let itself = !host.starts_with('.');
        let suffix = format!("{}{host}", if itself { "." } else { "" });
        (suffix.len() > 1).then_some(Self::Domain {
            suffix,
            itself,
            port,
        })
    }

    fn matches(&self, host: &str, address: Option<IpAddr>, port: u16) -> bool {
        let same = |wanted: Option<u16>| wanted.is_none_or(|wanted| wanted == port);
        match self {
            Self::All => true,
            Self::Network(network, bits) => address.is_some_and(|a| within(a, *network, *bits)),
            Self::Address(own, wanted) => address == Some(*own) && same(*wanted),
            Self::Domain {
                suffix,
                itself,
                port: wanted,
            } => {
                let found = host.ends_with(suffix) || *itself && host == &suffix[1..];
                found && same(*wanted)
            }
        }
    }
}

/// Whether an address has the first bits of a network's.
fn within(address: IpAddr, network: IpAddr, bits: u32) -> bool {
    let equal = match (address, network) {
        (IpAddr::V4(a), IpAddr::V4(n)) => (a.to_bits() ^ n.to_bits()).leading_zeros(),
        (IpAddr::V6(a), IpAddr::V6(n)) => (a.to_bits() ^ n.to_bits()).leading_zeros(),
        _ => return false,
    };
    equal >= bits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_matched_as_by_go() {
        let list = "one.org, .two.org,*.three.org,10.1.0.0/16,192.0.2.1,[2001:db8::1]:80,\
             four:6060,fd00::/8,,10.0.0.0/x";
        let list = NoProxy::parse(list);
        for (host, port, direct) in [
            ("one.org", 80, true),
            ("a.ONE.org", 80, true),
            ("someone.org", 80, false),
            ("two.org", 80, false),
            ("a.two.org", 443, true),
            ("three.org", 80, false),
            ("a.b.three.org", 80, true),
            ("10.1.2.3", 80, true),
            ("10.2.2.3", 80, false),
            ("192.0.2.1", 9, true),
            ("[2001:db8::1]", 80, true),
            ("[2001:db8::1]", 81, false),
            ("[fd12::1]", 81, true),
            ("four", 6060, true),
            ("four", 6061, false),
            ("localhost", 1, true),
            ("127.0.0.3", 1, true),
            ("[::1]", 1, true),
        ] {
            assert_eq!(list.contains(host, port), direct, "{host}:{port}");
        }
        assert!(NoProxy::parse("a,*").contains("b", 1));
        assert!(!NoProxy::default().contains("b", 1));
    }
}
