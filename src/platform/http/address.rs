//! Where a request comes from, and networks it may come from.

use actix_web::HttpRequest;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;
use std::sync::OnceLock;

/// Addresses that begin alike: `203.0.113.0/24`, `2001:db8::/32`, or one address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    base: IpAddr,
    prefix: u8,
}

impl Network {
    #[must_use]
    pub fn holds(&self, address: IpAddr) -> bool {
        match (self.base, address.to_canonical()) {
            (IpAddr::V4(_), IpAddr::V4(_)) | (IpAddr::V6(_), IpAddr::V6(_)) => head(address.to_canonical(), self.prefix) == head(self.base, self.prefix),
            _ => false,
        }
    }
}

/// The leading bits of an address, the others cleared.
fn head(address: IpAddr, prefix: u8) -> IpAddr {
    match address {
        IpAddr::V4(v4) => Ipv4Addr::from(u32::from(v4) & u32::MAX.checked_shl(32 - u32::from(prefix)).unwrap_or(0)).into(),
        IpAddr::V6(v6) => Ipv6Addr::from(u128::from(v6) & u128::MAX.checked_shl(128 - u32::from(prefix)).unwrap_or(0)).into(),
    }
}

impl FromStr for Network {
    type Err = String;
    /// An address, or an address with the number of its leading bits; the bits after them are cleared.
    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("{text} is neither an address nor a network like 203.0.113.0/24");
        let (address, prefix) = text.split_once('/').map_or((text, None), |(address, prefix)| (address, Some(prefix)));
        let address: IpAddr = address.parse().map_err(|_| wrong())?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let digits = |prefix: &str| prefix.bytes().all(|b| b.is_ascii_digit()).then(|| prefix.parse().ok()).flatten();
        let prefix = prefix.map_or(Some(most), digits).filter(|prefix| *prefix <= most).ok_or_else(wrong)?;
        Ok(Self { base: head(address, prefix), prefix })
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whole = if self.base.is_ipv4() { 32 } else { 128 };
        if self.prefix == whole { self.base.fmt(f) } else { write!(f, "{}/{}", self.base, self.prefix) }
    }
}

static PROXIES: OnceLock<Vec<Network>> = OnceLock::new();

/// Sets whose word is taken for where a request comes from; the first setting of a process stays.
pub fn trust_proxies(proxies: Vec<Network>) {
    let _ = PROXIES.set(proxies);
}

/// The address a request comes from. Behind proxies of ours that is what the last one of them saw (`X-Forwarded-For`, read
/// from the right while its entries are ours): what stands before it anybody may have written.
pub fn of(request: &HttpRequest) -> IpAddr {
    let peer = request.peer_addr().map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.ip().to_canonical());
    let forwarded: Vec<&str> =
        request.headers().get_all("x-forwarded-for").filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(',')).collect();
    behind(PROXIES.get().map_or(&[], Vec::as_slice), peer, &forwarded)
}

fn behind(proxies: &[Network], peer: IpAddr, forwarded: &[&str]) -> IpAddr {
    let ours = |address: IpAddr| proxies.iter().any(|proxy| proxy.holds(address));
    let mut from = peer;
    for said in forwarded.iter().rev() {
        let Some(said) = ours(from).then(|| said.trim().parse::<IpAddr>().ok()).flatten() else { break };
        from = said.to_canonical();
    }
    from
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(text: &str) -> Network {
        text.parse().expect("a network")
    }
    fn ip(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn a_network_holds_the_addresses_that_begin_like_it() {
        for (text, inside, outside) in [
            ("203.0.113.0/24", "203.0.113.255", "203.0.114.0"),
            ("203.0.113.7", "203.0.113.7", "203.0.113.6"),
            ("10.0.0.0/8", "::ffff:10.1.2.3", "11.0.0.0"),
            ("2001:db8::/32", "2001:db8:ffff::1", "2001:db9::"),
            ("0.0.0.0/0", "255.255.255.255", "::1"),
            ("::/0", "2001:db8::1", "127.0.0.1"),
            ("192.0.2.128/31", "192.0.2.129", "192.0.2.130"),
        ] {
            assert!(network(text).holds(ip(inside)) && !network(text).holds(ip(outside)), "{text}");
        }
        assert_eq!(network("203.0.113.77/24").to_string(), "203.0.113.0/24");
        assert_eq!(network("203.0.113.77/32").to_string(), "203.0.113.77");
        for wrong in ["", "203.0.113", "203.0.113.0/33", "203.0.113.0/-1", "203.0.113.0/+8", "203.0.113.0/", "2001:db8::/129", "example.com", "10.0.0.0/8/8"] {
            assert!(wrong.parse::<Network>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn only_our_proxies_are_believed_and_only_what_they_saw() {
        let proxies = [network("10.0.0.0/8")];
        let seen = |peer: &str, forwarded: &[&str]| behind(&proxies, ip(peer), forwarded).to_string();
        assert_eq!(seen("198.51.100.1", &["203.0.113.9"]), "198.51.100.1", "a stranger says what it likes");
        assert_eq!(seen("10.0.0.1", &["203.0.113.9"]), "203.0.113.9");
        assert_eq!(seen("10.0.0.1", &["192.0.2.1", " 203.0.113.9", "10.0.0.2"]), "203.0.113.9", "what the caller wrote itself is not believed");
        assert_eq!(seen("10.0.0.1", &["rubbish"]), "10.0.0.1");
        assert_eq!(seen("10.0.0.1", &[]), "10.0.0.1");
        assert_eq!(behind(&[], ip("10.0.0.1"), &["203.0.113.9"]).to_string(), "10.0.0.1");
    }
}
