//! Where a webhook may go: the URL, the host's place on the allow-list, and every address that it resolves to.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use http::uri::{PathAndQuery, Scheme};
use http::{HeaderValue, Uri};

use crate::settings::Settings;

/// A URL that webhooks may be sent to, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target {
    pub tls: bool,
    /// Name or address, without brackets.
    pub host: String,
    pub port: u16,
    pub path: PathAndQuery,
    /// The `Host` header.
    pub authority: HeaderValue,
}

/// Why webhooks are not sent to a URL.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UrlRefused {
    /// Not an absolute URL.
    #[error("this is not an absolute URL such as https://jkc.voorbeeld.nl/webhooks")]
    Form,
    /// Plain HTTP (or another scheme) where that was not configured.
    #[error(
        "webhooks go over https; `{0}` is not accepted, except for tests, with webhooks.allow_insecure in the configuration"
    )]
    Scheme(String),
    /// `user:password@`.
    #[error("user name and password do not belong in a webhook URL; deliveries are signed instead")]
    UserInfo,
    /// Not on the allow-list.
    #[error(
        "the host `{0}` is not among the hosts that webhooks may be sent to; add it to the configuration"
    )]
    Host(String),
    /// An address that is never connected to.
    #[error("the address {0} is {1}, to which no webhook is sent")]
    Address(IpAddr, &'static str),
}

impl Target {
    /// Checks all that can be known before the name is resolved.
    pub(crate) fn parse(url: &str, settings: &Settings) -> Result<Self, UrlRefused> {
        let uri: Uri = url.parse().map_err(|_| UrlRefused::Form)?;
        let (Some(scheme), Some(authority)) = (uri.scheme(), uri.authority()) else {
            return Err(UrlRefused::Form);
        };
        let tls = *scheme == Scheme::HTTPS;
        let plain = *scheme == Scheme::HTTP && settings.allow_plain_http;
        if !tls && !plain {
            return Err(UrlRefused::Scheme(scheme.to_string()));
        }
        if authority.as_str().contains('@') {
            return Err(UrlRefused::UserInfo);
        }
        let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_ascii_lowercase();
        // A final dot is the same name to DNS and another one to a list.
        let host = host.strip_suffix('.').unwrap_or(&host).to_owned();
        if !settings.allowed_hosts.iter().any(|allowed| host_matches(allowed, &host)) {
            return Err(UrlRefused::Host(host));
        }
        if let Ok(address) = host.parse() {
            check_address(address, settings.allow_loopback)?;
        }
        let port = authority.port_u16().unwrap_or(if tls { 443 } else { 80 });
        let path = uri.path_and_query().cloned().unwrap_or(PathAndQuery::from_static("/"));
        let authority = HeaderValue::from_str(authority.as_str()).map_err(|_| UrlRefused::Form)?;
        Ok(Self { tls, host, port, path, authority })
    }
}

/// `*.voorbeeld.nl` is every name below that one, anything else exactly itself.
fn host_matches(allowed: &str, host: &str) -> bool {
    match allowed.strip_prefix('*') {
        Some(suffix) if suffix.starts_with('.') => {
            host.len() > suffix.len()
                && host.get(host.len() - suffix.len()..).is_some_and(|end| end.eq_ignore_ascii_case(suffix))
        }
        _ => allowed.eq_ignore_ascii_case(host),
    }
}

/// Refuses addresses behind which no JKC can be, but cloud metadata or the machine itself. Private ranges
/// are fine: JKC sits on an internal network.
pub(crate) fn check_address(address: IpAddr, allow_loopback: bool) -> Result<(), UrlRefused> {
    let why = match embedded(address) {
        IpAddr::V4(v4) => forbidden_v4(v4, allow_loopback),
        IpAddr::V6(v6) => forbidden_v6(v6, allow_loopback),
    };
    why.map_or(Ok(()), |why| Err(UrlRefused::Address(address, why)))
}

/// The IPv4 address inside an IPv4-mapped (`::ffff:0:0/96`), NAT64 (`64:ff9b::/96`, RFC 6052) or 6to4
/// (`2002::/16`, RFC 3056) one.
fn embedded(address: IpAddr) -> IpAddr {
    let IpAddr::V6(v6) = address.to_canonical() else { return address.to_canonical() };
    let v4 = |high: u16, low: u16| IpAddr::V4(Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low)));
    match v6.segments() {
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => v4(high, low),
        [0x2002, high, low, ..] => v4(high, low),
        _ => address,
    }
}

fn forbidden_v4(v4: Ipv4Addr, allow_loopback: bool) -> Option<&'static str> {
    match v4.octets() {
        [0, ..] => Some("unspecified"),
        [127, ..] if !allow_loopback => Some("loopback"),
        [169, 254, ..] => Some("link-local (cloud metadata)"),
        // Azure's and Alibaba's, outside of the link-local range.
        [168, 63, 129, 16] | [100, 100, 100, 200] => Some("cloud metadata"),
        [224..=239, ..] => Some("multicast"),
        [240..=255, ..] => Some("reserved or broadcast"),
        _ => None,
    }
}

