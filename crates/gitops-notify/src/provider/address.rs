//! Which addresses of the network messages may go to.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

use crate::NotifyError;

/// Which addresses messages may go to; held against the address that is connected to, after every name has been resolved.
///
/// A provider's address is written by whoever may write Providers, and the request is made from within the cluster.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AddressPolicy {
    /// Any address, as in Flux.
    Any,
    /// Neither this machine (loopback) nor the link (link-local), where clouds keep the credentials of their machines.
    #[default]
    OffMachine,
    /// Public addresses only: no private networks either.
    Public,
}

impl AddressPolicy {
    /// Returns what kind of place an address is, if messages may not go there.
    #[must_use]
    pub fn refuses(self, address: IpAddr) -> Option<&'static str> {
        let place = match address {
            IpAddr::V4(address) => place_of(address),
            IpAddr::V6(address) => match inside(address) {
                Some(address) => place_of(address),
                None => place_of_v6(address),
            },
        }?;
        match self {
            Self::Any => None,
            Self::OffMachine => Some(place).filter(|place| *place != "private"),
            Self::Public => Some(place),
        }
    }

    /// Refuses a URL whose host is written as an address; names are held against the policy when they are resolved.
    pub(super) fn check(self, url: &Url) -> Result<(), NotifyError> {
        let address = match url.host() {
            Some(Host::Ipv4(address)) => IpAddr::V4(address),
            Some(Host::Ipv6(address)) => IpAddr::V6(address),
            _ => return Ok(()),
        };
        match self.refuses(address) {
            Some(place) => Err(NotifyError::ForbiddenAddress { place }),
            None => Ok(()),
        }
    }
}

fn place_of(address: Ipv4Addr) -> Option<&'static str> {
    let [first, second, third, _] = address.octets();
    if address.is_loopback() || address.is_unspecified() {
        Some("loopback")
    } else if address.is_link_local() {
        Some("link-local")
    } else if address.is_multicast() || address.is_broadcast() || first >= 240 {
        Some("multicast or reserved")
    } else if address.is_private()
        || (first == 100 && second & 0xc0 == 64)
        || (first == 198 && second & 0xfe == 18)
        || (first == 192 && second == 0 && third == 0)
        || first == 0
    {
        Some("private")
    } else {
        None
    }
}

fn place_of_v6(address: Ipv6Addr) -> Option<&'static str> {
    let first = address.segments()[0];
    if address.is_loopback() || address.is_unspecified() {
        Some("loopback")
    } else if first & 0xffc0 == 0xfe80 {
        Some("link-local")
    } else if address.is_multicast() {
        Some("multicast or reserved")
    } else if first & 0xfe00 == 0xfc00 || first & 0xffc0 == 0xfec0 {
        Some("private")
    } else {
        None
    }
}

/// Returns the IPv4 address that an IPv6 address leads to: mapped, compatible, or behind the well-known NAT64 prefix.
fn inside(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let [a, b, c, d, e, f, high, low] = address.segments();
    let [high_a, high_b] = high.to_be_bytes();
    let [low_a, low_b] = low.to_be_bytes();
    let mapped = [a, b, c, d, e] == [0; 5] && (f == 0xffff || (f == 0 && high != 0));
    let nat64 = [a, b, c, d, e, f] == [0x64, 0xff9b, 0, 0, 0, 0];
    (mapped || nat64).then(|| Ipv4Addr::new(high_a, high_b, low_a, low_b))
}

/// Resolves names with the system's resolver and leaves out what the policy refuses. The connection goes to one of the
/// addresses that were held against the policy, so a name that changes its mind in between gains nothing.
#[derive(Clone, Copy, Debug)]
pub(super) struct GuardedResolver(pub(super) AddressPolicy);

impl Resolve for GuardedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let policy = self.0;
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            let refused = found.iter().find_map(|address| policy.refuses(address.ip()));
            let allowed: Vec<SocketAddr> =
                found.into_iter().filter(|address| policy.refuses(address.ip()).is_none()).collect();
            match refused {
                Some(place) if allowed.is_empty() => {
                    Err(Box::new(NotifyError::ForbiddenAddress { place }) as Box<_>)
                }
                _ => Ok(Box::new(allowed.into_iter()) as Addrs),
            }
        })
    }
}
