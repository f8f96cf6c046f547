//! Where nothing is sent: into our own house. An address is looked at after it was resolved, on every attempt, and the
//! connection goes to the very address that was looked at, so that a name cannot mean one thing when it is checked and
//! another when it is used (OWASP SSRF prevention; RFC 6890 and the registries of special addresses).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::NextTimeout;

/// Ports events are sent to.
pub const PORTS: [u16; 2] = [443, 8443];

/// A network: an address and how many of its bits count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Net {
    address: IpAddr,
    bits: u32,
}

impl Net {
    fn parse(text: &str) -> Option<Self> {
        let (address, bits) = text.split_once('/').map_or((text, None), |(address, bits)| (address, Some(bits)));
        let address: IpAddr = address.parse().ok()?;
        let all = if address.is_ipv4() { 32 } else { 128 };
        let bits = bits.map_or(Some(all), |bits| bits.parse().ok().filter(|bits| *bits <= all))?;
        Some(Self { address, bits })
    }
    fn holds(self, address: IpAddr) -> bool {
        let same = |one: u128, other: u128, all: u32| self.bits == 0 || (one ^ other) >> (all - self.bits) == 0;
        match (self.address, address) {
            (IpAddr::V4(own), IpAddr::V4(other)) => same(own.to_bits().into(), other.to_bits().into(), 32),
            (IpAddr::V6(own), IpAddr::V6(other)) => same(own.to_bits(), other.to_bits(), 128),
            _ => false,
        }
    }
}

/// What is open to events although it is inside: for those who run everything themselves.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Allowed {
    nets: Vec<Net>,
    names: Vec<String>,
}

impl Allowed {
    /// Networks, addresses and host names.
    pub fn read(entries: &[String]) -> Result<Self, String> {
        let mut allowed = Self::default();
        for entry in entries.iter().map(|entry| entry.trim()).filter(|entry| !entry.is_empty()) {
            if let Some(net) = Net::parse(entry) {
                allowed.nets.push(net);
            } else if entry.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'.' || b == b'-') && entry.bytes().any(|b| b.is_ascii_alphabetic()) {
                allowed.names.push(entry.to_ascii_lowercase());
            } else {
                return Err(format!("{entry} is neither a network, an address nor a host name"));
            }
        }
        Ok(allowed)
    }
    /// Whether the host was named, or is an address of a network that was.
    #[must_use]
    pub fn names(&self, host: &str) -> bool {
        let host = host.trim_start_matches('[').trim_end_matches(']').to_ascii_lowercase();
        self.names.contains(&host) || host.parse().is_ok_and(|address| self.holds(address))
    }
    fn holds(&self, address: IpAddr) -> bool {
        self.nets.iter().any(|net| net.holds(address))
    }
}

/// Networks that are not the public Internet.
const INSIDE: [&str; 29] = [
    "0.0.0.0/8",       // this network
    "10.0.0.0/8",      // private
    "100.64.0.0/10",   // carriers' own
    "127.0.0.0/8",     // loopback
    "169.254.0.0/16",  // link-local, and the metadata of clouds
    "172.16.0.0/12",   // private
    "192.0.0.0/24",    // protocol assignments
    "192.0.2.0/24",    // documentation
    "192.88.99.0/24",  // old relays
    "192.168.0.0/16",  // private
    "198.18.0.0/15",   // benchmarks
    "198.51.100.0/24", // documentation
    "203.0.113.0/24",  // documentation
    "224.0.0.0/4",     // multicast
    "240.0.0.0/4",     // reserved, and broadcast
    "168.63.129.16",   // metadata of a cloud
    "::/96",           // unspecified, loopback, and IPv4 in old clothes
    "::ffff:0:0/96",   // IPv4 in IPv6, which is judged by itself
    "64:ff9b::/96",    // translated, which is judged by itself
    "64:ff9b:1::/48",  // translated within a network
    "100::/64",        // discarded
    "2001::/23",       // protocol assignments, with Teredo
    "2001:db8::/32",   // documentation
    "2002::/16",       // 6to4
    "3fff::/20",       // documentation
    "5f00::/16",       // segment routing
    "fc00::/7",        // private
    "fe80::/10",       // link-local
    "ff00::/8",        // multicast
];

/// The IPv4 address inside an IPv6 one that means nothing else.
fn embedded(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let translated = Net::parse("64:ff9b::/96").is_some_and(|net| net.holds(address.into()));
    address.to_ipv4_mapped().or_else(|| translated.then(|| Ipv4Addr::from_bits(u32::try_from(address.to_bits() & u128::from(u32::MAX)).unwrap_or_default())))
}

/// Whether an address lies on the public Internet.
#[must_use]
pub fn is_public(address: IpAddr) -> bool {
    let address = match address {
        IpAddr::V6(six) => embedded(six).map_or(address, IpAddr::V4),
        IpAddr::V4(_) => address,
    };
    // Everything else of IPv6 is not given out (RFC 4291 section 2.4).
    let given_out = |address: IpAddr| match address {
        IpAddr::V6(six) => six.segments()[0] >> 13 == 1,
        IpAddr::V4(_) => true,
    };
    given_out(address) && !INSIDE.iter().filter_map(|net| Net::parse(net)).any(|net| net.holds(address))
}