fn forbidden_v6(v6: Ipv6Addr, allow_loopback: bool) -> Option<&'static str> {
    match v6.segments() {
        [0, 0, 0, 0, 0, 0, 0, 0] => Some("unspecified"),
        [0, 0, 0, 0, 0, 0, 0, 1] => (!allow_loopback).then_some("loopback"),
        [0xfe80..=0xfebf, ..] => Some("link-local"),
        [0xff00..=0xffff, ..] => Some("multicast"),
        // Amazon's.
        [0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254] => Some("cloud metadata"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(hosts: &[&str]) -> Settings {
        Settings { allowed_hosts: hosts.iter().map(ToString::to_string).collect(), ..Settings::default() }
    }

    #[test]
    fn a_url_is_taken_apart() {
        let allowed = settings(&["jkc.voorbeeld.nl", "*.intern.nl", "10.0.0.8", "fd12::8"]);
        let parse = |url| Target::parse(url, &allowed);
        let target = parse("https://JKC.voorbeeld.nl:8443/a/b?c=d").unwrap();
        assert_eq!((target.tls, target.host.as_str(), target.port), (true, "jkc.voorbeeld.nl", 8443));
        assert_eq!(
            (target.path.as_str(), target.authority.to_str().unwrap()),
            ("/a/b?c=d", "JKC.voorbeeld.nl:8443")
        );
        assert_eq!(parse("https://jkc.voorbeeld.nl").unwrap().path.as_str(), "/");
        assert_eq!(parse("https://10.0.0.8/").unwrap().port, 443);
        assert_eq!(parse("https://[fd12::8]:1/").unwrap().host, "fd12::8");
        assert!(parse("https://a.b.intern.nl/").is_ok());
        assert!(parse("https://jkc.voorbeeld.nl./").is_ok());
    }

    #[test]
    fn a_url_is_refused_with_its_reason() {
        let allowed = settings(&["jkc.nl", "*.intern.nl", "169.254.169.254", "127.0.0.1", "[::1]"]);
        let refused = |url: &str| Target::parse(url, &allowed).unwrap_err();
        for url in ["", "jkc.nl", "/path", "https://", "https:///x"] {
            assert_eq!(refused(url), UrlRefused::Form, "{url}");
        }
        assert_eq!(refused("http://jkc.nl/"), UrlRefused::Scheme("http".into()));
        assert_eq!(refused("ftp://jkc.nl/"), UrlRefused::Scheme("ftp".into()));
        assert_eq!(refused("https://jkc.nl@evil.nl/"), UrlRefused::UserInfo);
        for host in ["evil.nl", "intern.nl", "evilintern.nl", "jkc.nl.evil.nl", "xn--jkc-abc.nl"] {
            assert_eq!(refused(&format!("https://{host}/")), UrlRefused::Host(host.into()));
        }
        // On the list, and refused all the same.
        assert!(matches!(refused("https://169.254.169.254/latest"), UrlRefused::Address(..)));
        assert!(matches!(refused("https://127.0.0.1/"), UrlRefused::Address(_, "loopback")));
        let loopback = Settings { allow_loopback: true, ..allowed.clone() };
        assert!(Target::parse("https://127.0.0.1/", &loopback).is_ok());
        assert!(Target::parse("http://jkc.nl/", &Settings { allow_plain_http: true, ..allowed }).is_ok());
    }

    #[test]
    fn addresses_where_no_jkc_can_be_are_refused() {
        let never = [
            "0.0.0.0",
            "0.1.2.3",
            "169.254.169.254",
            "169.254.0.1",
            "168.63.129.16",
            "100.100.100.200",
            "224.0.0.1",
            "239.255.255.250",
            "255.255.255.255",
            "240.0.0.1",
            "::",
            "fe80::1",
            "febf::1",
            "ff02::1",
            "fd00:ec2::254",
            "::ffff:169.254.169.254",
            "64:ff9b::a9fe:a9fe",
            "2002:a9fe:a9fe::1",
            "::ffff:0.0.0.0",
        ];
        for text in never {
            let address: IpAddr = text.parse().unwrap();
            assert!(check_address(address, true).is_err(), "{text}");
        }
        for text in ["127.0.0.1", "127.8.9.1", "::1", "::ffff:127.0.0.1", "64:ff9b::7f00:1"] {
            let address: IpAddr = text.parse().unwrap();
            assert!(check_address(address, false).is_err(), "{text}");
            assert!(check_address(address, true).is_ok(), "{text}");
        }
        for text in
            ["10.1.2.3", "192.168.0.1", "172.16.0.1", "100.64.0.1", "52.1.2.3", "fd12::1", "2001:db8::1"]
        {
            assert!(check_address(text.parse().unwrap(), false).is_ok(), "{text}");
        }
    }
}