/// Why nothing is sent to an address, which anybody may know.
#[derive(Debug)]
pub struct Refused;
impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("The address is not on the public Internet, or the port is not 443 or 8443.")
    }
}
impl std::error::Error for Refused {}

/// Resolves a name and gives its addresses only where every one of them may be connected to.
#[derive(Debug)]
pub struct Guarded<R> {
    allowed: Arc<Allowed>,
    names: R,
}

impl Guarded<DefaultResolver> {
    #[must_use]
    pub fn new(allowed: Arc<Allowed>) -> Self {
        Self { allowed, names: DefaultResolver::default() }
    }
}

impl<R> Guarded<R> {
    fn may(&self, host: &str, found: SocketAddr) -> bool {
        self.allowed.names(host) || self.allowed.holds(found.ip()) || is_public(found.ip()) && PORTS.contains(&found.port())
    }
}

impl<R: Resolver> Resolver for Guarded<R> {
    fn resolve(&self, uri: &Uri, config: &Config, timeout: NextTimeout) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let found = self.names.resolve(uri, config, timeout)?;
        if found.iter().all(|address| self.may(uri.host().unwrap_or_default(), *address)) { Ok(found) } else { Err(ureq::Error::Other(Box::new(Refused))) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_inside_is_never_public_in_whatever_clothes() {
        let inside = "0.0.0.0 10.1.2.3 100.64.0.1 127.0.0.1 127.255.255.254 169.254.169.254 172.16.0.1 172.31.255.255 192.0.0.192 192.168.1.1 198.18.0.1 224.0.0.1 255.255.255.255 168.63.129.16
            :: ::1 ::127.0.0.1 ::ffff:0:7f00:1 4000::1 1fff::1 ::ffff:127.0.0.1 ::ffff:169.254.169.254 ::ffff:a00:1 64:ff9b::7f00:1 64:ff9b:1::1 2001::1 2002:7f00:1:: fc00::1 fd00:ec2::254 fe80::1 fec0::1 ff02::1";
        for text in inside.split_whitespace() {
            assert!(!is_public(text.parse().expect("an address")), "{text}");
        }
        for text in
            "1.1.1.1 8.8.8.8 100.63.255.255 100.128.0.1 172.15.0.1 172.32.0.1 192.169.0.1 2606:4700::1111 ::ffff:8.8.8.8 64:ff9b::808:808".split_whitespace()
        {
            assert!(is_public(text.parse().expect("an address")), "{text}");
        }
        assert_eq!(INSIDE.iter().filter(|net| Net::parse(net).is_none()).count(), 0);
    }

    #[test]
    fn what_is_allowed_is_a_network_an_address_or_a_name() {
        let allowed = Allowed::read(&["10.0.0.0/8".into(), " ::1 ".into(), "Receiver.internal".into(), String::new()]).expect("entries");
        assert!(allowed.names("10.9.9.9") && allowed.names("[::1]") && allowed.names("receiver.INTERNAL"));
        assert!(!allowed.names("11.0.0.1") && !allowed.names("internal") && !allowed.names("127.0.0.1"));
        for wrong in ["10.0.0.0/33", "http://x", "a b", "1.2.3"] {
            assert!(Allowed::read(&[wrong.into()]).is_err(), "{wrong}");
        }
        assert!(Allowed::read(&["0.0.0.0/0".into()]).expect("all").names("192.168.0.1"));
    }

    /// Answers with the next list each time it is asked.
    #[derive(Debug)]
    struct Fickle(std::sync::Mutex<Vec<Vec<SocketAddr>>>);
    impl Resolver for Fickle {
        fn resolve(&self, _: &Uri, _: &Config, _: NextTimeout) -> Result<ResolvedSocketAddrs, ureq::Error> {
            let mut found = self.empty();
            for address in self.0.lock().expect("nobody else").remove(0) {
                found.push(address);
            }
            Ok(found)
        }
    }

    #[test]
    fn a_name_is_looked_at_each_time_and_one_bad_address_is_enough() {
        let at = |texts: &[&str]| texts.iter().map(|text| text.parse().expect("an address")).collect::<Vec<SocketAddr>>();
        let answers =
            [at(&["93.184.216.34:443"]), at(&["127.0.0.1:443"]), at(&["93.184.216.34:443", "10.0.0.1:443"]), at(&["93.184.216.34:22"]), at(&["10.0.0.7:22"])];
        let guarded = |allowed: &[&str], names| Guarded {
            allowed: Arc::new(Allowed::read(&allowed.iter().map(|a| (*a).to_owned()).collect::<Vec<_>>()).expect("entries")),
            names,
        };
        let first = guarded(&[], Fickle(answers[..4].to_vec().into()));
        let uri: Uri = "https://receiver.example/hook".parse().expect("an address");
        let timeout = NextTimeout::default;
        let config = ureq::Agent::config_builder().build();
        let asked: Vec<bool> = (0..4).map(|_| first.resolve(&uri, &config, timeout()).is_ok()).collect();
        assert_eq!(asked, [true, false, false, false]);
        assert!(guarded(&["10.0.0.0/24"], Fickle(answers[4..].to_vec().into())).resolve(&uri, &config, timeout()).is_ok());
    }
}
